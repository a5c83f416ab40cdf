//! What a provider can do, in one place per adapter: the token answer's
//! `features` and the table in `docs/providers.md` both follow from it.

use chinwag_protocol::Features;

/// Who does something for the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Nobody: the widget does not show it.
    No,
    /// The relay, with its own store; the provider never learns of it.
    Relay,
    /// The provider; the relay keeps what the visitor sees of it as well.
    Provider,
}

impl Support {
    /// Whether it works at all.
    pub const fn is_offered(self) -> bool {
        !matches!(self, Self::No)
    }

    /// The word in tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Relay => "relay",
            Self::Provider => "provider",
        }
    }
}

/// The capabilities of one adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The reply arrives while it is written.
    pub streaming: Support,
    /// Follow-up questions: `Relay` means that the transcript is sent each turn.
    pub follow_up: Support,
    /// Conversations can be listed and read.
    pub history: Support,
    /// Replies can be rated: `Relay` means that only the relay keeps it.
    pub feedback: Support,
    /// Replies can be made anew: `Relay` means that the question is sent again.
    pub retry: Support,
    /// Tools of the page can be called.
    pub tools: Support,
    /// Replies cite sources.
    pub sources: Support,
    /// Files can be sent.
    pub attachments: Support,
    /// The provider is told a stable, anonymous name of the visitor.
    pub identity: Support,
    /// What the model thinks is shown, folded.
    pub reasoning: Support,
    /// What a reply cost is reported.
    pub usage: Support,
}

impl Capabilities {
    /// What holds for every provider that can chat at all, because the relay
    /// keeps the transcript.
    pub const BASE: Self = Self {
        streaming: Support::Provider,
        follow_up: Support::Relay,
        history: Support::Relay,
        feedback: Support::Relay,
        retry: Support::Relay,
        tools: Support::No,
        sources: Support::No,
        attachments: Support::No,
        identity: Support::No,
        reasoning: Support::No,
        usage: Support::No,
    };

    /// What the widget may show.
    pub const fn features(&self) -> Features {
        Features {
            history: self.history.is_offered(),
            feedback: self.feedback.is_offered(),
            retry: self.retry.is_offered(),
            tools: self.tools.is_offered(),
            attachments: self.attachments.is_offered(),
            sources: self.sources.is_offered(),
            // What the configuration decides.
            updates: false,
        }
    }

    /// Each capability by its name, in the order of tables.
    pub const fn rows(&self) -> [(&'static str, Support); 11] {
        [
            ("streaming", self.streaming),
            ("follow-up questions", self.follow_up),
            ("history", self.history),
            ("feedback", self.feedback),
            ("retry", self.retry),
            ("tools of the page", self.tools),
            ("sources", self.sources),
            ("attachments", self.attachments),
            ("visitor's name for the provider", self.identity),
            ("reasoning", self.reasoning),
            ("usage", self.usage),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_what_anybody_offers() {
        let capabilities = Capabilities { sources: Support::Provider, ..Capabilities::BASE };
        let features = capabilities.features();
        assert!(features.history && features.feedback && features.retry && features.sources);
        assert!(!features.tools && !features.attachments);
    }
}
