//! Every way in which a start can fail is told in words, with exit code 1.

use std::fs;

use crate::relay::{Relay, folder, run};

/// Starts with that file and expects a refusal; gives what it says.
fn refusal(config: &str) -> String {
    let folder = folder();
    fs::write(folder.path().join("chinwag.toml"), config).unwrap();
    let output = run(folder.path(), &["--addr", "127.0.0.1:0"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(!told.contains("panicked") && !told.contains("stack backtrace"), "{told}");
    assert!(!folder.path().join("chinwag-data").exists(), "the data folder was touched");
    told
}

#[test]
fn a_second_start_on_the_same_port_is_told_in_one_sentence() {
    let first = Relay::start();
    let folder = folder();
    let addr = first.addr.to_string();
    let second = run(folder.path(), &["--addr", &addr]);
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&format!("{addr} is already in use")), "{told}");
    assert!(!folder.path().join("chinwag-data").exists(), "the second start touched its data folder");
    assert!(first.get("/healthz").ends_with("ok\n"), "the first was harmed");
}

#[test]
fn a_bad_file_is_told_by_file_line_and_key() {
    let unknown = refusal("[server]\nadr = \"127.0.0.1:1\"\n");
    assert!(unknown.contains("chinwag.toml:2: server.adr: unknown key; did you mean \"addr\"?"), "{unknown}");
    let literal = refusal("[server]\nsigning_key = \"hunter2\"\n");
    assert!(literal.contains("chinwag.toml:2: server.signing_key: a secret is never"), "{literal}");
    assert!(!literal.contains("hunter2"), "{literal}");
    let missing = refusal("[server]\nsigning_key = { env = \"CHINWAG_TEST_NOT_SET\" }\n");
    assert!(missing.contains("chinwag.toml:2: server.signing_key.env:"), "{missing}");
    let origin = refusal(
        "[[site]]\nkey = \"site_a\"\norigins = [\"*\"]\nagent = \"a\"\n[agent.a]\nprovider = \"docs\"\npath = \"docs\"\n",
    );
    assert!(origin.contains("chinwag.toml:3: site.origins: \"*\": wildcards"), "{origin}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let folder = folder();
    let output = run(folder.path(), &["--config", "other.toml"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("other.toml: there is no such file"), "{told}");
}

#[test]
fn a_folder_of_documents_that_is_not_there_is_told() {
    let folder = folder();
    let output = run(folder.path(), &["--docs", "nowhere", "--addr", "127.0.0.1:0"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("--docs: there is no folder nowhere"), "{told}");
}

#[test]
fn an_option_that_makes_no_sense_is_told() {
    let folder = folder();
    for arguments in [&["--addr", "nonsense"][..], &["--nonsense"], &["--log-format", "xml"]] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_data_folder_is_made_where_the_file_says() {
    let relay = Relay::with_config("[server]\ndata_dir = \"kept/here\"\n");
    assert!(relay.folder().join("kept/here").is_dir());
    assert!(!relay.folder().join("chinwag-data").exists());
}
