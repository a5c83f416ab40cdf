//! What waits for parts of the widget: events in their order, and views.

use std::cell::RefCell;

use wasm_bindgen_futures::spawn_local;

use super::part;
use super::store::Store;
use crate::engine::part::{needed_by, without};
use crate::engine::{Event, Part};

/// How far a part is, for a view that needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is being fetched.
    Coming,
    /// It can be entered.
    Here,
    /// It could not be had.
    Failed,
}

/// What waits, for one widget.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: RefCell<Vec<Event>>,
    /// Parts that were asked for, and whether they failed.
    asked: RefCell<Vec<(Part, bool)>>,
}

impl Waiting {
    /// Gives the event back if it can be taken in now. Otherwise keeps it until
    /// its parts are there, behind the earlier ones that wait for any of them,
    /// and gives the parts that are yet to be asked for.
    pub(super) fn admit(&self, event: Event) -> Result<Event, &'static [Part]> {
        let needed = needed_by(&event);
        let mut events = self.events.borrow_mut();
        let is_free =
            |part: &Part| part::is_here(*part) && !events.iter().any(|event| needed_by(event).contains(part));
        if needed.iter().all(is_free) {
            return Ok(event);
        }
        events.push(event);
        Err(needed)
    }

    /// A part came, or could not be had: gives what can be taken in now.
    pub(super) fn heard(&self, part: Part, came: bool) -> Vec<Event> {
        if came {
            self.asked.borrow_mut().retain(|(asked, _)| *asked != part);
        } else {
            self.asked
                .borrow_mut()
                .iter_mut()
                .filter(|(asked, _)| *asked == part)
                .for_each(|asked| asked.1 = true);
        }
        let mut free = Vec::new();
        let mut held: Vec<Event> = Vec::new();
        for event in self.events.take() {
            let needed = needed_by(&event);
            let is_behind = |part: &Part| held.iter().any(|event| needed_by(event).contains(part));
            if !came && needed.contains(&part) {
                free.extend(without(&event));
            } else if needed.iter().all(|part| part::is_here(*part) && !is_behind(part)) {
                free.push(event);
            } else {
                held.push(event);
            }
        }
        self.events.replace(held);
        free
    }

    /// How far a part is; one that nobody asked for yet is asked for.
    pub(super) fn standing(&self, part: Part, store: Store) -> Standing {
        if part::is_here(part) {
            return Standing::Here;
        }
        if self.asked.borrow().contains(&(part, true)) {
            return Standing::Failed;
        }
        self.ask(part, store);
        Standing::Coming
    }

    /// Asks for a part, unless it is there or on its way; whether there is news of
    /// it.
    pub(super) fn ask(&self, part: Part, store: Store) -> bool {
        let mut asked = self.asked.borrow_mut();
        if asked.contains(&(part, false)) {
            return false;
        }
        let known = asked.len();
        asked.retain(|(known, _)| *known != part);
        if part::is_here(part) {
            // Another widget of the page has it now that this one had failed to get.
            return asked.len() < known;
        }
        asked.push((part, false));
        spawn_local(async move {
            store.arrives(part).await;
        });
        true
    }
}
