//! Every word that the widget says of its own: one table, keyed by what is
//! meant, so that a language is one more column. Nothing that a server or the
//! browser says is ever shown as text.

use crate::engine::Reason;

/// The language of the table, for times and numbers.
pub(super) const LANGUAGE: &str = "en";

/// The form of times and numbers for visitors whose browser speaks another
/// language than the table.
pub(super) const FALLBACK_LOCALE: &str = "en-GB";

/// Something to say. A `%` stands for what [`Text::with`] fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// The panel's name when nobody gave one.
    Chat,
    /// Label of the launcher while the panel is closed.
    OpenChat,
    /// Label of the launcher and of the header's button while it is open.
    CloseChat,
    /// Label of the header's button.
    NewConversation,
    /// Said when a new conversation was begun.
    ConversationStarted,
    /// Status: the relay answers.
    StatusReady,
    /// Status: nothing is known yet.
    StatusConnecting,
    /// Status: no network.
    StatusOffline,
    /// Status: the last call failed.
    StatusTrouble,
    /// Banner: no network.
    Offline,
    /// Banner: an earlier transcript is on its way.
    HistoryLoading,
    /// Banner: an earlier transcript could not be had.
    HistoryFailed,
    /// The greeting when nobody gave one.
    Greeting,
    /// Label of the questions to start with.
    Suggestions,
    /// Label of the transcript.
    Transcript,
    /// Names the visitor's messages.
    You,
    /// A message is on its way.
    Sending,
    /// A message has arrived.
    Sent,
    /// Try a failed message or reply again; ask for another reply.
    TryAgain,
    /// The same, possible in some time.
    TryAgainIn,
    /// To be quoted to support.
    Reference,
    /// Nothing of the reply has come.
    Waiting,
    /// The model thinks.
    Thinking,
    /// The model has thought.
    Thought,
    /// A tool runs.
    ToolRuns,
    /// A tool has answered.
    ToolDone,
    /// A tool has failed.
    ToolFailed,
    /// Label of the list of sources.
    Sources,
    /// Label of one citation.
    Source,
    /// Label of the follow-up questions.
    FollowUps,
    /// Copy a reply.
    CopyReply,
    /// Copy a block of code.
    CopyCode,
    /// The same, as short as the button.
    Copy,
    /// It was copied.
    Copied,
    /// The browser did not allow it.
    CopyFailed,
    /// A block of code in no known language.
    Code,
    /// Label of a table's scroll area.
    Table,
    /// Label of a code block's scroll area.
    CodeArea,
    /// A task of a list that is done.
    TaskDone,
    /// A task of a list that is to be done.
    TaskOpen,
    /// A reply was stopped.
    Stopped,
    /// A reply came to its end without a word.
    EmptyReply,
    /// Said when a reply is whole.
    ReplyDone,
    /// The pill that leads to the end of the transcript.
    JumpToLatest,
    /// The same, with one reply that has not been seen.
    OneNew,
    /// The same, with several.
    ManyNew,
    /// The empty composer.
    Placeholder,
    /// Label of the composer.
    Message,
    /// Label of the send button.
    Send,
    /// Label of the same button while a reply runs.
    Stop,
    /// Said when a message becomes too long.
    TooLong,
    /// Today, at a time.
    Today,
    /// Yesterday, at a time.
    Yesterday,
    /// [`Reason::Unreachable`].
    Unreachable,
    /// [`Reason::Timeout`].
    Timeout,
    /// [`Reason::RateLimited`].
    RateLimited,
    /// [`Reason::Unavailable`].
    Unavailable,
    /// [`Reason::NotAllowed`].
    NotAllowed,
    /// [`Reason::TooLong`].
    Refused,
    /// [`Reason::Blocked`].
    Blocked,
    /// [`Reason::Closed`].
    Closed,
    /// [`Reason::Interrupted`].
    Interrupted,
    /// [`Reason::Other`].
    Other,
}

