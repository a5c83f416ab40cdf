//! Clients that mean harm: heads and bodies that trickle, readers that do not read,
//! streams that are opened and let go. Meanwhile others are served at once, and
//! afterwards nothing of it is left.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::LONG;
use crate::client::{Client, Talk};
use crate::relay::Relay;
use crate::source::{Script, Source};

/// A relay that is attacked, and what is measured of it meanwhile.
struct Target {
    relay: Relay,
    source: Source,
    metrics: SocketAddr,
    is_over: Arc<AtomicBool>,
    probe: JoinHandle<Vec<Duration>>,
}

impl Target {
    async fn start(more_limits: &str) -> Self {
        let source = Source::start().await;
        let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = crate::config(&source, 4, more_limits);
        let config = config.replace("[server]\n", &format!("[server]\nmetrics_addr = \"{metrics}\"\n"));
        let relay = crate::start(&config);
        let is_over = Arc::new(AtomicBool::new(false));
        let probe = tokio::spawn(probe(relay.addr, Arc::clone(&is_over)));
        Self { relay, source, metrics, is_over, probe }
    }

    /// The value of a metric.
    async fn metric(&self, name: &str) -> i64 {
        let text =
            reqwest::get(format!("http://{}/metrics", self.metrics)).await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().unwrap()
    }

    /// Waits until nothing is open and nothing runs, but for the probe.
    async fn is_quiet(&self) {
        let began = Instant::now();
        loop {
            let open = self.metric("chinwag_streams_open").await;
            let running = self.metric("chinwag_replies_running").await;
            let connections = self.metric("chinwag_connections_open").await;
            if (open, running) == (0, 0) && connections <= 4 {
                return;
            }
            assert!(began.elapsed() < LONG, "{open} streams, {running} replies, {connections} connections");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Resident memory of the process, in kB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.relay.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Ends the probe, and holds what it saw against what is promised.
    async fn was_served(self, what: &str) {
        self.is_over.store(true, Ordering::SeqCst);
        let mut times = self.probe.await.unwrap();
        times.sort_unstable();
        let p99 = times[times.len() * 99 / 100];
        println!("{what}: {} probes, p50 {:?}, p99 {p99:?}", times.len(), times[times.len() / 2]);
        assert!(times.len() > 20, "the probe was not served");
        // A client whose first packet was dropped tries again after a second: that shows.
        let most = if crate::is_measured() { Duration::from_millis(100) } else { Duration::from_secs(1) };
        assert!(p99 < most, "p99 of others is {p99:?}");
    }
}

/// Asks for health every 20 ms on a connection of its own each time.
async fn probe(addr: SocketAddr, is_over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        let began = Instant::now();
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        times.push(began.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    times
}

/// Sends a beginning, then a byte now and again, until the other end hangs up.
async fn trickle(addr: SocketAddr, beginning: String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(beginning.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut bytes = Vec::new();
    let more = async {
        loop {
            sleep(Duration::from_millis(100)).await;
            if write.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let ended = async {
        tokio::select! { _ = read.read_to_end(&mut bytes) => {} () = more => {} }
    };
    tokio::time::timeout(LONG, ended).await.expect("it is still waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_and_bodies_that_trickle_are_cut_off_and_disturb_nobody() {
    let _alone = crate::alone().await;
    let target = Target::start("header_timeout = \"1s\"\nbody_timeout = \"1s\"").await;
    let addr = target.relay.addr;
    let mut slow = JoinSet::new();
    for number in 0..crate::times("CHINWAG_SLOW", 300) {
        let beginning = if number % 2 == 0 {
            "GET / HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned()
        } else {
            "POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: 100000\r\nconnection: close\r\n\r\n{"
                .to_owned()
        };
        slow.spawn(trickle(addr, beginning));
    }
    slow.join_all().await;
    target.is_quiet().await;
    target.was_served("slow heads and bodies").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_do_not_read_are_dropped_and_their_permits_with_them() {
    let _alone = crate::alone().await;
    let target = Target::start("write_timeout = \"1s\"").await;
    let addr = target.relay.addr;
    let client = Client::new(addr, 0).await;
    // More than the sockets between the two can hold, told at once.
    let script = Script { seed: 1, words: 5_000, pause: Duration::ZERO };
    let mut talk = Talk::new(script);
    client.follow(&mut talk).await;
    let readers = crate::times("CHINWAG_SLOW", 300) / 10;
    let mut deaf = Vec::new();
    for _ in 0..readers {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        // Many answers on one connection, none of them read.
        for _ in 0..40 {
            stream.write_all(client.head_of_resume(&talk, 0).as_bytes()).await.unwrap();
        }
        deaf.push(stream);
    }
    let began = Instant::now();
    while target.metric("chinwag_streams_open").await < i64::try_from(readers).unwrap() / 2 {
        assert!(began.elapsed() < LONG, "the streams do not open");
        sleep(Duration::from_millis(10)).await;
    }
    // They are still connected, and read nothing: the relay hangs up.
    target.is_quiet().await;
    drop(deaf);
    target.was_served("readers that do not read").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_opened_and_let_go_leave_nothing() {
    let _alone = crate::alone().await;
    let count = crate::times("CHINWAG_ABORTS", 600);
    let seed = crate::seed("aborts");
    let target = Target::start("").await;
    let mut clients = Vec::new();
    for site in 0..4 {
        clients.push(Client::new(target.relay.addr, site).await);
    }
    let mut memory = Vec::new();
    // In three parts, of which the first warms up: what grows in each has leaked.
    for part in 0..3 {
        let places = Arc::new(Semaphore::new(64));
        let mut aborted = JoinSet::new();
        for number in 0..count / 3 {
            let place = Arc::clone(&places).acquire_owned().await.unwrap();
            let client = clients[number % clients.len()].clone();
            let mut random = fastrand::Rng::with_seed(seed.wrapping_add((part * count + number) as u64));
            aborted.spawn(async move {
                let script =
                    Script { seed: random.u64(..1 << 40), words: 20, pause: Duration::from_millis(10) };
                let mut talk = Talk::new(script);
                let patience = Duration::from_millis(random.u64(..150));
                let _ = tokio::time::timeout(patience, client.follow_once(&mut talk)).await;
                drop(place);
            });
        }
        aborted.join_all().await;
        target.is_quiet().await;
        memory.push(target.memory());
    }
    assert_eq!(target.source.running(), 0, "the provider is still asked");
    println!("aborts: {count}, resident memory after each third: {memory:?} kB");
    // Finished logs stay for ten minutes, about 3 kB each.
    let kept = (count / 3 * 6) as u64;
    let most = memory[1] + kept + 8 * 1024;
    assert!(memory[2] < most, "memory grows: {memory:?} kB");
    target.was_served("streams opened and let go").await;
}
