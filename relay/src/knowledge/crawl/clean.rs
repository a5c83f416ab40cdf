//! What the pages of a site repeat: menus, banners, footers that are not marked
//! as such. It says nothing about any of them, and would be found for everything.

use std::collections::{HashMap, HashSet};

use crate::store::SourcePage;

/// Pages below which nothing can be told from chance.
const LEAST_PAGES: usize = 5;

/// A block that stands on more than this part of the pages is furniture.
const SHARE: f32 = 0.4;

/// Removes from each page the blocks that many of the pages have. A page that
/// is made of nothing else keeps all of it.
pub fn strip_repeated(pages: &mut [SourcePage]) {
    if pages.len() < LEAST_PAGES {
        return;
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let distinct: HashSet<String> = blocks(&page.text).map(key).collect();
        for block in distinct {
            *counts.entry(block).or_default() += 1;
        }
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of some thousand pages"
    )]
    let most = ((pages.len() as f32 * SHARE) as usize).max(LEAST_PAGES - 1);
    for page in pages.iter_mut() {
        let kept: Vec<&str> = blocks(&page.text)
            .filter(|block| counts.get(&key(block)).is_none_or(|count| *count <= most))
            .collect();
        // Headings alone are no text.
        let says_something = kept.iter().any(|block| !block.trim_start().starts_with('#'));
        if says_something {
            page.text = kept.join("\n\n");
        }
    }
}

/// What stands between empty lines; code with empty lines in it is one block.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(['\n', '\r']);
        if rest.is_empty() {
            return None;
        }
        let is_code = rest.starts_with("```");
        let end = if is_code {
            rest.get(3..).and_then(|after| after.find("\n```")).map(|at| at + 7)
        } else {
            rest.find("\n\n").or_else(|| rest.find("\r\n\r\n"))
        };
        let (block, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, ""));
        rest = after;
        Some(block)
    })
}

/// A block by which it is known again: spaces do not count.
fn key(block: &str) -> String {
    block.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(count: usize) -> Vec<SourcePage> {
        (0..count)
            .map(|number| SourcePage {
                url: format!("https://a.example/{number}"),
                title: number.to_string(),
                text: format!("[Home](/) [Cart](/cart)\n\n# Page {number}\n\nText of page {number}.\n\n```\na\n\nb {number}\n```\n\nWe use  cookies.\n"),
            })
            .collect()
    }

    #[test]
    fn what_many_pages_repeat_is_removed_and_the_rest_stays() {
        let mut pages = site(10);
        strip_repeated(&mut pages);
        assert_eq!(pages[3].text, "# Page 3\n\nText of page 3.\n\n```\na\n\nb 3\n```");
    }

    #[test]
    fn a_few_pages_and_pages_that_are_all_alike_keep_everything() {
        let mut few = site(4);
        strip_repeated(&mut few);
        assert_eq!(few, site(4));
        let alike =
            vec![SourcePage { url: "u".into(), title: "t".into(), text: "# A\n\nThe same.".into() }; 9];
        let mut stripped = alike.clone();
        strip_repeated(&mut stripped);
        assert_eq!(stripped, alike);
    }
}
