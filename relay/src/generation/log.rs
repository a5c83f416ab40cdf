//! The event log of one reply: encoded frames, and readers that follow them.
//!
//! The writer never waits for a reader. A reader holds no queue: it keeps its
//! place in the one log, takes what is there, and then waits. So nothing is
//! lost between replay and live, and a slow reader costs nobody anything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use chinwag_protocol::{Chunk, EventId, sse};
use tokio::sync::watch;
use uuid::Uuid;

/// Most bytes that a reader hands out at once: bounds what a slow connection
/// holds beside the log.
const MAX_SLICE_BYTES: usize = 32 * 1024;

/// The log of one reply.
#[derive(Debug)]
pub struct EventLog {
    epoch: String,
    entries: Mutex<Entries>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Entries {
    /// The frames, one after the other.
    bytes: Vec<u8>,
    /// Where each frame ends: that of number 1 at place 0.
    ends: Vec<usize>,
    ended_at: Option<Instant>,
}

impl Entries {
    fn push(&mut self, epoch: &str, chunk: &Chunk) {
        let seq = u64::try_from(self.ends.len()).unwrap_or(u64::MAX).saturating_add(1);
        let id = EventId { epoch: epoch.to_owned(), seq };
        let mut frame = String::new();
        sse::encode(&mut frame, Some(&id), &chunk.to_json());
        self.bytes.extend_from_slice(frame.as_bytes());
        self.ends.push(self.bytes.len());
    }
}

impl EventLog {
    /// An empty log with an epoch that no other log has.
    pub fn new() -> Self {
        let (high, _) = Uuid::new_v4().as_u64_pair();
        Self { epoch: format!("{high:016x}"), entries: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// A log of a reply that is over.
    pub fn of(chunks: &[Chunk]) -> Self {
        let log = Self::new();
        {
            let mut entries = log.entries();
            for chunk in chunks {
                entries.push(&log.epoch, chunk);
            }
            entries.ended_at = Some(Instant::now());
        }
        log
    }

    /// Names this log in the ids of its events.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Appends a chunk. After the end nothing is appended.
    pub fn push(&self, chunk: &Chunk) {
        let mut entries = self.entries();
        if entries.ended_at.is_none() {
            entries.push(&self.epoch, chunk);
            drop(entries);
            self.changed.send_replace(());
        }
    }

    /// Appends the terminal chunk.
    pub fn end(&self, terminal: &Chunk) {
        let mut entries = self.entries();
        if entries.ended_at.is_none() {
            entries.push(&self.epoch, terminal);
            entries.ended_at = Some(Instant::now());
            entries.bytes.shrink_to_fit();
            entries.ends.shrink_to_fit();
            drop(entries);
            self.changed.send_replace(());
        }
    }

    /// When the terminal chunk was appended.
    pub fn ended_at(&self) -> Option<Instant> {
        self.entries().ended_at
    }

    /// Size of the frames, in bytes.
    pub fn size(&self) -> usize {
        self.entries().bytes.len()
    }

    /// How many chunks there are: the number of the last one.
    pub fn len(&self) -> u64 {
        u64::try_from(self.entries().ends.len()).unwrap_or(u64::MAX)
    }

    /// Whether nothing has been appended yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many readers follow.
    pub fn readers(&self) -> usize {
        self.changed.receiver_count()
    }

    /// A reader of everything after the chunk of that number; 0 for all.
    pub fn follow(self: &Arc<Self>, after: u64) -> Reader {
        // Subscribed before the first look, so that no change is missed.
        let changed = self.changed.subscribe();
        let next = usize::try_from(after).unwrap_or(usize::MAX);
        Reader { log: Arc::clone(self), changed, next, skip: None, is_over: false }
    }

    /// A reader of the first chunk, and then of everything after the chunk of
    /// that number: for whoever has what is between.
    pub fn follow_past(self: &Arc<Self>, seen: u64) -> Reader {
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        Reader { skip: (seen > 1).then_some(seen), ..self.follow(0) }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Every change under the lock is whole: a panic elsewhere spoils nothing.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for EventLog {
    fn default() -> Self {
        Self::new()
    }
}

/// Follows a log from some place to its end.
#[derive(Debug)]
pub struct Reader {
    log: Arc<EventLog>,
    changed: watch::Receiver<()>,
    next: usize,
    /// Where to go on after the first chunk.
    skip: Option<usize>,
    is_over: bool,
}

impl Reader {
    /// The next frames, as many as there are within a bound; after the terminal
    /// one `[DONE]`, and then `None`.
    ///
    /// # Cancel safety
    /// A call that is dropped has taken nothing.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.is_over {
                return None;
            }
            if let Some(bytes) = self.take() {
                return Some(bytes);
            }
            if self.changed.changed().await.is_err() {
                // The log is held by this reader, so its sender is there.
                return None;
            }
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        self.changed.mark_unchanged();
        let entries = self.log.entries();
        let total = entries.ends.len();
        if self.next > 0
            && let Some(seen) = self.skip.take()
        {
            self.next = seen;
        }
        let from = match self.next.checked_sub(1) {
            Some(last) => entries.ends.get(last).copied().unwrap_or(entries.bytes.len()),
            None => 0,
        };
        let mut place = self.next;
        while let Some(&end) = entries.ends.get(place) {
            let is_full = place > self.next && end - from > MAX_SLICE_BYTES;
            if is_full || (place > 0 && self.skip.is_some()) {
                break;
            }
            place += 1;
        }
        let to = match place.checked_sub(1) {
            Some(last) => entries.ends.get(last).copied().unwrap_or(entries.bytes.len()),
            None => 0,
        };
        let mut out = entries.bytes.get(from..to).unwrap_or_default().to_vec();
        self.next = place;
        if place >= total && self.skip.is_none() && entries.ended_at.is_some() {
            self.is_over = true;
            let mut done = String::new();
            sse::encode(&mut done, None, sse::DONE);
            out.extend_from_slice(done.as_bytes());
        }
        if out.is_empty() { None } else { Some(Bytes::from(out)) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn delta(text: &str) -> Chunk {
        Chunk::TextDelta { id: "t".into(), delta: text.into() }
    }

    fn seqs(bytes: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        let mut decoder = sse::Decoder::default();
        decoder
            .feed(bytes, |frame| {
                let id = frame.id.as_deref().and_then(|id| id.split_once(':')).map(|(_, seq)| seq.to_owned());
                out.push(if frame.data == sse::DONE { "done".into() } else { id.unwrap() });
            })
            .unwrap();
        out
    }

    async fn rest(mut reader: Reader) -> Vec<String> {
        let mut bytes = Vec::new();
        while let Some(more) = reader.next().await {
            bytes.extend_from_slice(&more);
        }
        seqs(&bytes)
    }

    #[tokio::test]
    async fn a_reader_gets_each_chunk_once_whenever_it_comes() {
        let log = Arc::new(EventLog::new());
        log.push(&delta("a"));
        let early = tokio::spawn(rest(log.follow(0)));
        tokio::task::yield_now().await;
        log.push(&delta("b"));
        let middle = tokio::spawn(rest(log.follow(1)));
        log.push(&delta("c"));
        tokio::task::yield_now().await;
        log.end(&Chunk::Abort { reason: None });
        let late = rest(log.follow(3)).await;
        assert_eq!(early.await.unwrap(), ["1", "2", "3", "4", "done"]);
        assert_eq!(middle.await.unwrap(), ["2", "3", "4", "done"]);
        assert_eq!(late, ["4", "done"]);
    }

    #[tokio::test]
    async fn whoever_has_the_middle_gets_the_first_chunk_and_what_follows() {
        let log = Arc::new(EventLog::new());
        let early = tokio::spawn(rest(log.follow_past(3)));
        for text in ["a", "b", "c"] {
            log.push(&delta(text));
            tokio::task::yield_now().await;
        }
        let middle = tokio::spawn(rest(log.follow_past(3)));
        tokio::task::yield_now().await;
        log.push(&delta("d"));
        log.end(&Chunk::Abort { reason: None });
        let late = rest(log.follow_past(3)).await;
        for seen in [early.await.unwrap(), middle.await.unwrap(), late] {
            assert_eq!(seen, ["1", "4", "5", "done"]);
        }
        assert_eq!(rest(log.follow_past(0)).await.len(), 6, "nothing is skipped for who has nothing");
    }

    #[tokio::test]
    async fn a_place_beyond_the_end_gets_the_end_alone() {
        let log = Arc::new(EventLog::of(&[delta("a"), Chunk::Abort { reason: None }]));
        assert_eq!(rest(log.follow(99)).await, ["done"]);
    }

    #[tokio::test]
    async fn nothing_comes_after_the_end() {
        let log = Arc::new(EventLog::new());
        log.end(&Chunk::Abort { reason: None });
        log.push(&delta("late"));
        log.end(&Chunk::Abort { reason: None });
        assert_eq!(rest(log.follow(0)).await, ["1", "done"]);
    }

    #[tokio::test]
    async fn a_long_log_comes_in_slices_of_whole_frames() {
        let log = Arc::new(EventLog::new());
        for _ in 0..200 {
            log.push(&delta(&"x".repeat(1000)));
        }
        let mut reader = log.follow(0);
        let mut seen = 0;
        while seen < 200 {
            let slice = reader.next().await.unwrap();
            assert!(slice.len() <= MAX_SLICE_BYTES);
            assert!(slice.ends_with(b"\n\n"));
            seen += seqs(&slice).len();
        }
        let waits = tokio::time::timeout(Duration::from_millis(10), reader.next()).await;
        assert!(waits.is_err(), "and then it waits");
    }

    #[test]
    fn no_two_logs_share_an_epoch() {
        assert_ne!(EventLog::new().epoch(), EventLog::new().epoch());
    }
}
