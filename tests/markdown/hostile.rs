//! Texts that were written to break out, at every place where a stream can cut
//! them: no link leads where none may, and nothing is there that nobody sees.

use chinwag::engine::markdown::{Block, Document, Href, Inline, parse};
use chinwag_protocol::sse::{Decoder, Frame, encode};

use crate::golden;

/// The payloads of all files, with the file's name.
fn payloads() -> Vec<(String, String)> {
    let folder = golden::folder("hostile");
    let mut payloads = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder of hostile texts") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let file: serde_json::Value = serde_json::from_str(&golden::read(&path)).expect("JSON");
        for key in ["source", "licence"] {
            assert!(file[key].as_str().is_some_and(|text| !text.is_empty()), "{name} names no {key}");
        }
        for payload in file["payloads"].as_array().expect("payloads") {
            payloads.push((name.clone(), payload.as_str().expect("a text").to_owned()));
        }
    }
    payloads
}

/// Calls `visit` with each address and each text of some blocks.
fn walk(blocks: &[Block], visit: &mut impl FnMut(Option<&Href>, &str)) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) | Block::Heading { children: inlines, .. } => {
                walk_inlines(inlines, visit);
            }
            Block::CodeBlock { language, text } => {
                visit(None, language.as_deref().unwrap_or_default());
                visit(None, text);
            }
            Block::List { items, .. } => items.iter().for_each(|item| walk(&item.blocks, visit)),
            Block::Quote(blocks) => walk(blocks, visit),
            Block::Table { head, rows, .. } => {
                rows.iter().chain([head]).flatten().for_each(|cell| walk_inlines(cell, visit));
            }
            Block::Rule => {}
        }
    }
}

fn walk_inlines(inlines: &[Inline], visit: &mut impl FnMut(Option<&Href>, &str)) {
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) => visit(None, text),
            Inline::Emph(children) | Inline::Strong(children) | Inline::Strike(children) => {
                walk_inlines(children, visit);
            }
            Inline::Link { href, title, children } => {
                visit(Some(href), title.as_deref().unwrap_or_default());
                walk_inlines(children, visit);
            }
            Inline::Image { src, title, alt } => {
                visit(Some(src), title.as_deref().unwrap_or_default());
                visit(None, alt);
            }
            Inline::SoftBreak | Inline::HardBreak => {}
        }
    }
}

/// What is wrong with an address, said without the checks of the engine.
fn fault_of(href: &str) -> Option<&'static str> {
    let lower = href.to_ascii_lowercase();
    let schemes = ["http://", "https://", "mailto:", "tel:"];
    let Some(scheme) = schemes.iter().find(|scheme| lower.starts_with(*scheme)) else {
        return Some("its scheme");
    };
    let authority = href[scheme.len()..].split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if scheme.ends_with("//") && (authority.is_empty() || authority.contains('@')) {
        return Some("its host or user name");
    }
    href.chars().any(is_hidden).then_some("a hidden character")
}

fn is_hidden(character: char) -> bool {
    (character.is_control() && !matches!(character, '\t' | '\n'))
        || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E001F}')
}

fn check(blocks: &[Block], from: &str, payload: &str) -> usize {
    let mut links = 0;
    walk(blocks, &mut |href, text| {
        assert!(!text.contains(is_hidden), "{from}: {payload:?} shows {text:?}");
        if let Some(href) = href {
            links += 1;
            let fault = fault_of(href.as_str());
            assert_eq!(fault, None, "{from}: {payload:?} leads to {:?}", href.as_str());
        }
    });
    links
}

#[test]
fn no_hostile_text_makes_a_link_that_may_not_be_at_any_place_where_it_is_cut() {
    let payloads = payloads();
    assert!(payloads.len() > 1200, "only {} payloads", payloads.len());
    let mut links = 0;
    for (from, payload) in &payloads {
        let whole = parse(payload);
        links += check(&whole, from, payload);
        // Of the few long ones not every place: the test below draws them all.
        let cuts = (0..=payload.len()).step_by(1 + payload.len() / 100);
        for cut in cuts.filter(|&cut| payload.is_char_boundary(cut)) {
            let (before, after) = payload.split_at(cut);
            let mut document = Document::new();
            document.push(before);
            check(document.settled(), from, payload);
            check(document.tail(), from, payload);
            document.push(after);
            check(document.tail(), from, payload);
            document.finish();
            assert_eq!(document.settled(), whole, "{from}: {payload:?} cut at {cut}");
        }
    }
    // Else the checks above have looked at nothing.
    assert!(links > 100, "only {links} links");
}

/// A stream cuts bytes where it likes, in the midst of a character too.
#[test]
fn a_hostile_text_whose_bytes_come_one_by_one_settles_to_the_whole() {
    for (from, payload) in payloads() {
        let mut events = String::new();
        for character in payload.chars() {
            encode(&mut events, None, &serde_json::Value::from(character.to_string()).to_string());
        }
        let mut decoder = Decoder::default();
        let mut document = Document::new();
        for byte in events.bytes() {
            let sink = |frame: Frame| {
                let text: String = serde_json::from_str(&frame.data).expect("what was sent");
                document.push(&text);
                check(document.tail(), &from, &payload);
            };
            decoder.feed(&[byte], sink).expect("no event is too long");
        }
        document.finish();
        assert_eq!(document.settled(), parse(&payload), "{from}: {payload:?}");
    }
}
