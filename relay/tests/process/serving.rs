//! What a relay serves that runs with no file at all, or nearly none.

use std::io::Read;
use std::time::{Duration, Instant};

use crate::relay::{Relay, header, read_to_end};

#[test]
fn it_starts_with_no_file_and_is_healthy_and_ready() {
    let relay = Relay::start();
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = relay.get(path);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(body), "{answer}");
        assert_eq!(header(&answer, "cache-control"), "no-store");
    }
    let head = relay.ask("HEAD", "/healthz", &[]);
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn the_page_embeds_the_demo_site_with_the_real_port() {
    let relay = Relay::start();
    let page = relay.get("/");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(header(&page, "content-type").starts_with("text/html"), "{page}");
    assert!(page.contains("<script src=\"/chinwag.js\" data-site=\"site_demo\" async></script>"), "{page}");
    assert!(page.contains(&format!("src=&quot;http://{}/chinwag.js&quot;", relay.addr)), "{page}");
    let policy = header(&page, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
    for (path, kind) in [("/demo.css", "text/css"), ("/demo.js", "text/javascript")] {
        let answer = relay.get(path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(header(&answer, "content-type").starts_with(kind), "{answer}");
        let tag = header(&answer, "etag");
        let again = relay.ask("GET", path, &[&format!("if-none-match: {tag}")]);
        assert!(again.starts_with("HTTP/1.1 304"), "{again}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let relay = Relay::start();
    for path in
        ["/nothing.js", "/demo.html", "/..%2fchinwag.toml", "/%2e%2e/Cargo.toml", "/v1/nothing", "/a/b"]
    {
        let answer = relay.get(path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(header(&answer, "x-request-id").starts_with("req_"), "{path}: {answer}");
    }
}

#[test]
fn the_origins_of_the_demo_site_follow_the_address() {
    let relay = Relay::start();
    let port = relay.addr.port();
    let preflight = |origin: &str| {
        let origin = format!("origin: {origin}");
        relay.ask("OPTIONS", "/v1/token", &[&origin, "access-control-request-method: POST"])
    };
    for own in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")] {
        let answer = preflight(&own);
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
        assert_eq!(header(&answer, "access-control-allow-origin"), own);
    }
    assert_eq!(header(&preflight("http://localhost:1"), "access-control-allow-origin"), "");
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let relay = Relay::with_config("[server.limits]\nheader_timeout = \"500ms\"\n");
    let began = Instant::now();
    let halves: Vec<_> = (0..20).map(|_| relay.connect("GET / HTTP/1.1\r\nhost: x\r\nx-slow: ")).collect();
    for half in halves {
        assert_eq!(read_to_end(half), "");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let relay = Relay::start();
    let mut stream =
        relay.connect(&format!("GET / HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(40_000)));
    let mut bytes = [0; 512];
    // The refusal, or a reset because the rest was not read: served it is not.
    let length = stream.read(&mut bytes).unwrap_or(0);
    let answer = String::from_utf8_lossy(&bytes[..length]).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(relay.get("/healthz").ends_with("ok\n"));
}

#[test]
fn each_request_is_one_line_of_json_without_what_it_carried() {
    let relay = Relay::start();
    let answer = relay.ask("GET", "/?q=private", &["authorization: Bearer private", "cookie: private"]);
    let id = header(&answer, "x-request-id").to_owned();
    relay.signal("TERM");
    let (_, log) = relay.end();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let own: Vec<_> = lines.iter().filter(|line| line["request_id"] == id).collect();
    let [line] = own.as_slice() else { panic!("one line is expected for {id}: {log}") };
    assert_eq!(line["method"], "GET");
    assert_eq!(line["path"], "/");
    assert_eq!(line["status"], 200);
    assert!(line["ms"].is_number(), "{line}");
    assert!(!log.contains("private"), "{log}");
}

#[test]
fn a_log_for_people_is_no_json() {
    let folder = crate::relay::folder();
    let relay = Relay::start_in(folder, &["--addr", "127.0.0.1:0", "--log-format", "human"]);
    relay.get("/");
    relay.signal("TERM");
    let (_, log) = relay.end();
    assert!(log.lines().any(|line| line.contains("request") && !line.starts_with('{')), "{log}");
}

/// Processor time that a process has used, in ticks of 10 ms.
#[cfg(target_os = "linux")]
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

#[cfg(target_os = "linux")]
#[test]
fn out_of_files_it_waits_without_spinning_and_goes_on() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    let relay = Relay::start();
    let open = std::fs::read_dir(format!("/proc/{}/fd", relay.pid())).unwrap().count();
    let most = u64::try_from(open).unwrap() + 10;
    let pid = Pid::from_raw(i32::try_from(relay.pid()).unwrap());
    // Only what is in force: whoever lowers the other one too may not raise it again.
    let maximum = getrlimit(Resource::Nofile).maximum;
    let before = prlimit(pid, Resource::Nofile, Rlimit { current: Some(most), maximum }).unwrap();
    let crowd: Vec<_> = (0..50).map(|_| relay.connect("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")).collect();
    std::thread::sleep(Duration::from_millis(500));
    let begun = ticks(relay.pid());
    std::thread::sleep(Duration::from_secs(1));
    let used = ticks(relay.pid()) - begun;
    assert!(used < 30, "it was busy for {used} of 100 ticks while it could accept nothing");
    drop(crowd);
    assert!(relay.get("/healthz").ends_with("ok\n"), "it did not go on");
    // So that it can end in order.
    prlimit(pid, Resource::Nofile, before).unwrap();
    relay.signal("TERM");
    let (status, log) = relay.end();
    assert!(status.success(), "{log}");
    assert!(log.contains("cannot accept connections"), "the limit was never reached: {log}");
}
