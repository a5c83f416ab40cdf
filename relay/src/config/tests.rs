//! A good file, and every way in which one is not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

const GOOD: &str = r#"
[server]
addr = "127.0.0.1:9000"
data_dir = "data"
public_url = "https://relay.example"
trusted_proxies = ["10.0.0.0/8", "::1"]
signing_key = { env = "SIGNING_KEY" }

[server.limits]
messages_per_minute = 3
streams = 1_000
header_timeout = "2s"

[[site]]
key = "site_shop"
origins = ["https://shop.example", "http://localhost:3000"]
agent = "help"

[[site]]
key = "site_blog"
origins = []
agent = "help"

[agent.help]
provider = "docs"
path = "manual"
name = "Help"
avatar_url = "https://shop.example/help.png"
greeting = "Hello."
suggestions = ["How?"]
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("manual")).unwrap();
    std::fs::write(folder.path().join("key.pem"), "from-a-file\r\n").unwrap();
    std::fs::write(folder.path().join("empty.pem"), "\n").unwrap();
    folder
}

fn read_with(text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
    let folder = folder();
    let environment = |name: &str| match name {
        "SIGNING_KEY" => Some("from-the-environment".to_owned()),
        "EMPTY" => Some(String::new()),
        "LONG" => Some("a-secret-of-thirty-two-bytes-or-more".to_owned()),
        _ => None,
    };
    Config::parse(&folder.path().join("chinwag.toml"), text, &environment, overrides)
}

fn read(text: &str) -> Result<Config, ConfigError> {
    read_with(text, &Overrides::default())
}

/// Replaces one line of the good file and checks what is said about it.
fn check(line: &str, instead: &str, key: &str, message: &str) {
    assert!(GOOD.contains(line), "{line:?} is not in the good file");
    let text = GOOD.replacen(line, instead, 1);
    let error = read(&text).unwrap_err();
    let expected = GOOD.lines().position(|candidate| candidate == line).unwrap() + 1;
    let [problem] = error.problems() else { panic!("one problem is expected: {error}") };
    assert_eq!(problem.line, Some(expected), "{problem}");
    assert_eq!(problem.key, key, "{problem}");
    assert!(problem.message.contains(message), "{problem}");
    assert!(problem.to_string().contains(&format!("chinwag.toml:{expected}: ")), "{problem}");
}

#[test]
fn a_good_file_is_read_whole() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.server.addr, "127.0.0.1:9000".parse().unwrap());
    assert!(config.server.data_dir.ends_with("data") && config.server.data_dir.is_absolute());
    assert_eq!(config.server.public_url.as_ref().unwrap().as_str(), "https://relay.example");
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.server.signing_key.as_ref().unwrap().expose(), "from-the-environment");
    assert_eq!(config.server.limits.messages_per_minute, 3);
    assert_eq!(config.server.limits.streams, 1000);
    assert_eq!(config.server.limits.header_timeout, Duration::from_secs(2));
    assert_eq!(config.server.limits.tokens_burst, Limits::default().tokens_burst);
    let keys: Vec<&str> = config.sites.iter().map(|site| site.key.as_str()).collect();
    assert_eq!(keys, ["site_shop", "site_blog"]);
    assert!(config.sites[0].allows("http://localhost:3000"));
    assert!(!config.sites[1].allows("http://localhost:3000"));
    let agent = &config.agents["help"];
    assert_eq!(agent.name, "Help");
    assert_eq!(agent.greeting.as_deref(), Some("Hello."));
    let Provider::Docs(docs) = &agent.provider else { panic!("not a docs agent") };
    assert!(docs.path.is_absolute() && docs.path.ends_with("manual"));
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_that_is_known() {
    check("addr = \"127.0.0.1:9000\"", "adr = \"127.0.0.1:9000\"", "server.adr", "did you mean \"addr\"?");
    check(
        "messages_per_minute = 3",
        "messages = 3",
        "server.limits.messages",
        "allowed here: tokens_per_minute,",
    );
    check(
        "name = \"Help\"",
        "titel = \"Help\"",
        "agent.help.titel",
        "unknown key; allowed here: name, avatar_url, greeting, suggestions, provider, path",
    );
    check("[server]", "[sever]", "sever", "unknown section; did you mean \"server\"?");
}

