//! The definitions of a document, which links name by their label.

use super::link::{self, Scan};

/// How many definitions are kept. Stops a text that is all definitions from
/// filling the memory twice.
pub const MAX_DEFINITIONS: usize = 1000;

/// How many bytes of destinations and titles the uses of definitions may copy
/// in one document. Stops a short text from growing without bound: one long
/// definition that is used in every third byte.
pub const MAX_REFERENCED_BYTES: usize = 200_000;

/// Where a definition leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) destination: String,
    pub(super) title: Option<String>,
}

/// All definitions seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct References {
    /// By normal label, in its order.
    known: Vec<(String, Target)>,
    /// Labels that were used and not known then, in their order.
    missed: Vec<String>,
    /// Whether a label was defined after it had been used.
    late: bool,
    copied: usize,
    /// In a provisional pass nothing is recorded.
    pub(super) provisional: bool,
}

impl References {
    /// Takes the definitions off the start of a paragraph.
    pub(super) fn take<'a>(&mut self, text: &'a str) -> &'a str {
        let mut rest = text;
        while rest.starts_with('[') {
            match link::definition(rest) {
                Scan::Found((label, destination, title, after)) => {
                    self.define(label, Target { destination, title });
                    rest = after;
                }
                Scan::Open if self.provisional && rest.contains("]:") => rest = "",
                _ => break,
            }
        }
        rest
    }

    /// Takes the definitions that are the whole of `text` off it, if `next`, the
    /// line that follows, can add nothing to the last. Stops a list of them
    /// from being read from its start for every line.
    pub(super) fn take_early(&mut self, text: &mut String, next: &str) {
        if !text.starts_with('[') || next.starts_with(['"', '\'', '(']) {
            return;
        }
        let mut rest = text.as_str();
        while let Scan::Found((.., after)) = link::definition(rest) {
            rest = after;
        }
        if rest.is_empty() {
            self.take(text);
            text.clear();
        }
    }

    fn define(&mut self, label: &str, target: Target) {
        if self.provisional || self.known.len() >= MAX_DEFINITIONS {
            return;
        }
        let label = link::normalise(label);
        self.late |= self.missed.binary_search(&label).is_ok();
        if let Err(index) = self.known.binary_search_by(|(known, _)| known.cmp(&label)) {
            self.known.insert(index, (label, target));
        }
    }

    /// What a label stands for.
    pub(super) fn find(&mut self, label: &str) -> Option<Target> {
        // Most texts have brackets and no definition: those cost nothing.
        if self.known.is_empty() && self.provisional {
            return None;
        }
        let label = link::normalise(label);
        if let Ok(index) = self.known.binary_search_by(|(known, _)| known.cmp(&label)) {
            let target = &self.known.get(index)?.1;
            let copied =
                self.copied + target.destination.len() + target.title.as_ref().map_or(0, String::len);
            if copied > MAX_REFERENCED_BYTES {
                return None;
            }
            let target = target.clone();
            if !self.provisional {
                self.copied = copied;
            }
            return Some(target);
        }
        if !self.provisional
            && !label.is_empty()
            && self.missed.len() < MAX_DEFINITIONS
            && let Err(index) = self.missed.binary_search(&label)
        {
            self.missed.insert(index, label);
        }
        None
    }

    /// The definitions for a second reading, if a label was used before its
    /// definition came.
    pub(super) fn take_if_late(&mut self) -> Option<Self> {
        self.late.then(|| Self { known: std::mem::take(&mut self.known), ..Self::default() })
    }
}
