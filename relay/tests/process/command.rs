//! Commands on the data folder, beside a relay that runs on it.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::relay::{Relay, folder, run};

const PAGE: &str = "https://shop.example";

const CONFIG: &str = r#"
[server]
data_dir = "data"

[[site]]
key = "site_shop"
origins = ["https://shop.example"]
agent = "docs"
devices = true

[agent.docs]
provider = "docs"
path = "docs"
"#;

fn start() -> Relay {
    let folder = folder();
    fs::write(folder.path().join("chinwag.toml"), CONFIG).unwrap();
    Relay::start_in(folder, &["--addr", "127.0.0.1:0"])
}

/// What a command says that is expected to work.
#[track_caller]
fn command(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A call as a page makes it: status and body.
fn call(relay: &Relay, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, String) {
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: relay\r\nconnection: close\r\norigin: {PAGE}\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let answer = crate::relay::read_to_end(relay.connect(&head));
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    (status, body.to_owned())
}

fn exchange(relay: &Relay, more: &Value) -> (u16, Value) {
    let mut body = json!({"site": "site_shop"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, text) = call(relay, "POST", "/v1/token", "", Some(&body));
    (status, serde_json::from_str(&text).unwrap())
}

fn token(relay: &Relay) -> String {
    exchange(relay, &json!({})).1["token"].as_str().unwrap().to_owned()
}

fn claim(token: &str, name: &str) -> String {
    use base64::Engine as _;

    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims[name].as_str().unwrap().to_owned()
}

fn list(relay: &Relay, token: &str) -> u16 {
    call(relay, "GET", "/v1/conversations", token, None).0
}

/// Waits until a token is refused; a running relay hears of it within 5 s.
#[track_caller]
fn is_ended(relay: &Relay, token: &str) {
    let began = Instant::now();
    while list(relay, token) != 401 {
        assert!(began.elapsed() < Duration::from_secs(10), "the relay has not heard of it");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_device_is_made_listed_and_revoked_beside_the_relay() {
    let relay = start();
    let folder = relay.folder();
    let key = command(folder, &["device", "new", "site_shop", "--name", "Lobby"]);
    let key = key.trim();
    assert_eq!(key.lines().count(), 1, "the key alone: {key}");
    let (status, answer) = exchange(&relay, &json!({"device": key}));
    assert_eq!(status, 200, "{answer}");
    let token = answer["token"].as_str().unwrap();
    let id = claim(token, "dev");
    let listed = command(folder, &["device", "list"]);
    assert!(listed.contains(&id) && listed.contains("Lobby") && listed.contains("active"), "{listed}");
    assert!(!listed.contains(key), "{listed}");
    command(folder, &["device", "revoke", &id]);
    assert_eq!(exchange(&relay, &json!({"device": key})).0, 401);
    is_ended(&relay, token);
    assert!(command(folder, &["device", "list"]).contains("revoked"));
    let again = run(folder, &["device", "revoke", &id]);
    assert!(!again.status.success() && errors(&again).contains(&id), "{}", errors(&again));
    let unknown = run(folder, &["device", "new", "site_shoe"]);
    assert!(errors(&unknown).contains("no site site_shoe; there are: site_shop"), "{}", errors(&unknown));
}

#[test]
fn sites_visitors_sessions_and_tokens_are_revoked_without_a_restart() {
    let relay = start();
    let folder = relay.folder();
    let other = token(&relay);
    for (kind, name) in [("session", "sid"), ("token", "jti")] {
        let token = token(&relay);
        assert_eq!(list(&relay, &token), 200);
        command(folder, &["revoke", kind, &claim(&token, name)]);
        is_ended(&relay, &token);
    }
    let visitor = token(&relay);
    let sub = claim(&visitor, "sub");
    command(folder, &["revoke", "visitor", "--site", "site_shop", "--visitor", &sub]);
    is_ended(&relay, &visitor);
    assert_eq!(list(&relay, &other), 200, "nobody else is touched");
    command(folder, &["revoke", "site", "site_shop"]);
    is_ended(&relay, &other);
    assert_eq!(list(&relay, &token(&relay)), 200);
}

#[test]
fn a_key_is_rotated_without_a_restart_and_a_compromised_one_is_dropped() {
    let relay = start();
    let folder = relay.folder();
    let kid = |token: &str| token.split('.').next().unwrap().to_owned();
    let before = token(&relay);
    command(folder, &["key", "rotate"]);
    let began = Instant::now();
    let after = loop {
        let token = token(&relay);
        if kid(&token) != kid(&before) {
            break token;
        }
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(300));
    };
    assert_eq!((list(&relay, &before), list(&relay, &after)), (200, 200));
    let listed = command(folder, &["key", "list"]);
    assert_eq!((listed.matches("signs").count(), listed.matches("retired").count()), (1, 1), "{listed}");
    command(folder, &["key", "rotate", "--compromised"]);
    is_ended(&relay, &before);
    is_ended(&relay, &after);
    assert_eq!(list(&relay, &token(&relay)), 200);
}

/// Whether a text is in any file of a folder, or of one in it.
fn is_in(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in(&path, text);
        }
        let bytes = fs::read(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_visitor_is_exported_and_deleted_and_no_log_knew_what_they_said() {
    let folder = folder();
    fs::write(folder.path().join("chinwag.toml"), CONFIG).unwrap();
    let relay = Relay::start_talkative(folder, &["--addr", "127.0.0.1:0"], "trace");
    let token = token(&relay);
    let words = "an-unheard-of-question-about-green-tea";
    let body = json!({
        "id": "c1", "trigger": "submit-message",
        "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": words}]}],
    });
    let (status, reply) = call(&relay, "POST", "/v1/chat", &token, Some(&body));
    assert!(status == 200 && reply.contains("[DONE]"), "{status} {reply}");
    let sub = claim(&token, "sub");
    let visitor = ["--site", "site_shop", "--visitor", &sub];
    let export = command(relay.folder(), &[&["visitor", "export"], &visitor[..]].concat());
    let export: Value = serde_json::from_str(&export).unwrap();
    assert_eq!(export["conversations"][0]["messages"][0]["parts"][0]["text"], words);
    let data = relay.folder().join("data");
    assert!(is_in(&data, words));
    command(relay.folder(), &[&["visitor", "delete"], &visitor[..]].concat());
    assert!(!is_in(&data, words), "the words are still in the files");
    is_ended(&relay, &token);
    assert!(!is_in(&data, words), "the relay wrote them again");
    let again = run(relay.folder(), &[&["visitor", "export"], &visitor[..]].concat());
    assert!(errors(&again).contains("nothing is kept of this visitor"), "{}", errors(&again));
    let neither = run(relay.folder(), &["visitor", "export", "--site", "site_shop"]);
    assert!(errors(&neither).contains("--user"), "{}", errors(&neither));

    relay.signal("TERM");
    let (_, log) = relay.end();
    assert!(log.contains("/v1/chat") && log.contains("\"client\":\""), "{log}");
    for secret in [words, "Steep green tea", token.as_str(), "127.0.0.1\"", "client\":\"127."] {
        assert!(!log.contains(secret), "the log has {secret:?}");
    }
}
