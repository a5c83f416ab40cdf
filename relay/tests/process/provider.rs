//! Agents of providers, with the commands that try them: `simulate`, `check`, and
//! a relay that answers from one; and that its key stays where it is.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::relay::{LONG, folder, read_to_end};

const BINARY: &str = env!("CARGO_BIN_EXE_chinwag-relay");

/// What a simulator accepts.
const KEY: &str = "simulator-key";

/// A child that is killed at the end of the test.
struct Running {
    child: Child,
    /// The first line that it printed.
    line: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str], log: &str) -> Self {
        let log_file = fs::File::create(folder.join("log.txt")).unwrap();
        let mut child = Command::new(BINARY)
            .current_dir(folder)
            .args(arguments)
            .env("RUST_LOG", log)
            .env("SIMULATOR_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, line }
    }

    fn simulator(provider: &str) -> Self {
        Self::start(folder().path(), &["simulate", provider, "--addr", "127.0.0.1:0"], "info")
    }

    /// The address in the line.
    fn url(&self) -> String {
        let begin = self.line.find("http://").unwrap_or_else(|| panic!("no address: {:?}", self.line));
        self.line[begin..].trim().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configured(base_url: &str, more: &str) -> TempDir {
    let folder = folder();
    let text = format!(
        "[[site]]\nkey = \"site_a\"\norigins = [\"https://shop.example\"]\nagent = \"shop\"\n\n\
         [agent.shop]\nprovider = \"openai-chat\"\nbase_url = \"{base_url}\"\nmodel = \"simulated\"\n\
         api_key = {{ env = \"SIMULATOR_KEY\" }}\n{more}\n"
    );
    fs::write(folder.path().join("chinwag.toml"), text).unwrap();
    folder
}

fn check(folder: &Path, key: &str) -> Output {
    Command::new(BINARY)
        .current_dir(folder)
        .arg("check")
        .env_remove("RUST_LOG")
        .env("SIMULATOR_KEY", key)
        .output()
        .unwrap()
}

#[test]
fn a_check_says_in_one_line_per_agent_whether_it_works() {
    let simulator = Running::simulator("openai-chat");
    let folder = configured(&simulator.url(), "[agent.handbook]\nprovider = \"docs\"\npath = \"docs\"");
    let good = check(folder.path(), KEY);
    let told = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success(), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].starts_with("handbook (docs): works"), "{told}");
    assert!(lines[1].starts_with("shop (openai-chat): works: key accepted, model simulated"), "{told}");
    assert!(!folder.path().join("chinwag-data").exists(), "a check stores nothing");

    let bad = check(folder.path(), "a-key-of-nobody");
    let told = String::from_utf8(bad.stdout).unwrap() + &String::from_utf8(bad.stderr).unwrap();
    assert_eq!(bad.status.code(), Some(1), "{told}");
    assert!(told.contains("shop (openai-chat): does not work: the provider refuses the key"), "{told}");
    assert!(told.contains("1 of 2 agents cannot answer"), "{told}");
    assert!(!told.contains("a-key-of-nobody"), "{told}");
}

#[test]
fn an_unknown_provider_to_simulate_is_told_with_the_known_ones() {
    let output = Command::new(BINARY).args(["simulate", "openai"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(told.contains("openai-chat") && told.contains("ai-sdk"), "{told}");
}

fn post(addr: &str, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let authorization =
        if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\norigin: https://shop.example\r\n\
         content-type: application/json\r\n{authorization}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    read_to_end(stream)
}

fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files_with(&entry.path(), text));
            continue;
        }
        let mut bytes = Vec::new();
        fs::File::open(entry.path()).unwrap().read_to_end(&mut bytes).unwrap();
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

#[test]
fn a_key_is_in_no_answer_no_log_and_no_file_of_the_relay() {
    let simulator = Running::simulator("openai-chat");
    let folder = configured(&simulator.url(), "headers = { x-team = \"team-header-secret\" }");
    let relay = Running::start(folder.path(), &["--addr", "127.0.0.1:0"], "trace");
    let url = relay.url();
    let addr = url.trim_start_matches("http://");

    let answer = post(addr, "/v1/token", "", r#"{"site":"site_a"}"#);
    let token = answer.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let token = token.unwrap_or_else(|| panic!("no token: {answer}"));
    let question =
        r#"{"id":"c1","messages":[{"id":"m1","role":"user","parts":[{"type":"text","text":"Hello?"}]}]}"#;
    let reply = post(addr, "/v1/chat", token, question);
    assert!(reply.contains("Question 1") && reply.contains("\"finish\""), "{reply}");
    drop(simulator);
    let other = question.replace("m1", "m2");
    let failed = post(addr, "/v1/chat", token, &other);
    assert!(failed.contains("upstream_error"), "{failed}");
    drop(relay);

    let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    assert!(log.contains("a provider answered") && log.contains("simulated-request"), "{log}");
    for secret in [KEY, "team-header-secret"] {
        for answer in [&answer, &reply, &failed] {
            assert!(!answer.contains(secret), "{answer}");
        }
        let mut files = files_with(folder.path(), secret);
        // The operator wrote the header there.
        files.retain(|file| !file.ends_with("chinwag.toml"));
        assert!(files.is_empty(), "{secret} is in {files:?}");
    }
}
