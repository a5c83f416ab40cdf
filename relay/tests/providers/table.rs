//! The table of capabilities in `docs/providers.md` is written from the
//! adapters' own sets: `UPDATE_GOLDEN=1` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use chinwag_relay::config::Provider;
use chinwag_relay::upstream::{CATALOGUE, Support};

const BEGIN: &str = "<!-- providers: begin -->\n";
const END: &str = "<!-- providers: end -->";

#[test]
fn the_table_in_the_documentation_is_that_of_the_adapters() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/providers.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).expect("the page has the marker of the table's begin");
    let (known, tail) = rest.split_once(END).expect("the page has the marker of the table's end");
    let table = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() && table != known {
        fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
        return;
    }
    assert!(known == table, "docs/providers.md is stale; UPDATE_GOLDEN=1 writes:\n{table}");
}

fn table() -> String {
    let mut out = String::from("|");
    for (name, ..) in CATALOGUE {
        let _ = write!(out, " | `{name}`");
    }
    out.push_str(" |\n|---");
    out.push_str(&"|---".repeat(CATALOGUE.len()));
    out.push_str("|\n");
    let names = CATALOGUE[0].2.rows().map(|(name, _)| name);
    for (row, name) in names.iter().enumerate() {
        let _ = write!(out, "| {name}");
        for (.., capabilities) in CATALOGUE {
            let _ = write!(out, " | {}", capabilities.rows()[row].1.word());
        }
        out.push_str(" |\n");
    }
    out
}

#[test]
fn every_provider_that_can_be_configured_is_in_the_table() {
    let listed: Vec<&str> = CATALOGUE.iter().map(|(name, ..)| *name).collect();
    assert_eq!(listed, Provider::NAMES);
}

/// The providers' own abilities, as their material says; what the relay adds is
/// not in it.
#[test]
fn the_capability_sets_say_what_the_providers_say() {
    let provided = |name: &str| {
        let (.., set) = CATALOGUE.iter().find(|(known, ..)| *known == name).unwrap();
        [set.follow_up, set.feedback, set.retry, set.sources].map(|support| support == Support::Provider)
    };
    for (name, [follow_up, feedback, retry, sources]) in [
        ("chatbase-v2", [true, true, true, false]),
        ("chatbase-v1", [false, false, false, false]),
        ("chatsby", [true, false, false, true]),
        ("openai-responses", [true, false, false, true]),
        ("ai-sdk", [false, false, true, true]),
    ] {
        assert_eq!(provided(name), [follow_up, feedback, retry, sources], "{name}");
    }
    let votes = CATALOGUE.iter().find(|(name, ..)| *name == "chatbotkit").unwrap().2.feedback;
    assert_eq!(votes, Support::Provider);
}