impl Text {
    /// The words.
    pub(super) const fn get(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::OpenChat => "Open chat",
            Self::CloseChat => "Close chat",
            Self::NewConversation => "New conversation",
            Self::ConversationStarted => "New conversation started.",
            Self::StatusReady => "Answers in seconds",
            Self::StatusConnecting => "Connecting",
            Self::StatusOffline => "Offline",
            Self::StatusTrouble => "Not available",
            Self::Offline => "You are offline. What you write is kept.",
            Self::HistoryLoading => "Loading your conversation",
            Self::HistoryFailed => "Your earlier messages could not be loaded.",
            Self::Greeting => "Hello.\nWhat would you like to know?",
            Self::Suggestions => "Questions to start with",
            Self::Transcript => "Conversation",
            Self::You => "You",
            Self::Sending => "Sending",
            Self::Sent => "Sent",
            Self::TryAgain => "Try again",
            Self::TryAgainIn => "Try again in %",
            Self::Reference => "Reference: %",
            Self::Waiting => "Writing an answer",
            Self::Thinking => "Thinking",
            Self::Thought => "How this was reasoned",
            Self::ToolRuns => "Looking up",
            Self::ToolDone => "Looked up",
            Self::ToolFailed => "Could not look up",
            Self::Sources => "Sources",
            Self::Source => "Source %",
            Self::FollowUps => "You could also ask",
            Self::CopyReply => "Copy answer",
            Self::CopyCode => "Copy code",
            Self::Copy => "Copy",
            Self::Copied => "Copied",
            Self::CopyFailed => "Could not copy",
            Self::Code => "Code",
            Self::Table => "Table",
            Self::CodeArea => "Code block",
            Self::TaskDone => "Done",
            Self::TaskOpen => "To do",
            Self::Stopped => "You stopped this answer.",
            Self::EmptyReply => "The answer came back empty.",
            Self::ReplyDone => "Answer complete.",
            Self::JumpToLatest => "Jump to latest",
            Self::OneNew => "1 new answer",
            Self::ManyNew => "% new answers",
            Self::Placeholder => "Ask anything",
            Self::Message => "Your message",
            Self::Send => "Send",
            Self::Stop => "Stop answering",
            Self::TooLong => "This message is too long to send.",
            Self::Today => "Today, %",
            Self::Yesterday => "Yesterday, %",
            Self::Unreachable => "The chat could not be reached.",
            Self::Timeout => "The answer took too long.",
            Self::RateLimited => "Too many questions at once.",
            Self::Unavailable => "The chat cannot answer at the moment.",
            Self::NotAllowed => "The chat is not enabled for this page.",
            Self::Refused => "This message is too long.",
            Self::Blocked => "This message cannot be answered here.",
            Self::Closed => "This conversation is closed. You can start a new one.",
            Self::Interrupted => "The answer broke off.",
            Self::Other => "Something went wrong.",
        }
    }

    /// The words with a value in the place of the `%`.
    pub(super) fn with(self, value: &str) -> String {
        self.get().replacen('%', value, 1)
    }

    /// The sentence for a failure.
    pub(super) const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Unreachable => Self::Unreachable,
            Reason::Timeout => Self::Timeout,
            Reason::RateLimited => Self::RateLimited,
            Reason::Unavailable => Self::Unavailable,
            Reason::NotAllowed => Self::NotAllowed,
            Reason::TooLong => Self::Refused,
            Reason::Blocked => Self::Blocked,
            Reason::Closed => Self::Closed,
            Reason::Interrupted => Self::Interrupted,
            Reason::Other => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_one_whole_sentence_or_two() {
        use Reason::{
            Blocked, Closed, Interrupted, NotAllowed, Other, RateLimited, Timeout, TooLong, Unavailable,
            Unreachable,
        };
        let all = [
            Unreachable,
            Timeout,
            RateLimited,
            Unavailable,
            NotAllowed,
            TooLong,
            Blocked,
            Closed,
            Interrupted,
            Other,
        ];
        let mut said: Vec<&str> = all.iter().map(|reason| Text::of(*reason).get()).collect();
        assert!(said.iter().all(|sentence| sentence.ends_with('.') && sentence.len() > 12));
        said.sort_unstable();
        said.dedup();
        assert_eq!(said.len(), all.len(), "two reasons read alike");
    }

    #[test]
    fn a_value_takes_the_place_of_the_mark() {
        assert_eq!(Text::TryAgainIn.with("0:24"), "Try again in 0:24");
        assert_eq!(Text::Today.with("100 %"), "Today, 100 %");
    }
}
