//! The examples of `CommonMark` and of GitHub's extensions, against the oracle.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chinwag::engine::markdown::{Block, Document, parse};

use crate::{golden, oracle};

struct Example {
    number: u64,
    markdown: String,
    html: Option<String>,
}

fn examples(file: &str) -> Vec<Example> {
    let text = golden::read(&golden::folder("commonmark").join(file));
    let values: Vec<serde_json::Value> = serde_json::from_str(&text).expect("the examples are JSON");
    let string = |value: &serde_json::Value, key: &str| value[key].as_str().map(str::to_owned);
    values
        .iter()
        .map(|value| Example {
            number: value["number"].as_u64().expect("a number"),
            markdown: string(value, "markdown").expect("text"),
            html: string(value, "html"),
        })
        .collect()
}

/// The reasons why examples differ, by `file number`.
fn exceptions(file: &str) -> BTreeMap<u64, String> {
    golden::read(&golden::folder("commonmark").join("exceptions.txt"))
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let (number, reason) = rest.split_once(": ").expect("a reason after the number");
            (name == file).then(|| (number.parse().expect("the number of an example"), reason.to_owned()))
        })
        .collect()
}

/// Checks each example in two forms: as it is, where a relative address is
/// refused by both, and with addresses that are taken.
fn check(name: &str, file: &str) -> (usize, usize) {
    let exceptions = exceptions(name);
    let (mut checked, mut equal, mut report) = (0, 0, String::new());
    for example in examples(file) {
        let absolute = ["/url", "/uri", "/bar", "/my", "/f&ouml"]
            .iter()
            .fold(example.markdown.clone(), |text, path| text.replace(path, &format!("tel:{path}")));
        let mut is_equal = true;
        for markdown in [&example.markdown, &absolute] {
            let Some(expected) = oracle::parse(markdown) else { continue };
            let blocks = oracle::comparable(parse(markdown));
            if blocks != expected {
                is_equal = false;
                if !exceptions.contains_key(&example.number) {
                    let number = example.number;
                    writeln!(
                        report,
                        "{name} {number}: {markdown:?}\n  ours:   {blocks:?}\n  oracle: {expected:?}"
                    )
                    .expect("a string takes text");
                }
            }
        }
        if oracle::parse(&example.markdown).is_some() {
            checked += 1;
            equal += usize::from(is_equal);
        }
        if is_equal && exceptions.contains_key(&example.number) {
            writeln!(report, "{name} {} is listed as an exception and is none", example.number)
                .expect("a string takes text");
        }
    }
    assert!(report.is_empty(), "{report}\n{equal} of {checked} are equal");
    (checked, equal)
}

#[test]
fn the_examples_of_commonmark_give_the_tree_of_the_oracle() {
    let (checked, equal) = check("commonmark", "commonmark-0.31.2.json");
    assert!(checked > 550, "only {checked} examples have no HTML");
    assert!(equal * 100 >= checked * 97, "{equal} of {checked}");
}

#[test]
fn the_examples_of_tables_strikes_and_tasks_give_the_tree_of_the_oracle() {
    let (checked, _) = check("gfm", "gfm-0.29.json");
    assert!(checked > 20, "only {checked} examples");
}

#[test]
fn the_examples_of_the_parser_of_github_give_the_tree_of_the_oracle() {
    let (checked, _) = check("cmark-gfm", "cmark-gfm-0.29.json");
    assert!(checked > 20, "only {checked} examples");
}

/// The oracle knows no bare addresses: these are held against the HTML that
/// the specification gives.
#[test]
fn the_examples_of_bare_addresses_give_the_links_of_the_specification() {
    let exceptions = exceptions("autolink");
    let mut seen = 0;
    for example in examples("gfm-0.29.json") {
        let html = example.html.expect("the examples of GFM have HTML");
        if !html.contains("<a href") || html.contains("<table") {
            continue;
        }
        seen += 1;
        let ours = crate::html::write(&parse(&example.markdown));
        let is_equal = ours == html;
        let is_listed = exceptions.contains_key(&example.number);
        assert!(is_equal != is_listed, "autolink {}, listed: {is_listed}\n{ours}\n{html}", example.number);
    }
    assert!(seen >= 10, "only {seen} examples");
}

#[test]
fn every_example_settles_to_the_whole_when_it_comes_character_by_character() {
    for file in ["commonmark-0.31.2.json", "gfm-0.29.json", "cmark-gfm-0.29.json"] {
        for example in examples(file) {
            let mut document = Document::new();
            let mut settled: Vec<Block> = Vec::new();
            for character in example.markdown.chars() {
                document.push(character.encode_utf8(&mut [0; 4]));
                assert!(document.settled().starts_with(&settled), "{file} {}", example.number);
                settled = document.settled().to_vec();
            }
            document.finish();
            assert_eq!(document.settled(), parse(&example.markdown), "{file} {}", example.number);
            assert!(document.tail().is_empty());
        }
    }
}
