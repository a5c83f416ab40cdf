//! A network on a bad day: between client and relay, connections are cut, held up,
//! and their bytes arrive in pieces of any size.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// One piece in so many cuts its connection.
const CUT_ONE_IN: u32 = 25;

/// One piece in so many is held up first.
const STALL_ONE_IN: u32 = 10;

/// Longest that a piece is held up.
const LONGEST_STALL_MS: u64 = 120;

/// One connection in so many is refused.
const REFUSE_ONE_IN: u32 = 12;

/// The running proxy.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts in front of `target`. What happens follows from the seed and from
    /// the order in which connections come.
    pub(crate) async fn start(target: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { addr: listener.local_addr().unwrap(), cuts: Arc::default() };
        let cuts = Arc::clone(&proxy.cuts);
        tokio::spawn(async move {
            for number in 0_u64.. {
                let (client, _) = listener.accept().await.unwrap();
                let mut random = Rng::with_seed(seed.wrapping_add(number));
                if random.u32(..REFUSE_ONE_IN) == 0 {
                    cuts.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let cuts = Arc::clone(&cuts);
                tokio::spawn(async move {
                    let server = TcpStream::connect(target).await.unwrap();
                    client.set_nodelay(true).unwrap();
                    server.set_nodelay(true).unwrap();
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    let up = pump(from_client, to_server, random.fork());
                    let down = pump(from_server, to_client, random);
                    // Whichever is cut takes the other with it.
                    let was_cut = tokio::select! { was_cut = up => was_cut, was_cut = down => was_cut };
                    cuts.fetch_add(usize::from(was_cut), Ordering::SeqCst);
                });
            }
        });
        proxy
    }

    /// How many connections it has cut or refused.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

/// Hands bytes on until an end comes or is made; true if it was made.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut random: Rng) -> bool {
    let mut buffer = vec![0; 4096];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return false };
        if random.u32(..STALL_ONE_IN) == 0 {
            sleep(Duration::from_millis(random.u64(..LONGEST_STALL_MS))).await;
        }
        let is_cut = random.u32(..CUT_ONE_IN) == 0;
        let end = if is_cut { random.usize(..length) } else { length };
        let mut bytes = &buffer[..end];
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(random.usize(1..=bytes.len()));
            if to.write_all(piece).await.is_err() {
                return false;
            }
            if random.bool() {
                tokio::task::yield_now().await;
            }
            bytes = rest;
        }
        if is_cut {
            return true;
        }
    }
}
