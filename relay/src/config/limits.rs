//! `[server.limits]`: how much one visitor, one address and the whole relay may
//! ask for, and how long anything may take.

use std::time::Duration;

use chinwag_protocol::limits::{MAX_BODY_BYTES, MAX_MESSAGE_CHARS};

use super::document::{Field, Section};
use super::duration;
use crate::file::FileKind;

/// Most that `source_bytes` may be: it is in memory while it is read.
const MAX_SOURCE_BYTES: usize = 100 * 1024 * 1024;

/// Limits and time-outs, all with defaults that suit a small site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Token exchanges per minute from one address (a /64 for IPv6). Default 10.
    pub tokens_per_minute: u32,
    /// Token exchanges that one address may make at once before
    /// `tokens_per_minute` holds. Default 20.
    pub tokens_burst: u32,
    /// Token exchanges per minute for one site, from everywhere. Default 600.
    pub site_tokens_per_minute: u32,
    /// Messages per minute from one visitor. Default 10.
    pub messages_per_minute: u32,
    /// Messages per minute from one address (a /64 for IPv6). Default 60.
    pub address_messages_per_minute: u32,
    /// Messages per minute to one site, from everywhere. Default 600.
    pub site_messages_per_minute: u32,
    /// Messages per minute to one agent, of all its sites. Default 600.
    pub agent_messages_per_minute: u32,
    /// Calls per minute from one address to everything under `/v1`: far above
    /// what a widget does, below what a scan does. Default 600.
    pub calls_per_minute: u32,
    /// Replies that one visitor may follow at once. Default 2.
    pub streams_per_visitor: usize,
    /// Replies that one address may follow at once. Default 10.
    pub streams_per_address: usize,
    /// Replies that may be followed at once on one site. Default 2048.
    pub streams_per_site: usize,
    /// Replies of one agent that may be followed at once. Default 2048.
    pub streams_per_agent: usize,
    /// Replies that may be followed at once in all; 30 to 50 kB of memory each.
    /// Default 4096.
    pub streams: usize,
    /// Largest request body, in bytes; at most and by default 1 MiB.
    pub body_bytes: usize,
    /// Largest source of an agent, in bytes: a file that is sent, or all that is
    /// read from a website. At most 100 MiB. Default 20 MiB.
    pub source_bytes: usize,
    /// Longest text of a message, in characters; at most and by default 8,000.
    pub message_chars: usize,
    /// Largest file that a visitor may send, in bytes; at most 32 MiB. Default
    /// 10 MiB.
    pub file_bytes: usize,
    /// Most files of one message; at most 20. Default 5.
    pub message_files: usize,
    /// What the files of one visitor may take, in bytes. Default 100 MiB.
    pub visitor_file_bytes: usize,
    /// Files per minute from one visitor. Default 20.
    pub files_per_minute: u32,
    /// Files per minute from one address (a /64 for IPv6). Default 60.
    pub address_files_per_minute: u32,
    /// The media types of files that are taken, of those that the relay can tell
    /// apart by their bytes. Default: all of these.
    pub file_types: Vec<FileKind>,
    /// How deep a body's JSON may be nested; at most 100. Default 32.
    pub json_depth: usize,
    /// Connections that may be open at once; more wait in the system's queue.
    /// Default 8192.
    pub connections: usize,
    /// Time for a client to send its request head. Default 5 s.
    pub header_timeout: Duration,
    /// Time for a client to send its request body. Default 10 s.
    pub body_timeout: Duration,
    /// Time that a connection may be idle between requests. Default 75 s.
    pub idle_timeout: Duration,
    /// Time that a client may leave bytes of an answer lying; then the connection
    /// is cut. Default 30 s.
    pub write_timeout: Duration,
    /// Time for a provider to accept a connection. Default 3 s.
    pub connect_timeout: Duration,
    /// Time for a provider to begin its answer. Default 30 s.
    pub first_byte_timeout: Duration,
    /// Longest silence of a provider within an answer. Default 30 s.
    pub chunk_timeout: Duration,
    /// Longest whole reply. Default 5 min.
    pub reply_timeout: Duration,
    /// Pause before a webhook that failed is called again; it doubles with each
    /// try, up to an hour. Default 5 s.
    pub webhook_retry: Duration,
    /// Pause between heartbeats on a silent stream; under the idle limits that
    /// proxies have. Default 15 s.
    pub heartbeat: Duration,
    /// How often the token of an open stream is looked at again: how long a
    /// revoked one still reads. Default 30 s.
    pub token_check: Duration,
    /// How long running replies may take after a signal to stop. Default 25 s,
    /// under the 30 s that container platforms wait before they kill.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tokens_per_minute: 10,
            tokens_burst: 20,
            site_tokens_per_minute: 600,
            messages_per_minute: 10,
            address_messages_per_minute: 60,
            site_messages_per_minute: 600,
            agent_messages_per_minute: 600,
            calls_per_minute: 600,
            streams_per_visitor: 2,
            streams_per_address: 10,
            streams_per_site: 2048,
            streams_per_agent: 2048,
            streams: 4096,
            body_bytes: MAX_BODY_BYTES,
            source_bytes: 20 * 1024 * 1024,
            message_chars: MAX_MESSAGE_CHARS,
            file_bytes: 10 * 1024 * 1024,
            message_files: 5,
            visitor_file_bytes: 100 * 1024 * 1024,
            files_per_minute: 20,
            address_files_per_minute: 60,
            file_types: FileKind::ALL.to_vec(),
            json_depth: 32,
            connections: 8192,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(3),
            first_byte_timeout: Duration::from_secs(30),
            chunk_timeout: Duration::from_secs(30),
            reply_timeout: Duration::from_mins(5),
            webhook_retry: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
            token_check: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(25),
        }
    }
}

