//! What the host page is told: `CustomEvent`s named `chinwag:*` on the widget's
//! element. They cross the shadow boundary; nothing else does.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;
use web_sys::{CustomEvent, CustomEventInit, HtmlElement};

use crate::engine::{Failure, HostEvent, Reason};

/// Tells the page.
pub fn emit(element: &HtmlElement, event: HostEvent) {
    let (name, detail) = match event {
        HostEvent::Open => ("open", vec![]),
        HostEvent::Close => ("close", vec![]),
        HostEvent::MessageSent { id, text } => ("message:sent", vec![("id", id), ("text", text)]),
        HostEvent::MessageReceived { id, text } => ("message:received", vec![("id", id), ("text", text)]),
        HostEvent::ResponseStart => ("response:start", vec![]),
        HostEvent::ResponseEnd => ("response:end", vec![]),
        HostEvent::ResponseStopped => ("response:stopped", vec![]),
        HostEvent::ConversationChange { id } => ("conversation:change", vec![("id", id)]),
        HostEvent::Error(failure) => ("error", describe(failure)),
    };
    dispatch(element, name, &detail_of(&detail), false);
}

/// Tells the page that the widget can be used.
pub fn emit_ready(element: &HtmlElement) {
    dispatch(element, "ready", &Object::new(), false);
}

/// Asks the page about a message before it is sent: the text to send, as the
/// page left it, or `None` if the page cancelled it.
pub fn ask_before_send(element: &HtmlElement, text: &str) -> Option<String> {
    let detail = detail_of(&[("text", text.to_owned())]);
    if !dispatch(element, "before:send", &detail, true) {
        return None;
    }
    let changed = Reflect::get(&detail, &JsValue::from_str("text")).ok();
    Some(changed.and_then(|value| value.as_string()).unwrap_or_else(|| text.to_owned()))
}

fn describe(failure: Failure) -> Vec<(&'static str, String)> {
    let reason = match failure.reason {
        Reason::Unreachable => "unreachable",
        Reason::Timeout => "timeout",
        Reason::RateLimited => "rate_limited",
        Reason::Unavailable => "unavailable",
        Reason::NotAllowed => "not_allowed",
        Reason::TooLong => "too_long",
        Reason::Blocked => "blocked",
        Reason::Closed => "closed",
        Reason::Interrupted => "interrupted",
        Reason::Other => "other",
    };
    let mut detail = vec![("reason", reason.to_owned())];
    detail.extend(failure.request_id.map(|id| ("requestId", id)));
    detail
}

fn detail_of(fields: &[(&str, String)]) -> Object {
    let detail = Object::new();
    for (name, value) in fields {
        // Defining a property of a plain object that was just made cannot fail.
        let _ = Reflect::set(&detail, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    detail
}

/// Whether no listener called `preventDefault`.
fn dispatch(element: &HtmlElement, name: &str, detail: &Object, cancelable: bool) -> bool {
    let init = CustomEventInit::new();
    init.set_detail(detail);
    init.set_bubbles(true);
    init.set_composed(true);
    init.set_cancelable(cancelable);
    let mut full = String::from("chinwag:");
    full.push_str(name);
    CustomEvent::new_with_event_init_dict(&full, &init)
        .is_ok_and(|event| element.dispatch_event(&event).unwrap_or(true))
}
