//! The loader: `npm/loader.js` with the module's name and the launcher's styles in it.

use anyhow::{Result, bail};
use std::collections::BTreeSet;

/// Puts the two facts that only the build knows into the loader's source.
pub fn render(source: &str, module: &str, styles: &str) -> Result<String> {
    let mut text = source.to_owned();
    for (mark, value) in [("__CHINWAG_MODULE__", module), ("__CHINWAG_STYLES__", styles)] {
        if text.matches(mark).count() != 1 {
            bail!("npm/loader.js must name {mark} exactly once");
        }
        text = text.replace(mark, &serde_json::to_string(value)?);
    }
    Ok(text)
}

/// The launcher's styles without what the loader cannot show: rules of classes
/// that its source never names, custom properties that nothing refers to. The
/// widget has its own, complete copy; the loader has 3 kB in all.
///
/// The sheets are plain: rules, possibly inside `@media`, that hold declarations.
pub fn styles(tokens: &str, launcher: &str, source: &str) -> String {
    let rules = without_rules_of_others(&without_comments(launcher), source);
    prune_tokens(&without_comments(tokens), &rules) + &rules
}

/// Drops the rules whose selector has a class that `source` does not name.
fn without_rules_of_others(css: &str, source: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(end) = rest.find(['{', '}']) {
        let (piece, after) = rest.split_at(end + 1);
        let foreign = classes(piece).any(|class| !source.contains(&format!("cw-{class}")));
        if piece.ends_with('{') && foreign {
            rest = after.split_once('}').map_or("", |(_, after)| after);
            continue;
        }
        kept.push_str(piece);
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// The widget's classes in a selector: all begin with `cw-`.
fn classes(selector: &str) -> impl Iterator<Item = &str> {
    selector.split(".cw-").skip(1).map(|after| {
        let end =
            after.find(|letter: char| !(letter.is_alphanumeric() || letter == '-')).unwrap_or(after.len());
        &after[..end]
    })
}

/// The custom properties of `tokens` that `rules` needs, directly or through
/// each other. Other declarations stay.
fn prune_tokens(tokens: &str, rules: &str) -> String {
    let mut needed = BTreeSet::new();
    let mut waiting = used(rules);
    // What the token sheet itself uses for more than another token.
    waiting.extend(declarations(tokens).filter(|text| declared(text).is_none()).flat_map(used));
    while let Some(name) = waiting.pop() {
        if needed.insert(name.clone()) {
            for declaration in declarations(tokens).filter(|text| declared(text) == Some(&name)) {
                waiting.extend(used(declaration));
            }
        }
    }
    let mut kept = String::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some(end) = rest.find(['{', '}', ';']) {
        let (piece, after) = rest.split_at(end + 1);
        match declared(&piece[..end]) {
            // The last declaration of a block may end at its brace.
            Some(name) if !piece.ends_with('{') && !needed.contains(name) => {
                if piece.ends_with('}') {
                    kept.push('}');
                }
            }
            // Minifiers keep the spaces around a custom property's value.
            Some(name) if !piece.ends_with('{') => {
                let value = piece[..end].split_once(':').map_or("", |(_, value)| value.trim());
                kept.extend([name, ":", value, &piece[end..]]);
            }
            _ => kept.push_str(piece),
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn without_comments(css: &str) -> String {
    let mut text = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text
}

fn declarations(css: &str) -> impl Iterator<Item = &str> {
    css.split(['{', '}', ';'])
}

/// The custom property that a declaration sets.
fn declared(declaration: &str) -> Option<&str> {
    let (name, _) = declaration.split_once(':')?;
    let name = name.trim();
    name.starts_with("--").then_some(name)
}

/// The custom properties that a text refers to by `var()`.
fn used(css: &str) -> Vec<String> {
    css.split("var(")
        .skip(1)
        .map(|after| {
            let after = after.trim_start();
            let end = after
                .find(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '_'))
                .unwrap_or(after.len());
            after[..end].to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_gets_its_facts_as_string_literals() {
        let text =
            render("load(__CHINWAG_MODULE__); style(__CHINWAG_STYLES__);", "chinwag-1.js", "a{b:\"c\"}")
                .expect("rendered");
        assert_eq!(text, r#"load("chinwag-1.js"); style("a{b:\"c\"}");"#);
    }

    #[test]
    fn a_loader_without_its_marks_is_refused() {
        assert!(render("load();", "chinwag-1.js", "").is_err());
    }

    #[test]
    fn only_tokens_that_the_launcher_reaches_stay() {
        let tokens = ":host{--cw-a:1px;/* why; not */ --cw-b: var(--cw-c, 2px);--cw-c:3px;--cw-d:var(--cw-a);color:red}\
                      @media (x){:host{--cw-c:4px;--cw-d:5px}}";
        let pruned = styles(tokens, "button{inline-size:var(--cw-b)}", "");
        assert_eq!(
            pruned,
            ":host{--cw-b:var(--cw-c, 2px);--cw-c:3px;color:red}@media (x){:host{--cw-c:4px;}}\
             button{inline-size:var(--cw-b)}"
        );
    }

    #[test]
    fn tokens_that_the_host_element_itself_uses_stay() {
        let tokens = ":host{--cw-z:1;--cw-y:2}:host{z-index:var(--cw-z)}";
        assert_eq!(styles(tokens, "", ""), ":host{--cw-z:1;}:host{z-index:var(--cw-z)}");
    }

    #[test]
    fn rules_of_what_the_loader_never_draws_go() {
        let launcher =
            ".cw-launcher{a:b}.cw-badge{c:d}@media (x){.cw-launcher > .cw-badge{e:f}.cw-launcher{g:h}}";
        assert_eq!(
            styles("", launcher, r#"make("button", { class: "cw-launcher" })"#),
            ".cw-launcher{a:b}@media (x){.cw-launcher{g:h}}"
        );
    }
}
