//! The icons: path data on a grid of 24, drawn as strokes in the text's colour.

/// An icon: its path. Each is a constant of its own, and so is with the code that
/// draws it, in whichever part of the module that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Icon(&'static str);

impl Icon {
    /// A speech bubble: open the chat.
    pub(super) const CHAT: Self = Self(
        "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 3.5V17A2.5 2.5 0 0 1 4 14.5z",
    );
    /// A chevron: put it away, jump to the end.
    pub(super) const DOWN: Self = Self("m6 9.5 6 6 6-6");
    /// A plus: a new conversation.
    pub(super) const PLUS: Self = Self("M12 5v14M5 12h14");
    /// An arrow up: send.
    pub(super) const SEND: Self = Self("M12 19V5M6 11l6-6 6 6");
    /// A square: stop.
    pub(super) const STOP: Self =
        Self("M8 7h8a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1z");
    /// Two sheets: copy.
    pub(super) const COPY: Self = Self(
        "M10 8h9a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 19 20h-9a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 10 8zM15.5 8V5.5A1.5 1.5 0 0 0 14 4H5a1.5 1.5 0 0 0-1.5 1.5v9A1.5 1.5 0 0 0 5 16h3.5",
    );
    /// A tick: copied.
    pub(super) const DONE: Self = Self("m5 12.5 4.5 4.5L19 7.5");
    /// A turning arrow: try again.
    pub(super) const AGAIN: Self = Self("M20 5v5h-5M19.6 10A8 8 0 1 0 20 13.5");
    /// A triangle: a failure.
    pub(super) const WARNING: Self = Self("M12 4 2.5 20h19zM12 10v4.5M12 17.2v.1");
    /// Struck-out waves: no network.
    pub(super) const OFFLINE: Self = Self(
        "M3 3l18 18M8.5 15.5a5 5 0 0 1 6.5-.4M5 12a10 10 0 0 1 4-2.4M13 9.1a10 10 0 0 1 6 2.9M2 8.5a15 15 0 0 1 4-2.6M10.5 4.6A15 15 0 0 1 22 8.5M12 19v.1",
    );
    /// A wrench: a tool.
    pub(super) const TOOL: Self = Self(
        "M14.5 6.5a4 4 0 0 1 5-1l-2.8 2.8 1 1.5 1.5 1L22 8a4 4 0 0 1-5.5 4.8L8 21.3a1.8 1.8 0 0 1-2.6 0l-.7-.7a1.8 1.8 0 0 1 0-2.6l8.6-8.5a4 4 0 0 1 1.2-3z",
    );
    /// A clock that goes back: earlier conversations.
    pub(super) const HISTORY: Self = Self("M4 4v5h5M4.6 9A8 8 0 1 1 4 13.5M12 8v4.5l3 2");
    /// A cross: close.
    pub(super) const CLOSE: Self = Self("M6 6l12 12M18 6 6 18");
    /// A magnifying glass: search.
    pub(super) const SEARCH: Self = Self("M11 5a6 6 0 1 1 0 12 6 6 0 0 1 0-12zM15.5 15.5 20 20");
    /// A pen: rename.
    pub(super) const PEN: Self =
        Self("M4 20v-4L15.5 4.5a1.8 1.8 0 0 1 2.5 0L19.5 6a1.8 1.8 0 0 1 0 2.5L8 20zM13.5 6.5l4 4");
    /// A bin: delete.
    pub(super) const BIN: Self = Self("M5 7h14M10 7V4.5h4V7M7 7l.8 12h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5");
    /// A thumb up: good.
    pub(super) const GOOD: Self = Self(
        "M7 11v9H4.5a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM7 11l4-7.5a2.3 2.3 0 0 1 2.3 2.3V9.5h5.1a1.9 1.9 0 0 1 1.9 2.2l-1 6.6A2 2 0 0 1 17.3 20H7",
    );
    /// A thumb down: bad.
    pub(super) const BAD: Self = Self(
        "M7 13V4H4.5a1 1 0 0 0-1 1v7a1 1 0 0 0 1 1zM7 13l4 7.5a2.3 2.3 0 0 0 2.3-2.3v-3.7h5.1a1.9 1.9 0 0 0 1.9-2.2l-1-6.6A2 2 0 0 0 17.3 4H7",
    );
    /// Three dots: more.
    pub(super) const MORE: Self = Self(
        "M5 12a.8.8 0 1 0 1.6 0A.8.8 0 1 0 5 12zm6.2 0a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0zm6.2 0a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0z",
    );
    /// An arrow down onto a line: download.
    pub(super) const DOWNLOAD: Self = Self("M12 4v11M7 10.5l5 5 5-5M5 20h14");
    /// Head and shoulders: a person.
    pub(super) const PERSON: Self =
        Self("M12 11.5a3.75 3.75 0 1 0 0-7.5 3.75 3.75 0 0 0 0 7.5zM5 20a7 7 0 0 1 14 0");
    /// Two bars: paused.
    pub(super) const PAUSE: Self = Self("M9 6v12M15 6v12");
    /// Keys in a frame: a keyboard on the screen.
    pub(super) const KEYS: Self = Self("M3 6h18v12H3zM6.5 10h.1M10.2 10h.1M13.9 10h.1M17.5 10h.1M8 14h8");
    /// A paper clip: attach files.
    pub(super) const CLIP: Self =
        Self("m20 11-8.6 8.6a5 5 0 0 1-7-7l8.7-8.7a3.3 3.3 0 0 1 4.7 4.7l-8.7 8.6a1.7 1.7 0 0 1-2.4-2.3l8-8");
    /// A sheet with a folded corner: a file.
    pub(super) const FILE: Self =
        Self("M13.5 3.5H7a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V9zM13.5 3.5V9H19");

    /// Its path.
    pub(super) const fn path(self) -> &'static str {
        self.0
    }
}