/// Larger ones do not fit into a request to a provider.
const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;

/// More than anybody reads of one message.
const MAX_MESSAGE_FILES: usize = 20;

/// The JSON reader stops at 128 by itself, with a less helpful sentence.
const MAX_JSON_DEPTH: usize = 100;

/// The limits of a section; each that it does not name has its default.
pub(super) fn read(mut section: Section<'_>) -> Limits {
    fn count<T: TryFrom<u64>>(section: &mut Section<'_>, key: &'static str, limit: &mut T) {
        if let Some(value) = section.take(key).and_then(|field| field.count()) {
            *limit = value;
        }
    }
    fn most(section: &mut Section<'_>, key: &'static str, most: usize, limit: &mut usize) {
        let Some(field) = section.take(key) else { return };
        match field.count::<usize>() {
            Some(value) if value > most => field.complain(format!("at most {most} is allowed")),
            Some(value) => *limit = value,
            None => {}
        }
    }
    fn time(section: &mut Section<'_>, key: &'static str, limit: &mut Duration) {
        let parse = |text: &str| {
            duration::parse(text).ok_or("a time is a whole number with ms, s, m or h, such as \"5s\"")
        };
        if let Some(value) = section.take(key).and_then(|field| field.parsed(parse)) {
            *limit = value;
        }
    }
    let mut limits = Limits::default();
    count(&mut section, "tokens_per_minute", &mut limits.tokens_per_minute);
    count(&mut section, "tokens_burst", &mut limits.tokens_burst);
    count(&mut section, "site_tokens_per_minute", &mut limits.site_tokens_per_minute);
    count(&mut section, "messages_per_minute", &mut limits.messages_per_minute);
    count(&mut section, "address_messages_per_minute", &mut limits.address_messages_per_minute);
    count(&mut section, "site_messages_per_minute", &mut limits.site_messages_per_minute);
    count(&mut section, "agent_messages_per_minute", &mut limits.agent_messages_per_minute);
    count(&mut section, "calls_per_minute", &mut limits.calls_per_minute);
    count(&mut section, "streams_per_visitor", &mut limits.streams_per_visitor);
    count(&mut section, "streams_per_address", &mut limits.streams_per_address);
    count(&mut section, "streams_per_site", &mut limits.streams_per_site);
    count(&mut section, "streams_per_agent", &mut limits.streams_per_agent);
    count(&mut section, "streams", &mut limits.streams);
    most(&mut section, "body_bytes", MAX_BODY_BYTES, &mut limits.body_bytes);
    most(&mut section, "source_bytes", MAX_SOURCE_BYTES, &mut limits.source_bytes);
    most(&mut section, "message_chars", MAX_MESSAGE_CHARS, &mut limits.message_chars);
    most(&mut section, "file_bytes", MAX_FILE_BYTES, &mut limits.file_bytes);
    most(&mut section, "message_files", MAX_MESSAGE_FILES, &mut limits.message_files);
    count(&mut section, "visitor_file_bytes", &mut limits.visitor_file_bytes);
    count(&mut section, "files_per_minute", &mut limits.files_per_minute);
    count(&mut section, "address_files_per_minute", &mut limits.address_files_per_minute);
    if let Some(kinds) = section.take("file_types").and_then(Field::items) {
        limits.file_types = kinds.iter().filter_map(|field| field.parsed(str::parse::<FileKind>)).collect();
    }
    most(&mut section, "json_depth", MAX_JSON_DEPTH, &mut limits.json_depth);
    count(&mut section, "connections", &mut limits.connections);
    time(&mut section, "header_timeout", &mut limits.header_timeout);
    time(&mut section, "body_timeout", &mut limits.body_timeout);
    time(&mut section, "idle_timeout", &mut limits.idle_timeout);
    time(&mut section, "write_timeout", &mut limits.write_timeout);
    time(&mut section, "connect_timeout", &mut limits.connect_timeout);
    time(&mut section, "first_byte_timeout", &mut limits.first_byte_timeout);
    time(&mut section, "chunk_timeout", &mut limits.chunk_timeout);
    time(&mut section, "reply_timeout", &mut limits.reply_timeout);
    time(&mut section, "webhook_retry", &mut limits.webhook_retry);
    time(&mut section, "heartbeat", &mut limits.heartbeat);
    time(&mut section, "token_check", &mut limits.token_check);
    time(&mut section, "shutdown_grace", &mut limits.shutdown_grace);
    section.finish();
    limits
}
