//! Light or dark, where that is left to the page: a page that declares one scheme
//! of its own (`color-scheme: dark` on its root) is followed, also when it changes
//! its mind; one that declares none or both leaves it to the visitor's system,
//! which the style sheet follows by itself.

use js_sys::Array;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, MutationObserver, MutationObserverInit};

use super::options::Scheme;
use crate::shell::clock;

/// Follows the page for as long as it is held.
#[derive(Debug)]
pub struct Following {
    observer: MutationObserver,
    _changed: Closure<dyn FnMut(Array)>,
}

impl Following {
    /// Shows the page's scheme on the element, now and whenever an attribute of
    /// the page's root or body changes: that is how pages switch.
    pub fn new(element: &HtmlElement) -> Option<Self> {
        show(element);
        let shown = element.clone();
        let changed = Closure::<dyn FnMut(Array)>::new(move |_| {
            let shown = shown.clone();
            // Some pages write to their root at every scroll; once a frame is enough.
            clock::in_next_frame(move || show(&shown));
        });
        let observer = MutationObserver::new(changed.as_ref().unchecked_ref()).ok()?;
        let document = web_sys::window()?.document()?;
        let attributes = MutationObserverInit::new();
        attributes.set_attributes(true);
        for watched in [document.document_element()?, document.body()?.into()] {
            let _ = observer.observe_with_options(&watched, &attributes);
        }
        Some(Self { observer, _changed: changed })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

fn show(element: &HtmlElement) {
    let scheme = declared().unwrap_or(Scheme::Auto).as_str();
    if element.is_connected() && element.get_attribute("data-scheme").as_deref() != Some(scheme) {
        let _ = element.set_attribute("data-scheme", scheme);
    }
}

/// The one scheme that the page declares.
fn declared() -> Option<Scheme> {
    let window = web_sys::window()?;
    let root = window.document()?.document_element()?;
    let declared = window.get_computed_style(&root).ok()??.get_property_value("color-scheme").ok()?;
    let has = |scheme| declared.split(' ').any(|word| word == scheme);
    match (has("light"), has("dark")) {
        (true, false) => Some(Scheme::Light),
        (false, true) => Some(Scheme::Dark),
        _ => None,
    }
}
