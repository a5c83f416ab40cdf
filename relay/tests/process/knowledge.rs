//! Sources, webhooks and exports from the command line: on the data folder, with
//! and without a relay beside it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::relay::{Relay, folder, run};

const CONFIG: &str = "[server.limits]\nwebhook_retry = \"10ms\"\n\n\
    [[site]]\nkey = \"site_a\"\norigins = []\nagent = \"docs\"\n\n\
    [agent.docs]\nprovider = \"docs\"\npath = \"docs\"\n";

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

fn told(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&said(folder, arguments)).unwrap()
}

fn crawl(folder: &Path, pages: &[(&str, &str)]) {
    let pages: Vec<Value> = pages
        .iter()
        .map(|(name, text)| {
            let title = json!({ "title": name });
            json!({ "url": format!("https://shop.example/{name}"), "metadata": title, "markdown": text })
        })
        .collect();
    fs::write(folder.join("pages.json"), json!(pages).to_string()).unwrap();
}

#[test]
fn a_crawl_is_brought_in_by_what_has_changed_with_and_without_a_relay() {
    let folder = folder();
    let here = folder.path();
    fs::write(here.join("chinwag.toml"), CONFIG).unwrap();
    let made = told(here, &["agents", "create", "--name", "Guide", "--base", "docs", "--json"]);
    let agent = made["id"].as_str().unwrap();
    let sync = ["sources", "sync", "--agent", agent, "--file", "pages.json", "--json"];
    let changes =
        |told: &Value| ["added", "replaced", "removed", "unchanged"].map(|name| told[name].as_u64().unwrap());

    crawl(here, &[("Delivery", "Four days."), ("Tea", "Eighty degrees."), ("Gone", "Soon.")]);
    let first = told(here, &sync);
    assert_eq!((changes(&first), &first["status"]), ([3, 0, 0, 0], &json!("trained")), "{first}");
    crawl(here, &[("Delivery", "Six days."), ("Tea", "Eighty degrees."), ("New", "Text.")]);
    assert_eq!(changes(&told(here, &sync)), [1, 1, 1, 1]);
    assert_eq!(changes(&told(here, &sync)), [0, 0, 0, 3], "nothing has changed");
    fs::write(here.join("note.md"), "# Note\n\nWe are closed on Sunday.\n").unwrap();
    let added = told(here, &["sources", "add", "--agent", agent, "--file", "note.md", "--json"]);
    assert_eq!(
        (&added["status"], &added["media_type"]),
        (&json!("trained"), &json!("text/markdown")),
        "{added}"
    );
    let table = said(here, &["sources", "list", "--agent", agent]);
    assert!(table.starts_with("id ") && table.contains("note.md") && table.contains("crawl"), "{table}");

    fs::write(here.join("bad.json"), "{}").unwrap();
    let bad = run(here, &["sources", "sync", "--agent", agent, "--file", "bad.json"]);
    assert!(String::from_utf8_lossy(&bad.stderr).contains("a JSON array of pages is expected"));
    let nobody = run(here, &["sources", "list", "--agent", "agent_zzzzzzzzzz"]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("there is no such agent"));
}

#[test]
fn sources_webhooks_and_exports_are_managed_at_a_relay_by_its_url() {
    let relay = Relay::with_config(CONFIG);
    let here = relay.folder().to_owned();
    let key = said(&here, &["keys", "new", "--name", "server"]);
    fs::write(here.join("key.txt"), key).unwrap();
    let url = format!("http://{}", relay.addr);
    let there = ["--relay", url.as_str(), "--key-file", "key.txt", "--json"];
    let call = |arguments: &[&str]| told(&here, &[arguments, &there].concat());
    let agent =
        call(&["agents", "create", "--name", "Guide", "--base", "docs"])["id"].as_str().unwrap().to_owned();
    crawl(&here, &[("Delivery", "Four days."), ("Tea", "Eighty degrees.")]);
    let synced = call(&["sources", "sync", "--agent", &agent, "--file", "pages.json"]);
    assert_eq!((&synced["added"], &synced["status"]), (&json!(2), &json!("trained")), "{synced}");
    // What the relay trains is seen in its folder, and the other way round.
    let listed = told(&here, &["sources", "list", "--agent", &agent, "--json"]);
    assert_eq!(listed[0]["id"], synced["source_id"]);

    let hook = call(&[
        "webhooks",
        "create",
        "--endpoint",
        "https://example.com/hook",
        "--events",
        "message.created",
    ]);
    assert!(hook["secret"].as_str().unwrap().starts_with("whsec_"), "{hook}");
    let id = hook["id"].as_str().unwrap();
    assert_eq!(call(&["webhooks", "update", id, "--status", "paused"])["status"], "paused");
    assert_eq!(told(&here, &["webhooks", "list", "--json"])[0]["status"], "paused");
    assert_eq!(call(&["webhooks", "deliveries", id])[0]["type"], "ping");
    let private = run(&here, &["webhooks", "create", "--endpoint", "http://10.0.0.1/"]);
    assert!(String::from_utf8_lossy(&private.stderr).contains("private address"));
    said(&here, &["webhooks", "delete", id]);

    let csv = said(&here, &["export", "conversations", "--format", "csv"]);
    assert!(csv.starts_with("conversation_id,site,visitor,"), "{csv}");
    assert_eq!(
        said(
            &here,
            &["export", "conversations", "--since", "2026-01-01", "--relay", &url, "--key-file", "key.txt"]
        ),
        ""
    );
}
