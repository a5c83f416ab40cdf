//! The parts of the widget that are fetched when they are first needed, and what
//! has to wait for them.
//!
//! The widget is one program. The build cuts the parts out of it
//! (`xtask/src/split.rs`): all that is reached only through [`Lazy::enter`] of a
//! part moves into a module of its own. So a part is declared in the list below,
//! and entered where its code begins:
//!
//! ```ignore
//! Drawer: lazy,                                          // here
//! later(scene, part::Drawer, || drawer(scene))           // a view of it
//! part::Drawer::enter(|| drawer::search(model, &text))   // an event of it
//! ```
//!
//! To enter a part before it is there ends the widget. A view is drawn through
//! `view::later`, which waits. An event that leads into a part is named in
//! [`needed_by`], and the store keeps it until the part is there. Debug builds,
//! and so the scenarios, fail where an event enters a part that it does not name,
//! or enters one again that no event has named before.

use super::event::Event;
use super::failure::TransportError;

/// Declares the parts. `answer` is what everybody needs who asks a question,
/// `lazy` what only some do. A part `on` another comes after that one, so that what
/// both use is in the other.
macro_rules! parts {
    ($($(#[$about:meta])* $name:ident: $load:ident $(on $base:ident)?,)*) => {
        /// A part.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Part {
            $($(#[$about])* $name,)*
        }

        impl Part {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$name),*].len();

            /// All of them.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$name),*];

            /// The part that has to be there before it.
            pub const fn base(self) -> Option<Self> {
                match self {
                    $($(Self::$name => Some(Self::$base),)?)*
                    _ => None,
                }
            }

            /// What the JavaScript face calls it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }

        $(
            $(#[$about])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Lazy for $name {
                const PART: Part = Part::$name;
            }
        )*
    };
}

parts! {
    /// All that happens from the first question on: sending it, its answer's stream
    /// and Markdown, the transcript.
    Reply: answer,
    /// What was said elsewhere: the transcript of an earlier visit, what a person
    /// writes meanwhile, what another tab tells, and the archive of direct mode,
    /// which is begun with it.
    Past: lazy on Reply,
    /// The form that asks why a reply is good or bad.
    Rating: lazy on Reply,
    /// What is sent along with a message: chosen, dropped, pasted, uploaded, shown.
    File: lazy,
    /// The history drawer: its list, its search, what it changes.
    Drawer: lazy,
    /// What few pages give of options and tools, and the words for what is wrong with
    /// any. It is there before the widget is mounted, or changed, with what needs it.
    Setting: lazy,
    /// A screen in a hall. The JavaScript face has it there before it mounts one,
    /// so that no event has to wait for it.
    Kiosk: lazy,
}

/// The way into a part.
pub trait Lazy {
    /// Which it is.
    const PART: Part;

    /// Runs code of the part, which has to be there. The build knows the part's
    /// code by this function, so it must not be inlined or made one with that of
    /// another part.
    #[inline(never)]
    fn enter<R>(run: impl FnOnce() -> R) -> R {
        check(Self::PART);
        std::hint::black_box(Self::PART as u8);
        run()
    }

    /// Runs code of a part that is known to be there: what is asked for is about
    /// something that the part has made.
    #[inline(never)]
    fn enter_again<R>(run: impl FnOnce() -> R) -> R {
        check_again(Self::PART);
        std::hint::black_box(Self::PART as u8);
        run()
    }
}

/// The parts that have to be there before an event can be taken in.
pub fn needed_by(event: &Event) -> &'static [Part] {
    match event {
        Event::Sent { .. } | Event::Recalled | Event::ChunkArrived { .. } => &[Part::Reply],
        Event::MessagesArrived { .. } => &[Part::Reply, Part::Past],
        Event::TabSaid { word, .. } if !word.is_plain() => &[Part::Reply, Part::Past],
        Event::FilesChosen { .. } | Event::FileAsked { .. } => &[Part::File],
        Event::SearchChanged { .. }
        | Event::TitleChanged { .. }
        | Event::DeletePressed { .. }
        | Event::DeleteUndone
        | Event::ConversationsArrived { .. } => &[Part::Drawer],
        _ => &[],
    }
}

/// What happened instead when the part that an event needs could not be had.
pub fn without(event: &Event) -> Option<Event> {
    let error = TransportError::Network;
    match event {
        // It stays in the composer.
        Event::Sent { text, .. } => Some(Event::NotSent { text: text.clone() }),
        Event::ChunkArrived { turn, .. } => Some(Event::StreamFailed { turn: *turn, error }),
        Event::MessagesArrived { request, .. } => Some(Event::MessagesFailed { request: *request, error }),
        Event::ConversationsArrived { request, .. } => {
            Some(Event::ConversationsFailed { request: *request, error })
        }
        _ => None,
    }
}

#[cfg(debug_assertions)]
thread_local! {
    /// What the event that is being taken in may enter; nothing between events.
    static GRANTED: std::cell::Cell<Option<&'static [Part]>> = const { std::cell::Cell::new(None) };
}

#[cfg(all(debug_assertions, not(target_arch = "wasm32")))]
thread_local! {
    /// The parts that are there by now, a bit for each: those that an event has
    /// named. The JavaScript face sees to these two before there are events.
    static HERE: std::cell::Cell<u32> = const { std::cell::Cell::new(bit(Part::Setting) | bit(Part::Kiosk)) };
}

/// Takes a part for fetched, as the shell does with the archive of direct mode. For
/// tests that stand in its place.
#[cfg(all(debug_assertions, not(target_arch = "wasm32")))]
pub fn fetched(part: Part) {
    HERE.set(HERE.get() | bit(part));
}

#[cfg(all(debug_assertions, not(target_arch = "wasm32")))]
const fn bit(part: Part) -> u32 {
    1 << part as u32
}

/// While this is held, only the parts that an event names may be entered.
#[must_use]
pub(super) fn grant(event: &Event) -> Grant {
    #[cfg(debug_assertions)]
    GRANTED.set(Some(needed_by(event)));
    #[cfg(all(debug_assertions, not(target_arch = "wasm32")))]
    needed_by(event).iter().copied().for_each(fetched);
    let _ = event;
    Grant
}

/// What [`grant`] gave.
pub(super) struct Grant;

#[cfg(debug_assertions)]
impl Drop for Grant {
    fn drop(&mut self) {
        GRANTED.set(None);
    }
}

/// What an event does again with a part, another has to have fetched before. In a
/// browser a debug build has all of them at once.
fn check_again(part: Part) {
    #[cfg(all(debug_assertions, not(target_arch = "wasm32")))]
    assert!(
        GRANTED.get().is_none() || HERE.get() & bit(part) != 0,
        "an event entered the part {} again, which nothing has fetched",
        part.name()
    );
    let _ = part;
}

fn check(part: Part) {
    #[cfg(debug_assertions)]
    assert!(
        GRANTED.get().is_none_or(
            |granted| granted.contains(&part) && part.base().is_none_or(|base| granted.contains(&base))
        ),
        "an event entered the part {} without naming it in part::needed_by",
        part.name()
    );
    let _ = part;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the part Reply")]
    fn an_event_that_does_not_name_a_part_cannot_enter_it() {
        let _grant = grant(&Event::Opened);
        Reply::enter(|| ());
    }

    #[test]
    fn what_a_part_is_made_upon_is_named_before_it() {
        assert_eq!((Part::Past.base(), Part::Reply.base()), (Some(Part::Reply), None));
        let error = TransportError::Network;
        let page =
            chinwag_protocol::Page { data: vec![], pagination: chinwag_protocol::Pagination::default() };
        let request = crate::engine::session::RequestId(1);
        assert_eq!(needed_by(&Event::MessagesArrived { request, page }), [Part::Reply, Part::Past]);
        assert_eq!(needed_by(&Event::MessagesFailed { request, error }), []);
    }

    #[test]
    #[should_panic(expected = "the part Drawer again")]
    fn a_part_that_nothing_has_fetched_is_not_entered_again() {
        let _grant = grant(&Event::Opened);
        Drawer::enter_again(|| ());
    }

    #[test]
    fn what_was_granted_ends_with_the_event() {
        drop(grant(&Event::Opened));
        assert_eq!(Reply::enter(|| 1), 1);
        let _grant = grant(&Event::DeleteUndone);
        assert_eq!(Drawer::enter(|| 2), 2);
    }
}
