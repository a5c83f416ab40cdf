//! `chinwag-relay check`: asks the provider of each agent whether key, plan and
//! agent id work, with the cheapest call that shows it. No question is asked.

use std::fmt;

use chinwag_protocol::{ErrorCode, Features};
use futures_util::future::join_all;

use crate::config::{Agent, Config, Limits};
use crate::upstream;

/// What was found about one agent; it is shown as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    agent: String,
    provider: &'static str,
    outcome: Result<(Vec<String>, Features), String>,
}

impl Finding {
    /// Whether the agent can answer.
    pub fn works(&self) -> bool {
        self.outcome.is_ok()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.agent, self.provider)?;
        match &self.outcome {
            Ok((facts, features)) => {
                let facts = if facts.is_empty() { "ready".to_owned() } else { facts.join(", ") };
                write!(f, "works: {facts}; can do {}", offered(*features))
            }
            Err(reason) => write!(f, "does not work: {reason}"),
        }
    }
}

/// Asks all agents at once; the findings are in the order of their names.
pub async fn check(config: &Config) -> Vec<Finding> {
    let limits = &config.server.limits;
    join_all(config.agents.iter().map(|(name, agent)| check_agent(name, agent, limits))).await
}

async fn check_agent(name: &str, agent: &Agent, limits: &Limits) -> Finding {
    let outcome = match upstream::build(name, &agent.provider, limits) {
        Ok(built) => {
            if let Some(docs) = &built.docs {
                docs.ready().await;
            }
            let checked = built.upstream.check().await;
            // As in the token answer: the store gives every agent these three.
            let features =
                Features { history: true, feedback: true, retry: true, ..built.upstream.features() };
            checked.map(|facts| (facts, features)).map_err(|failure| reason(&failure))
        }
        Err(error) => Err(error.to_string()),
    };
    Finding { agent: name.to_owned(), provider: agent.provider.name(), outcome }
}

/// For the operator: what to look at, and the provider's words.
fn reason(failure: &upstream::UpstreamFailure) -> String {
    let hint = match failure.code() {
        ErrorCode::Misconfigured => "the provider refuses the key, the plan, the agent id or the model",
        ErrorCode::CreditsExhausted => "the key is good, the budget is used up",
        ErrorCode::RateLimited => "the key is good, but there are too many requests at the moment",
        ErrorCode::UpstreamTimeout => "the provider does not answer",
        _ => "the provider fails",
    };
    match failure.detail() {
        Some(detail) => format!("{hint} ({detail})"),
        None => hint.to_owned(),
    }
}

fn offered(features: Features) -> String {
    let names = [
        ("history", features.history),
        ("feedback", features.feedback),
        ("retry", features.retry),
        ("tools", features.tools),
        ("attachments", features.attachments),
        ("sources", features.sources),
    ];
    let offered: Vec<&str> =
        names.into_iter().filter(|(_, is_offered)| *is_offered).map(|(name, _)| name).collect();
    offered.join(", ")
}

/// An agent's section for a simulator at that address.
pub fn example(provider: &str, base_url: &str) -> String {
    let needed = match provider {
        "openai-chat" | "openai-responses" => "model = \"simulated\"\n",
        "ai-sdk" => "",
        _ => "agent_id = \"simulated\"\n",
    };
    format!(
        "[agent.simulated]\nprovider = \"{provider}\"\nbase_url = \"{base_url}\"\n\
         api_key = {{ env = \"SIMULATOR_KEY\" }}\n{needed}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let features = Features { history: true, sources: true, ..Features::default() };
        let good = Finding {
            agent: "shop".into(),
            provider: "openai-chat",
            outcome: Ok((vec!["key accepted".into()], features)),
        };
        assert_eq!(good.to_string(), "shop (openai-chat): works: key accepted; can do history, sources");
        let failure =
            upstream::UpstreamFailure::new(ErrorCode::Misconfigured).because("401:\ninvalid_api_key");
        let bad = Finding { outcome: Err(reason(&failure)), ..good };
        assert!(bad.to_string().contains("does not work: the provider refuses the key"), "{bad}");
        assert_eq!(bad.to_string().lines().count(), 1);
    }
}
