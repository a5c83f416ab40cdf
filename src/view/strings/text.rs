//! Everything that the widget says of its own: one list, keyed by what is meant.
//! English stands here and is built in; the other languages are files of
//! `locales/`, with the same keys in small letters first (`openChat`). Nothing
//! that a server or the browser says is ever shown as text.

use crate::engine::Reason;

/// Writes the list down three times: as the keys, as their names, as the words;
/// and of each reason of a failure, which text says it.
macro_rules! texts {
    ($($(#[$about:meta])* $name:ident $(for $reason:ident)? = $many:literal $(| $one:literal)?;)*) => {
        /// Something to say. A `%` stands for what is filled in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Text {
            $($(#[$about])* $name,)*
        }

        const ALL: &[Text] = &[$(Text::$name),*];

        /// The keys in order, as they are written in the code, each with a unit
        /// separator (U+001F) behind it: a list of texts would take the address and
        /// length of each as well.
        const NAMES: &str = concat!($(stringify!($name), "\u{1f}"),*);

        /// The words in English, in the same order and form.
        const ENGLISH: &str = concat!($($many, "\u{1f}"),*);

        impl Text {
            /// The words in English for one, where they are others than for many.
            const fn english_for_one(self) -> Option<&'static str> {
                match self {
                    $($(Self::$name => Some($one),)?)*
                    _ => None,
                }
            }

            /// The sentence for a failure.
            pub(in crate::view) const fn of(reason: Reason) -> Self {
                match reason {
                    $($(Reason::$reason => Self::$name,)?)*
                }
            }
        }

        #[cfg(test)]
        const REASONS: &[Reason] = &[$($(Reason::$reason,)?)*];
    };
}

texts! {
    /// The panel's name when nobody gave one.
    Chat = "Chat";
    /// Label of the launcher while the panel is closed.
    OpenChat = "Open chat";
    /// Label of the launcher and of the header's button while it is open.
    CloseChat = "Close chat";
    /// Label of the button that puts the words beside the launcher away.
    DismissTeaser = "Dismiss";
    /// Label of the header's button.
    NewConversation = "New conversation";
    /// Said when a new conversation was begun.
    ConversationStarted = "New conversation started.";
    /// Status: the relay answers.
    StatusReady = "Answers in seconds";
    /// Status: nothing is known yet.
    StatusConnecting = "Connecting";
    /// Status: no network.
    StatusOffline = "Offline";
    /// Status: the last call failed.
    StatusTrouble = "Not available";
    /// Banner: no network.
    Offline = "You are offline. What you write is sent as soon as you are back.";
    /// Banner: an earlier transcript is on its way.
    HistoryLoading = "Loading your conversation";
    /// Banner: an earlier transcript could not be had.
    HistoryFailed = "Your earlier messages could not be loaded.";
    /// Label of the header's button and of the drawer that it opens.
    History = "Earlier conversations";
    /// Label of the drawer's button.
    CloseHistory = "Back to the chat";
    /// Label of the drawer's search.
    SearchTitles = "Search titles";
    /// The drawer's list is on its way.
    ConversationsLoading = "Loading your conversations";
    /// The drawer's list could not be had.
    ConversationsFailed = "Your conversations could not be loaded.";
    /// Stands in the place of something whose code could not be fetched.
    PartFailed = "This could not be loaded.";
    /// The drawer has nothing to list.
    NoConversations = "No conversations yet.";
    /// A search found nothing.
    NothingFound = "No title matches.";
    /// Loads more of the drawer's list.
    ShowMore = "Show more";
    /// A conversation without a title.
    Untitled = "Untitled conversation";
    /// Marks a conversation with a reply that nobody saw.
    Unread = "Unread";
    /// Label of the button that renames a conversation.
    RenameConversation = "Rename: %";
    /// Label of the button that deletes a conversation.
    DeleteConversation = "Delete: %";
    /// Label of the field in which a title is changed.
    Title = "Title";
    /// A conversation was deleted.
    ConversationDeleted = "Conversation deleted.";
    /// Takes a deletion back.
    Undo = "Undo";
    /// The relay did not take a title.
    NotRenamed = "The title could not be changed.";
    /// The relay did not delete a conversation.
    NotDeleted = "The conversation could not be deleted.";
    /// Older messages are on their way.
    OlderLoading = "Loading earlier messages";
    /// Older messages could not be had.
    OlderFailed = "Earlier messages could not be loaded.";
    /// The greeting when nobody gave one.
    Greeting = "Hello.\nWhat would you like to know?";
    /// Label of the questions to start with.
    Suggestions = "Questions to start with";
    /// Label of the transcript.
    Transcript = "Conversation";
    /// Names the visitor's messages.
    You = "You";
    /// A message is on its way.
    Sending = "Sending";
    /// A message has arrived.
    Sent = "Sent";
    /// Try a failed message or reply again; ask for another reply.
    TryAgain = "Try again";
    /// The same, possible in some time.
    TryAgainIn = "Try again in %";
    /// To be quoted to support.
    Reference = "Reference: %";
    /// Nothing of the reply has come.
    Waiting = "Writing an answer";
    /// The model thinks.
    Thinking = "Thinking";
    /// The model has thought.
    Thought = "How this was reasoned";
    /// A tool runs.
    ToolRuns = "Looking up";
    /// A tool has answered.
    ToolDone = "Looked up";
    /// A tool has failed.
    ToolFailed = "Could not look up";
    /// Label of the list of sources.
    Sources = "Sources";
    /// Label of one citation.
    Source = "Source %";
    /// Label of the follow-up questions.
    FollowUps = "You could also ask";
    /// Copy a reply.
    CopyReply = "Copy answer";
    /// Copy a block of code.
    CopyCode = "Copy code";
    /// The same, as short as the button.
    Copy = "Copy";
    /// It was copied.
    Copied = "Copied";
    /// The browser did not allow it.
    CopyFailed = "Could not copy";
    /// A block of code in no known language.
    Code = "Code";
    /// Label of a table's scroll area.
    Table = "Table";
    /// Label of a code block's scroll area.
    CodeArea = "Code block";
    /// A task of a list that is done.
    TaskDone = "Done";
    /// A task of a list that is to be done.
    TaskOpen = "To do";
    /// A reply was stopped.
    Stopped = "You stopped this answer.";
    /// A reply came to its end without a word.
    EmptyReply = "The answer came back empty.";
    /// Said when a reply is whole.
    ReplyDone = "Answer complete.";
    /// The pill that leads to the end of the transcript.
    JumpToLatest = "Jump to latest";
    /// The same, with replies that have not been seen.
    NewAnswers = "% new answers" | "1 new answer";
    /// The empty composer.
    Placeholder = "Ask anything";
    /// Label of the composer.
    Message = "Your message";
    /// Label of the send button.
    Send = "Send";
    /// Label of the same button while a reply runs.
    Stop = "Stop answering";
    /// Label of the button that attaches files.
    Attach = "Attach files";
    /// Shown while files are dragged over the panel.
    DropFiles = "Drop files here";
    /// Names the files in the composer.
    Attachments = "Attached files";
    /// Takes a file out of the composer.
    RemoveFile = "Remove: %";
    /// A file is on its way, so much of it in percent.
    FileSending = "Uploading, % %";
    /// Said when a file has arrived.
    FileStored = "Attached: %";
    /// A message was not sent, because the page did not decide about it.
    NotSent = "Your message was not sent. Please try again.";
    /// Said when a message waits for its files.
    FilesUnfinished = "Not sent yet: files are still being uploaded, or failed.";
    /// A file that is not taken: it is larger than this.
    FileTooLarge = "Larger than %.";
    /// The same, for its kind.
    FileKind = "This kind of file is not taken here.";
    /// The same, for being empty.
    FileEmpty = "This file is empty.";
    /// The same, for being one too many.
    FileTooMany = "Only % files go with one message." | "Only 1 file goes with one message.";
    /// Saves a file of a message.
    SaveFile = "Download: %";
    /// Said when a message becomes too long.
    TooLong = "This message is too long to send.";
    /// Today, at a time.
    Today = "Today, %";
    /// Yesterday, at a time.
    Yesterday = "Yesterday, %";
    /// A message that waits for a network.
    Waits = "Waiting for a connection";
    /// Take such a message away.
    Remove = "Remove";
    /// Before anything may be stored or sent: asks the visitor.
    ConsentAsked = "To answer you, this chat sends what you write to its provider and keeps the conversation.";
    /// The button that agrees.
    Agree = "Agree and continue";
    /// The same, where the page asks.
    ConsentAwaited = "The chat starts when you have agreed to it on this page.";
    /// Said of [`Reason::SignIn`].
    SignIn for SignIn = "Please sign in again to go on.";
    /// Said of [`Reason::Unreachable`].
    Unreachable for Unreachable = "The chat could not be reached.";
    /// Said of [`Reason::Timeout`].
    Timeout for Timeout = "The answer took too long.";
    /// Said of [`Reason::RateLimited`].
    RateLimited for RateLimited = "Too many questions at once.";
    /// Said of [`Reason::Unavailable`].
    Unavailable for Unavailable = "The chat cannot answer at the moment.";
    /// Said of [`Reason::NotAllowed`].
    NotAllowed for NotAllowed = "The chat is not enabled for this page.";
    /// Said of [`Reason::TooLong`].
    Refused for TooLong = "This message is too long.";
    /// Said of [`Reason::Blocked`].
    Blocked for Blocked = "This message cannot be answered here.";
    /// Said of [`Reason::Closed`].
    Closed for Closed = "This conversation is closed. You can start a new one.";
    /// Said of [`Reason::Interrupted`].
    Interrupted for Interrupted = "The answer broke off.";
    /// Said of [`Reason::Other`].
    Other for Other = "Something went wrong.";
    /// Label of the button that calls a reply good.
    RateGood = "Good answer";
    /// Label of the button that calls a reply bad.
    RateBad = "Bad answer";
    /// Opens the form that asks why.
    RateWhy = "Say why";
    /// Heading of the form after a bad rating.
    RatedBad = "What was wrong?";
    /// Heading of the form after a good rating.
    RatedGood = "What was good?";
    /// A reason: not correct.
    ReasonWrong = "Not correct";
    /// A reason: too long.
    ReasonLong = "Too long";
    /// A reason: not what was asked.
    ReasonBeside = "Not what I asked";
    /// The empty field for a reason.
    ReasonMore = "Tell us more (optional)";
    /// Label of the button that sends a reason.
    SendRating = "Send feedback";
    /// Closes a form.
    Close = "Close";
    /// Said when a rating is stored.
    RatingStored = "Thank you for your feedback.";
    /// Said when a rating was taken back.
    RatingRemoved = "Your feedback was taken back.";
    /// Said when a rating could not be stored.
    RatingFailed = "Your feedback could not be saved.";
    /// The model has thought, for some seconds.
    ThoughtFor = "Thought for % s";
    /// Status: a person answers.
    StatusPerson = "A person answers";
    /// Status: nobody answers for now.
    StatusPaused = "Paused";
    /// Status: the conversation is over.
    StatusEnded = "Ended";
    /// A person has taken over.
    TakenOver = "A person has joined and answers here.";
    /// Nobody answers for now.
    Paused = "This conversation is paused. Nobody answers at the moment.";
    /// The conversation takes no more messages.
    Ended = "This conversation has ended.";
    /// Said when the agent answers again.
    Resumed = "The assistant answers again.";
    /// No message is taken for some time.
    RestsFor = "You can send again in %.";
    /// Heading of the panel when the chat has ended in an error.
    Crashed = "The chat has stopped.";
    /// What it says below.
    CrashedWhy = "Something went wrong in this window. Your conversation is kept.";
    /// The same, when it does not help to begin the chat again.
    CrashedAgain = "It stopped again and again. Reloading the page may help.";
    /// The button that begins the chat again.
    ReloadChat = "Reload the chat";
    /// Label of the header's menu.
    More = "More";
    /// Copies the whole conversation.
    CopyConversation = "Copy conversation";
    /// Downloads it as plain text.
    DownloadText = "Download as text";
    /// Downloads it as Markdown.
    DownloadMarkdown = "Download as Markdown";
    /// Downloads it as JSON.
    DownloadJson = "Download as JSON";
    /// The button of a kiosk's attract screen.
    TouchToStart = "Touch to start";
    /// Begins again at a kiosk, with nothing of what was.
    StartOver = "Start over";
    /// Changes the size of a kiosk's text.
    TextSize = "Text size";
    /// Gives a kiosk more contrast.
    MoreContrast = "Contrast";
    /// Shows or hides a kiosk's keyboard.
    Keyboard = "Keyboard";
    /// Asks at a kiosk whether the visitor has left.
    StillThere = "Still there?";
    /// What happens if they have.
    ClearedIn = "Everything is cleared in % seconds." | "Everything is cleared in one second.";
    /// They have not.
    Continue = "Continue";
    /// Said when a kiosk has forgotten a visitor.
    Wiped = "Everything was cleared.";
    /// Heading of a kiosk without a network.
    AwayTitle = "Back in a moment";
    /// What it says below.
    AwayText = "There is no connection right now. This screen comes back by itself.";
    /// Heading of a link's code.
    TakeAlong = "Take it along";
    /// What to do with the code.
    ScanCode = "Point your phone's camera at the code.";
}

impl Text {
    /// The words in English.
    pub fn english(self) -> &'static str {
        ENGLISH.split_terminator('\u{1f}').nth(self as usize).unwrap_or_default()
    }

    /// The words in English for one, which mostly are the same.
    pub fn form_for_one(self) -> &'static str {
        self.english_for_one().unwrap_or_else(|| self.english())
    }

    /// The text of a key, as pages and language files write it.
    pub fn named(key: &str) -> Option<Self> {
        let mut letters = key.chars();
        let first = letters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase();
        let is_it = |name: &str| name.strip_prefix(first) == Some(letters.as_str());
        let place = NAMES.split_terminator('\u{1f}').position(is_it)?;
        ALL.get(place).copied()
    }
}