#[test]
fn an_unknown_key_of_a_site_is_told_beside_the_one_that_it_misses() {
    let error = read(&GOOD.replacen("origins = []", "origin = []", 1)).unwrap_err();
    let told: Vec<_> = error.problems().iter().map(|problem| (problem.line, problem.key.as_str())).collect();
    assert_eq!(told, [(Some(19), "site.origins"), (Some(21), "site.origin")], "{error}");
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    check("data_dir = \"data\"", "data_dir = 7", "server.data_dir", "expected a string, not a whole number");
    check("origins = []", "origins = \"https://x.example\"", "site.origins", "expected a list");
    check("streams = 1_000", "streams = 0", "server.limits.streams", "1 or more");
    check("streams = 1_000", "streams = -4", "server.limits.streams", "1 or more");
    check("streams = 1_000", "streams = 1.5", "server.limits.streams", "not a number");
    check(
        "messages_per_minute = 3",
        "messages_per_minute = 5_000_000_000",
        "server.limits.messages_per_minute",
        "out of range",
    );
    check(
        "header_timeout = \"2s\"",
        "header_timeout = \"2\"",
        "server.limits.header_timeout",
        "such as \"5s\"",
    );
    check("suggestions = [\"How?\"]", "suggestions = [1]", "agent.help.suggestions", "expected a string");
    check(
        "suggestions = [\"How?\"]",
        "suggestions = [\"1\", \"2\", \"3\", \"4\", \"5\"]",
        "agent.help.suggestions",
        "at most four",
    );
    check("addr = \"127.0.0.1:9000\"", "addr = \"relay:80\"", "server.addr", "an address is IP and port");
    check(
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
        "trusted_proxies = [\"10.0.0.0/99\"]",
        "server.trusted_proxies",
        "a network is",
    );
    check(
        "avatar_url = \"https://shop.example/help.png\"",
        "avatar_url = \"javascript:1\"",
        "agent.help.avatar_url",
        "http or https",
    );
}

#[test]
fn a_literal_secret_is_refused_and_not_quoted() {
    let line = "signing_key = { env = \"SIGNING_KEY\" }";
    check(
        line,
        "signing_key = \"hunter2\"",
        "server.signing_key",
        "a secret is never written into this file",
    );
    let error = read(&GOOD.replacen(line, "signing_key = \"hunter2\"", 1)).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let broken = read("[server]\nsigning_key = \"hunter2\n").unwrap_err();
    assert!(!broken.to_string().contains("hunter2"), "{broken}");
}

#[test]
fn a_secret_that_is_not_there_is_named() {
    let line = "signing_key = { env = \"SIGNING_KEY\" }";
    for (instead, key, message) in [
        ("signing_key = { env = \"NOWHERE\" }", "server.signing_key.env", "NOWHERE is not set"),
        ("signing_key = { env = \"EMPTY\" }", "server.signing_key.env", "EMPTY is not set"),
        ("signing_key = { file = \"none.pem\" }", "server.signing_key.file", "there is no such file"),
        ("signing_key = { file = \"empty.pem\" }", "server.signing_key.file", "the file is empty"),
        ("signing_key = {}", "server.signing_key", "a secret is one of"),
        ("signing_key = { env = \"A\", file = \"B\" }", "server.signing_key", "a secret is one of"),
    ] {
        check(line, instead, key, message);
    }
    let config = read(&GOOD.replacen(line, "signing_key = { file = \"key.pem\" }", 1)).unwrap();
    assert_eq!(config.server.signing_key.unwrap().expose(), "from-a-file");
}

#[test]
fn a_bad_origin_is_named_with_its_reason() {
    for (origin, reason) in [
        ("null", "sandboxed"),
        ("*", "wildcards"),
        ("https://*.shop.example", "wildcards"),
        ("https://shop.example/", "write \"https://shop.example\""),
        ("shop.example", "scheme, host and port"),
    ] {
        check("origins = []", &format!("origins = [\"{origin}\"]"), "site.origins", reason);
    }
}

