//! Sitemaps: the addresses that a site lists of itself.

use quick_xml::Reader;
use quick_xml::events::Event;
use url::Url;

use super::fetch::Fetch;
use super::is_same_host;

/// Sitemaps that are fetched for one walk: an index lists others.
const MAX_MAPS: usize = 50;

/// Addresses that are taken from one sitemap, as its standard bounds it.
const MAX_ADDRESSES: usize = 50_000;

/// The pages of one host that sitemaps list, in their order; about as many as
/// are wanted.
pub(super) async fn read(fetch: Fetch<'_>, maps: &[Url], host: &Url, wanted: usize) -> Vec<Url> {
    let mut waiting: Vec<Url> = maps.iter().rev().cloned().collect();
    let mut known: Vec<Url> = Vec::new();
    let mut pages: Vec<Url> = Vec::new();
    while let Some(map) = waiting.pop() {
        let is_new = is_same_host(&map, host) && !known.contains(&map);
        if !is_new || known.len() >= MAX_MAPS || pages.len() > wanted {
            continue;
        }
        known.push(map.clone());
        // One that is not there says nothing about the pages.
        let Ok(text) = fetch.sitemap(&map).await else { continue };
        let listed = parse(&text);
        waiting.extend(listed.maps.into_iter().rev());
        pages.extend(listed.pages.into_iter().filter(|page| is_same_host(page, host)));
    }
    pages
}

/// What one sitemap lists.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listed {
    pages: Vec<Url>,
    maps: Vec<Url>,
}

/// Reads a sitemap, an index of sitemaps, or a text of one address a line. What
/// is broken ends it; what came before counts.
fn parse(text: &str) -> Listed {
    let mut listed = Listed::default();
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        listed.pages.extend(text.lines().filter_map(|line| web(line.trim())).take(MAX_ADDRESSES));
        return listed;
    }
    let mut reader = Reader::from_str(text);
    let mut is_index = false;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(start) => match start.local_name().as_ref() {
                "sitemapindex" | "sitemap" => is_index = true,
                "url" => is_index = false,
                "loc" => {
                    let Ok(raw) = reader.read_text(start.name()) else { break };
                    let address = quick_xml::escape::unescape(raw.trim()).ok();
                    let address = address.and_then(|address| web(&address));
                    let list = if is_index { &mut listed.maps } else { &mut listed.pages };
                    if list.len() < MAX_ADDRESSES {
                        list.extend(address);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    listed
}

fn web(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(urls: &[Url]) -> Vec<&str> {
        urls.iter().map(Url::as_str).collect()
    }

    #[test]
    fn pages_and_further_sitemaps_are_told_apart() {
        let map = parse(
            "<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\
             <url><loc> https://a.example/x?a=1&amp;b=2 </loc><lastmod>2026-01-01</lastmod></url>\
             <url><loc>javascript:alert(1)</loc></url><url><loc>https://a.example/y</loc></url></urlset>",
        );
        assert_eq!(shown(&map.pages), ["https://a.example/x?a=1&b=2", "https://a.example/y"]);
        let index =
            parse("<sitemapindex><sitemap><loc>https://a.example/1.xml</loc></sitemap></sitemapindex>");
        assert_eq!((shown(&index.maps), index.pages.len()), (vec!["https://a.example/1.xml"], 0));
        assert_eq!(shown(&parse("https://a.example/a\nnothing\nhttps://a.example/b\n").pages).len(), 2);
    }

    #[test]
    fn what_is_broken_gives_what_came_before() {
        let broken = "<urlset><url><loc>https://a.example/x</loc></url><url><loc>https://a.ex";
        assert_eq!(shown(&parse(broken).pages), ["https://a.example/x"]);
        let entities = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><urlset><url><loc>https://a.example/&b;</loc></url></urlset>";
        assert!(parse(entities).pages.is_empty(), "entities are not expanded");
        assert_eq!(parse("<"), Listed::default());
    }
}
