//! What the relay counts, for Prometheus.
//!
//! Every label has few values, all of the operator's choosing or ours: routes,
//! agents of the configuration, error codes, names of limits. No visitor, message
//! or address is ever one.

use std::time::Duration;

use chinwag_protocol::{Chunk, ErrorCode, MessageStatus, Usage};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What agents of the API are counted as: their ids have no bound.
pub const API_AGENT: &str = "(api)";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AgentLabels {
    agent: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReplyLabels {
    agent: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    agent: String,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    agent: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

/// The counts of one relay. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: std::sync::Arc<Registry>,
    requests: Family<RouteLabels, Counter>,
    first_tokens: Family<AgentLabels, Histogram>,
    durations: Family<AgentLabels, Histogram>,
    replies: Family<ReplyLabels, Counter>,
    errors: Family<ErrorLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    limits: Family<LimitLabels, Counter>,
    streams: Gauge,
    running: Gauge,
    /// Open connections; the accept loop counts them.
    pub connections: Gauge,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("chinwag");
        let first_tokens: Family<_, _, fn() -> _> =
            Family::new_with_constructor(|| Histogram::new(FIRST_TOKEN_SECONDS));
        let durations: Family<_, _, fn() -> _> =
            Family::new_with_constructor(|| Histogram::new(REPLY_SECONDS));
        let mut metrics = Self {
            registry: std::sync::Arc::default(),
            requests: Family::default(),
            first_tokens,
            durations,
            replies: Family::default(),
            errors: Family::default(),
            tokens: Family::default(),
            limits: Family::default(),
            streams: Gauge::default(),
            running: Gauge::default(),
            connections: Gauge::default(),
        };
        registry.register(
            "requests",
            "Requests that were answered, by route and status",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "first_token",
            "Time from a question to the first of its reply's text",
            Unit::Seconds,
            metrics.first_tokens.clone(),
        );
        registry.register_with_unit(
            "reply",
            "Time from a question to the end of its reply",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("replies", "Replies that are over, by how they ended", metrics.replies.clone());
        registry.register(
            "reply_errors",
            "Replies that ended in an error, by its code",
            metrics.errors.clone(),
        );
        registry.register("provider_tokens", "Tokens that providers reported", metrics.tokens.clone());
        registry.register("limits_hit", "Calls that were refused because of a limit", metrics.limits.clone());
        registry.register("streams_open", "Replies that are being followed", metrics.streams.clone());
        registry.register("replies_running", "Replies that are being made", metrics.running.clone());
        registry.register("connections_open", "Open connections", metrics.connections.clone());
        registry.register("build", "The relay", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        metrics.registry = std::sync::Arc::new(registry);
        metrics
    }

    /// A request to a route was answered. A request to none counts as such.
    pub fn answered(&self, method: &str, route: Option<&str>, status: u16) {
        let (method, route) = (method.to_owned(), route.unwrap_or("(none)").to_owned());
        self.requests.get_or_create(&RouteLabels { method, route, status }).inc();
    }

    /// A call was refused because of a limit.
    pub fn limited(&self, limit: &'static str) {
        self.limits.get_or_create(&LimitLabels { limit }).inc();
    }

    /// The first text of a reply came.
    pub fn first_token(&self, agent: &str, after: Duration) {
        self.first_tokens
            .get_or_create(&AgentLabels { agent: agent.to_owned() })
            .observe(after.as_secs_f64());
    }

    /// A reply is over.
    pub fn over(
        &self,
        agent: &str,
        terminal: &Chunk,
        status: MessageStatus,
        usage: Option<Usage>,
        after: Duration,
    ) {
        let of = || agent.to_owned();
        self.durations.get_or_create(&AgentLabels { agent: of() }).observe(after.as_secs_f64());
        self.replies.get_or_create(&ReplyLabels { agent: of(), status: name(status) }).inc();
        if let Chunk::Error { data, .. } = terminal {
            let code = data.as_ref().map_or(ErrorCode::UpstreamError, |data| data.code).as_str();
            self.errors.get_or_create(&ErrorLabels { agent: of(), code }).inc();
        }
        if let Some(usage) = usage {
            for (kind, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
                self.tokens.get_or_create(&TokenLabels { agent: of(), kind }).inc_by(tokens);
            }
        }
    }

    /// Everything, in the OpenMetrics text format, with what is counted elsewhere:
    /// the streams that are open and the replies that run.
    pub fn text(&self, streams: usize, running: usize) -> String {
        self.streams.set(i64::try_from(streams).unwrap_or(i64::MAX));
        self.running.set(i64::try_from(running).unwrap_or(i64::MAX));
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            // Writing to a text fails for no reason of its own.
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn name(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Done => "done",
        MessageStatus::Failed => "failed",
        MessageStatus::Stopped => "stopped",
        MessageStatus::Interrupted => "interrupted",
        MessageStatus::Streaming | MessageStatus::Unknown => "unknown",
    }
}

/// Where the buckets of the first token end: from the docs agent to slow models.
const FIRST_TOKEN_SECONDS: [f64; 12] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0];

/// The same for whole replies.
const REPLY_SECONDS: [f64; 10] = [0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_written_and_clones_share_it() {
        let metrics = Metrics::new();
        let clone = metrics.clone();
        clone.answered("GET", Some("/v1/chat"), 200);
        clone.limited("messages");
        clone.first_token("docs", Duration::from_millis(70));
        let usage = Some(Usage { input_tokens: 3, output_tokens: 5 });
        let error = Chunk::error(ErrorCode::UpstreamTimeout, "slow");
        clone.over("docs", &error, MessageStatus::Failed, usage, Duration::from_secs(2));
        clone.connections.inc();
        let text = metrics.text(7, 2);
        for line in [
            "chinwag_requests_total{method=\"GET\",route=\"/v1/chat\",status=\"200\"} 1",
            "chinwag_limits_hit_total{limit=\"messages\"} 1",
            "chinwag_first_token_seconds_bucket{le=\"0.1\",agent=\"docs\"} 1",
            "chinwag_first_token_seconds_bucket{le=\"0.05\",agent=\"docs\"} 0",
            "chinwag_reply_seconds_count{agent=\"docs\"} 1",
            "chinwag_replies_total{agent=\"docs\",status=\"failed\"} 1",
            "chinwag_reply_errors_total{agent=\"docs\",code=\"upstream_timeout\"} 1",
            "chinwag_provider_tokens_total{agent=\"docs\",kind=\"output\"} 5",
            "chinwag_streams_open 7",
            "chinwag_replies_running 2",
            "chinwag_connections_open 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
