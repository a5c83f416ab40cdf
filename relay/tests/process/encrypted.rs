//! TLS of the relay's own.

use std::fs;
use std::time::{Duration, Instant};

use crate::relay::{Relay, folder, read_to_end, run};

const CERT: &str = include_str!("tls/cert.pem");
const KEY: &str = include_str!("tls/key.pem");

/// A configuration with TLS; the files are beside it.
fn configured(cert: &str, key: &str) -> tempfile::TempDir {
    let folder = folder();
    let text =
        "[server.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n\n[server.limits]\nheader_timeout = \"1s\"\n";
    fs::write(folder.path().join("chinwag.toml"), text).unwrap();
    fs::write(folder.path().join("cert.pem"), cert).unwrap();
    fs::write(folder.path().join("key.pem"), key).unwrap();
    folder
}

fn client() -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_pem(CERT.as_bytes()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([root])
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_by_tls() {
    let relay = Relay::start_in(configured(CERT, KEY), &["--addr", "127.0.0.1:0"]);
    let url = format!("https://{}", relay.addr);
    let modern = client().build().unwrap().get(format!("{url}/healthz")).send().await.unwrap();
    assert_eq!(modern.version(), http::Version::HTTP_2);
    assert_eq!(modern.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(modern.text().await.unwrap(), "ok\n");
    let old = client().http1_only().build().unwrap();
    let answer = old.get(format!("{url}/healthz")).send().await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_11, 200));

    // The demo's page knows itself by https: its exchange is of its own origin.
    let exchange = old.post(format!("{url}/v1/token")).header("origin", &url);
    let exchange = exchange.json(&serde_json::json!({ "site": "site_demo" })).send().await.unwrap();
    assert_eq!(exchange.status(), 200, "{}", exchange.text().await.unwrap());
    let plain = url.replace("https", "http");
    let exchange = old.post(format!("{url}/v1/token")).header("origin", plain);
    let exchange = exchange.json(&serde_json::json!({ "site": "site_demo" })).send().await.unwrap();
    assert_eq!(exchange.status(), 403);
}

#[test]
fn a_handshake_that_does_not_come_is_not_waited_for() {
    let relay = Relay::start_in(configured(CERT, KEY), &["--addr", "127.0.0.1:0"]);
    let began = Instant::now();
    let silent = relay.connect("");
    let plain = relay.connect("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(!read_to_end(plain).contains("HTTP/1.1 200"));
    assert_eq!(read_to_end(silent), "");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn what_is_no_certificate_stops_the_start_in_one_sentence() {
    for (cert, key, told) in [
        ("", KEY, "server.tls.cert"),
        (CERT, "nothing", "server.tls.key"),
        (KEY, KEY, "server.tls.cert"),
        (CERT, CERT, "server.tls.key"),
    ] {
        let folder = configured(cert, key);
        let output = run(folder.path(), &["--addr", "127.0.0.1:0"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(told) && said.lines().count() == 1, "{said}");
        assert!(!said.contains("MIG"), "the key is shown: {said}");
    }
}