#[test]
fn each_of_many_origins_is_blamed_on_its_own_line() {
    let origins = "origins = [\n  \"https://a.example\",\n  \"*\",\n  \"null\",\n]";
    let error = read(&GOOD.replacen("origins = []", origins, 1)).unwrap_err();
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [Some(23), Some(24)], "{error}");
}

#[test]
fn sites_and_agents_must_fit_together() {
    check("key = \"site_blog\"", "key = \"site_shop\"", "site.key", "another site already has the key");
    check("key = \"site_blog\"", "key = \"blog\"", "site.key", "starts with \"site_\"");
    let spaced = read(&GOOD.replacen("[agent.help]", "[agent.\"he lp\"]", 1)).unwrap_err();
    assert!(spaced.to_string().contains(":24: agent.he lp: the name of an agent is"), "{spaced}");
    let error = read(&GOOD.replacen("agent = \"help\"\n\n[[", "agent = \"halp\"\n\n[[", 1)).unwrap_err();
    assert!(
        error.to_string().contains(":17: site.agent: no agent is named \"halp\"; did you mean \"help\"?"),
        "{error}"
    );
    let none = read("[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"docs\"\n").unwrap_err();
    assert!(none.to_string().contains("add [agent.docs]"), "{none}");
    let lonely = read("[agent.help]\nprovider = \"docs\"\npath = \"manual\"\n").unwrap_err();
    assert!(lonely.to_string().contains("add a [[site]]"), "{lonely}");
    let single = read("[site]\nkey = \"site_a\"\n").unwrap_err();
    assert!(single.to_string().contains("[[site]]"), "{single}");
}

#[test]
fn an_unknown_provider_is_told_with_the_known_ones() {
    check(
        "provider = \"docs\"",
        "provider = \"doc\"",
        "agent.help.provider",
        "did you mean \"docs\"?; known providers: docs, ",
    );
    check("path = \"manual\"", "path = \"nowhere\"", "agent.help.path", "there is no folder");
    let missing = read(&GOOD.replacen("provider = \"docs\"", "", 1)).unwrap_err();
    assert!(
        missing.to_string().contains(":24: agent.help.provider: this key is missing; known"),
        "{missing}"
    );
}

#[test]
fn a_text_that_is_not_toml_is_told_by_its_line() {
    let error = read("[server]\naddr = \n").unwrap_err();
    assert_eq!(error.problems()[0].line, Some(2), "{error}");
    let twice = read("[server]\ndata_dir = \"a\"\ndata_dir = \"b\"\n").unwrap_err();
    assert_eq!(twice.problems()[0].line, Some(3), "{twice}");
}

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    let text =
        GOOD.replacen("[server]", "[server]\nport = 1", 1).replacen("origins = []", "origins = [\"*\"]", 1);
    let error = read(&text).unwrap_err();
    let keys: Vec<_> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["server.port", "site.origins"], "{error}");
}

#[test]
fn the_command_line_goes_before_the_file() {
    let overrides =
        Overrides { addr: Some("0.0.0.0:80".parse().unwrap()), docs: Some(PathBuf::from("elsewhere")) };
    let config = read_with(GOOD, &overrides).unwrap();
    assert_eq!(config.server.addr, "0.0.0.0:80".parse().unwrap());
    let Provider::Docs(docs) = &config.agents["help"].provider else { panic!("not a docs agent") };
    assert_eq!(docs.path, Path::new("elsewhere"));
}

#[test]
fn a_file_without_sites_is_the_demo_at_another_address() {
    let config = read("[server]\naddr = \"127.0.0.1:9001\"\n").unwrap();
    assert_eq!(config.sites[0].key.as_str(), "site_demo");
    assert!(config.sites[0].allows("http://127.0.0.1:9001"));
    assert!(config.sites[0].allows("http://localhost:9001"));
    assert!(!config.sites[0].allows("http://localhost:8787"));
}