/// Every key, as pages and language files write it.
pub fn keys() -> impl Iterator<Item = String> {
    NAMES.split_terminator('\u{1f}').map(|name| {
        let mut letters = name.chars();
        letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_one_whole_sentence_or_two() {
        let mut said: Vec<&str> = REASONS.iter().map(|reason| Text::of(*reason).english()).collect();
        assert!(said.iter().all(|sentence| sentence.ends_with('.') && sentence.len() > 12));
        said.sort_unstable();
        said.dedup();
        assert_eq!(said.len(), REASONS.len(), "two reasons read alike");
    }

    #[test]
    fn every_text_is_found_by_its_place() {
        assert_eq!(ENGLISH.split_terminator('\u{1f}').count(), ALL.len());
        assert_eq!(NAMES.split_terminator('\u{1f}').count(), ALL.len());
        assert_eq!(Text::Chat.english(), "Chat");
        assert_eq!(Text::ScanCode.english(), "Point your phone's camera at the code.");
        assert_eq!(Text::NewAnswers.form_for_one(), "1 new answer");
        assert_eq!(Text::Send.form_for_one(), "Send");
    }

    #[test]
    fn a_key_is_found_by_the_name_that_pages_write() {
        assert_eq!(Text::named("openChat"), Some(Text::OpenChat));
        for (key, text) in keys().zip(ALL) {
            assert_eq!(Text::named(&key), Some(*text), "{key}");
        }
        for bad in ["OpenChat", "openchat", "", "open", "öpenChat"] {
            assert_eq!(Text::named(bad), None, "{bad}");
        }
    }
}
