//! The end: a signal, what is finished first, and what is not waited for.
#![cfg(unix)]

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::relay::{Relay, read_to_end};

#[test]
fn a_signal_ends_it_without_a_complaint() {
    for signal in ["TERM", "INT"] {
        let relay = Relay::start();
        let addr = relay.addr;
        // A browser keeps connections open that it may use again.
        let mut idle = relay.connect("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut first = [0; 1024];
        assert!(idle.read(&mut first).unwrap() > 0, "{signal}: no answer");
        let silent = relay.connect("");
        let began = Instant::now();
        relay.signal(signal);
        let (status, log) = relay.end();
        assert!(status.success(), "{signal}: {status}\n{log}");
        assert!(began.elapsed() < Duration::from_secs(10), "{signal}: {:?}", began.elapsed());
        assert!(TcpStream::connect(addr).is_err(), "{signal}: somebody still listens");
        assert_eq!(read_to_end(idle), "", "{signal}");
        assert_eq!(read_to_end(silent), "", "{signal}");
    }
}

#[test]
fn half_a_request_does_not_hold_up_the_end() {
    let relay = Relay::with_config("[server.limits]\nshutdown_grace = \"1s\"\n");
    let _half = relay.connect("GET / HTTP/1.1\r\nhost: x\r\nx-half: ");
    let _body = relay.connect(
        "POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{",
    );
    let began = Instant::now();
    relay.signal("TERM");
    let (status, log) = relay.end();
    assert!(status.success(), "{status}\n{log}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn the_port_is_free_for_the_next_start() {
    let relay = Relay::start();
    let addr = relay.addr.to_string();
    // A connection that the relay closed lingers in the kernel for a minute.
    assert!(relay.get("/healthz").ends_with("ok\n"));
    relay.signal("TERM");
    relay.end();
    let next = Relay::start_in(crate::relay::folder(), &["--addr", &addr]);
    assert!(next.get("/healthz").ends_with("ok\n"));
}
