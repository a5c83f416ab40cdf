//! What an operator sees of a relay: metrics, and request ids from end to end.

use std::fs;
use std::net::TcpListener;

use crate::relay::{Relay, folder, header};

/// An address that nobody listens on.
fn free_addr() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn metrics_are_on_an_address_of_their_own_and_count_what_was_asked() {
    let addr = free_addr();
    let relay = Relay::with_config(&format!(
        "[server]\nmetrics_addr = \"{addr}\"\n[server.limits]\ncalls_per_minute = 2\n"
    ));
    for status in ["401", "401", "429"] {
        let answer = relay.get("/v1/conversations");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert!(relay.get("/v1/nowhere").starts_with("HTTP/1.1 429"));
    assert!(relay.get("/metrics").starts_with("HTTP/1.1 404"), "they are public");
    let shown = Relay::ask_at(addr, "GET", "/metrics", &[]);
    assert!(header(&shown, "content-type").starts_with("application/openmetrics-text"), "{shown}");
    for line in [
        "chinwag_requests_total{method=\"GET\",route=\"/v1/conversations\",status=\"401\"} 2",
        "chinwag_requests_total{method=\"GET\",route=\"/v1/conversations\",status=\"429\"} 1",
        "chinwag_limits_hit_total{limit=\"calls\"} 2",
        "chinwag_streams_open 0",
        "chinwag_replies_running 0",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line} is not in\n{shown}");
    }
    assert!(!shown.contains("nowhere"), "what anybody may make up is a label: {shown}");
}

#[test]
fn a_trusted_proxy_names_its_requests_and_nobody_else_does() {
    let folder = folder();
    fs::write(folder.path().join("chinwag.toml"), "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n").unwrap();
    let relay = Relay::start_in(folder, &["--addr", "127.0.0.1:0"]);
    let named = relay.ask("GET", "/healthz", &["x-request-id: edge-7:abc/1"]);
    assert_eq!(header(&named, "x-request-id"), "edge-7:abc/1");
    let endless = format!("x-request-id: {}", "x".repeat(129));
    for bad in ["x-request-id: two words", "x-request-id: \"quoted\"", "x-request-id: ", &endless] {
        let answer = relay.ask("GET", "/healthz", &[bad]);
        assert!(header(&answer, "x-request-id").starts_with("req_"), "{bad}: {answer}");
    }
    relay.get("/");
    let seen = relay.ask("GET", "/", &["x-request-id: seen-in-the-log"]);
    assert_eq!(header(&seen, "x-request-id"), "seen-in-the-log");
    relay.signal("TERM");
    let (_, log) = relay.end();
    assert!(log.contains("\"request_id\":\"seen-in-the-log\""), "{log}");

    let relay = Relay::start();
    let forged = relay.ask("GET", "/", &["x-request-id: forged"]);
    assert!(header(&forged, "x-request-id").starts_with("req_"), "{forged}");
}