#[test]
fn the_demo_site_moves_with_the_address() {
    let mut config = Config::demo(&Overrides::default());
    assert!(config.sites[0].allows("http://localhost:8787"));
    config.bound_to("0.0.0.0:4000".parse().unwrap());
    assert!(config.sites[0].allows("http://localhost:4000"));
    assert!(!config.sites[0].allows("http://localhost:8787"));
    config.bound_to("192.168.1.5:80".parse().unwrap());
    assert!(config.sites[0].allows("http://192.168.1.5"));
    assert!(!config.is_known_origin("http://localhost:80"));
}

/// The good file with more keys in its first site.
fn site_with(keys: &str) -> Result<Config, ConfigError> {
    read(&GOOD.replacen("key = \"site_shop\"", &format!("key = \"site_shop\"\n{keys}"), 1))
}

#[test]
fn a_site_has_secrets_devices_caps_and_an_age() {
    let config = site_with(
        "identity_secrets = { k1 = { env = \"LONG\" }, \"2026-11\" = { env = \"LONG\" } }\n\
         identity_once = true\nsecret_key = { env = \"LONG\" }\ndevices = \"required\"\n\
         retention_days = 30\ndaily_messages = 5\ndaily_tokens = 1_000",
    )
    .unwrap();
    let (site, other) = (&config.sites[0], &config.sites[1]);
    assert_eq!(site.identity_secrets.keys().collect::<Vec<_>>(), ["2026-11", "k1"]);
    assert!(site.identity_once && site.secret_keys.len() == 1);
    assert_eq!((site.devices, other.devices), (Devices::Required, Devices::None));
    assert_eq!(site.retention, Some(Duration::from_hours(30 * 24)));
    assert_eq!(site.daily, DailyCap { messages: Some(5), tokens: Some(1000) });
    assert_eq!((other.daily, other.retention), (DailyCap::default(), None));
    let two = site_with("secret_key = [{ env = \"LONG\" }, { env = \"LONG\" }]\ndevices = true").unwrap();
    assert_eq!((two.sites[0].secret_keys.len(), two.sites[0].devices), (2, Devices::Known));
    assert!(!format!("{config:?}").contains("of-thirty-two"), "a secret shows");
}

#[test]
fn a_sites_secret_that_cannot_hold_is_refused_and_not_quoted() {
    for (keys, key, message) in [
        (
            "identity_secrets = { k1 = { env = \"SIGNING_KEY\" } }",
            "site.identity_secrets.k1",
            "shorter than 32",
        ),
        (
            "identity_secrets = { \"k 1\" = { env = \"LONG\" } }",
            "site.identity_secrets.k 1",
            "1 to 32 characters",
        ),
        (
            "identity_secrets = { k1 = \"hunter2\" }",
            "site.identity_secrets.k1",
            "never written into this file",
        ),
        ("secret_key = { env = \"SIGNING_KEY\" }", "site.secret_key", "shorter than 32"),
        ("secret_key = [\"hunter2\"]", "site.secret_key", "never written into this file"),
        ("devices = \"yes\"", "site.devices", "true, false or \"required\""),
        ("devices = 1", "site.devices", "expected true or false"),
        ("retention_days = 0", "site.retention_days", "1 or more"),
        ("daily_messages = -1", "site.daily_messages", "1 or more"),
    ] {
        let error = site_with(keys).unwrap_err();
        let [problem] = error.problems() else { panic!("one problem is expected: {error}") };
        assert_eq!((problem.key.as_str(), problem.line), (key, Some(16)), "{error}");
        assert!(problem.message.contains(message), "{error}");
        assert!(
            !error.to_string().contains("hunter2") && !error.to_string().contains("environment\""),
            "{error}"
        );
    }
}

#[test]
fn sizes_have_a_most_and_keys_must_be_keys() {
    for (line, key, message) in [
        ("body_bytes = 2_000_000", "server.limits.body_bytes", "at most 1048576"),
        ("message_chars = 8_001", "server.limits.message_chars", "at most 8000"),
        ("json_depth = 101", "server.limits.json_depth", "at most 100"),
    ] {
        check("streams = 1_000", line, key, message);
    }
    let accepted = "accepted_keys = [{ env = \"LONG\" }]";
    check("data_dir = \"data\"", accepted, "server.accepted_keys", "not an Ed25519 key");
}
