//! Fetches the parts of the widget (`engine/part.rs`): each once for a page, and
//! anew each time that it is asked for until it came.
//!
//! Where the JavaScript face brings nothing to fetch parts with, the module is
//! whole, as in tests and while the widget is being written.

use std::cell::{Cell, RefCell};

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::engine::Part;

thread_local! {
    /// What fetches a part. There is one module in a page, whose parts all of
    /// its widgets share.
    static FETCH: RefCell<Option<Function>> = const { RefCell::new(None) };
    /// A bit for each part that came.
    static HERE: Cell<u32> = const { Cell::new(0) };
}

const _: () = assert!(Part::COUNT <= 32, "a bit for each part");

/// Takes what fetches parts: a function of a part's name that gives a promise.
/// The first one counts.
pub fn provide(fetch: Option<Function>) {
    FETCH.with_borrow_mut(|known| *known = known.take().or(fetch));
}

/// A part was linked, behind the one that it is made upon.
pub fn linked(name: &str) {
    for part in Part::ALL.into_iter().filter(|part| part.name() == name) {
        HERE.set(HERE.get() | bit(part));
    }
}

/// Whether a part can be entered.
pub fn is_here(part: Part) -> bool {
    HERE.get() & bit(part) != 0 || FETCH.with_borrow(Option::is_none)
}

/// Fetches a part, with the one that it is made upon, and waits until it can be
/// entered; `false` if it could not be had.
pub async fn arrives(part: Part) -> bool {
    let fetch = FETCH.with_borrow(Clone::clone);
    let asked = fetch.and_then(|fetch| fetch.call1(&JsValue::NULL, &JsValue::from_str(part.name())).ok());
    let Some(coming) = asked.and_then(|coming| coming.dyn_into::<Promise>().ok()) else { return false };
    JsFuture::from(coming).await.is_ok() && is_here(part)
}

const fn bit(part: Part) -> u32 {
    1 << part as u32
}
