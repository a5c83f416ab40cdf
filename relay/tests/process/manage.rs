//! Keys and agents from the command line, beside a relay that runs.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::relay::{Relay, folder, run};

const CONFIG: &str = "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"docs\"\n\n\
    [agent.docs]\nprovider = \"docs\"\npath = \"docs\"\n";

fn said(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&said(&run(folder, arguments))).unwrap()
}

#[test]
fn a_key_that_is_made_beside_a_relay_opens_it_until_it_is_revoked() {
    let relay = Relay::with_config(CONFIG);
    let here = relay.folder().to_owned();
    let key = said(&run(&here, &["key", "new", "--name", "server"])).trim().to_owned();
    assert!(key.starts_with("cw_live_"), "{key}");
    let bearer = format!("authorization: Bearer {key}");
    assert!(relay.ask("GET", "/v1/agents", &[&bearer]).starts_with("HTTP/1.1 200"));

    // Made on the folder, seen by the relay; changed at the relay, seen in the folder.
    let made = json(&here, &["agents", "create", "--name", "Guide", "--json"]);
    let id = made["id"].as_str().unwrap();
    assert!(relay.ask("GET", &format!("/v1/agents/{id}"), &[&bearer]).contains("\"Guide\""));
    fs::write(here.join("key.txt"), format!("{key}\n")).unwrap();
    let url = format!("http://{}", relay.addr);
    let there = ["--url", url.as_str(), "--key-file", "key.txt"];
    said(&run(&here, &[&["agents", "update", id, "--status", "paused"][..], &there].concat()));
    let table = said(&run(&here, &["agents", "list"]));
    assert!(table.starts_with("id ") && table.contains(id) && table.contains("paused"), "{table}");
    let listed = json(&here, &[&["agents", "list", "--json", "--status", "paused"][..], &there].concat());
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(json(&here, &["agents", "list", "--json", "--test"]), serde_json::json!([]));

    let wrong = run(&here, &["agents", "update", id, "--temperature", "3"]);
    assert_eq!(wrong.status.code(), Some(1));
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(told.contains("validation_error (temperature): temperature is 0.0 to 2.0"), "{told}");
    said(&run(&here, &[&["agents", "delete", id][..], &there].concat()));

    let keys = json(&here, &["key", "list", "--api", "--json"]);
    let own = keys[0]["id"].as_str().unwrap();
    assert!(!keys.to_string().contains(&key), "{keys}");
    said(&run(&here, &["key", "revoke", own]));
    assert!(relay.ask("GET", "/v1/agents", &[&bearer]).starts_with("HTTP/1.1 401"));
    assert_eq!(run(&here, &["key", "revoke", own]).status.code(), Some(1), "there is nothing to revoke");
}

#[test]
fn the_text_of_a_key_is_in_no_file() {
    let folder = folder();
    fs::write(folder.path().join("chinwag.toml"), CONFIG).unwrap();
    let key = said(&run(folder.path(), &["key", "new", "--test", "--name", "trial"])).trim().to_owned();
    let secret = key.strip_prefix("cw_test_").unwrap();
    for entry in fs::read_dir(folder.path().join("chinwag-data")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "{}", path.display());
    }
}
