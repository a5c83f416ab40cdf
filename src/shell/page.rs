//! What the host page is told: `CustomEvent`s named `chinwag:*` on the widget's
//! element. They cross the shadow boundary; nothing else does.

use std::cell::RefCell;
use std::rc::Rc;

use chinwag_protocol::Json;
use js_sys::{Array, JSON, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CustomEvent, CustomEventInit, HtmlElement};

use crate::engine::{Failure, HostEvent, Opinion, ToolOutcome};

/// What the page decided about a message.
#[derive(Debug)]
pub enum Decision {
    /// It is sent, with this text.
    Send(String),
    /// It is not sent.
    Cancel,
    /// The page takes its time.
    Later(Asked),
}

/// A message about which the page has not decided yet.
#[derive(Debug)]
pub struct Asked {
    event: CustomEvent,
    detail: Object,
    /// What the message says.
    pub text: String,
    /// Settles when the page has decided.
    pub decided: Promise,
}

type Detail = Vec<(&'static str, JsValue)>;

/// Tells the page.
pub fn emit(element: &HtmlElement, event: HostEvent) {
    let (name, detail) = match event {
        HostEvent::Open => ("open", vec![]),
        HostEvent::Close => ("close", vec![]),
        HostEvent::MessageSent { id, text } => ("message:sent", texts([("id", id), ("text", text)])),
        HostEvent::MessageReceived { id, text } => ("message:received", texts([("id", id), ("text", text)])),
        HostEvent::ResponseStart => ("response:start", vec![]),
        HostEvent::ResponseEnd => ("response:end", vec![]),
        HostEvent::ResponseStopped => ("response:stopped", vec![]),
        HostEvent::ConversationChange { id } => ("conversation:change", texts([("id", id)])),
        HostEvent::ConnectionChange(state) => ("connection:change", texts([("state", state.to_owned())])),
        HostEvent::Unread(count) => ("unread", vec![("count", JsValue::from(count))]),
        HostEvent::IdleWarning(seconds) => ("idle:warning", vec![("seconds", JsValue::from(seconds))]),
        HostEvent::IdleReset(reason) => ("idle:reset", texts([("reason", reason.to_owned())])),
        HostEvent::TokenRefreshed => ("token:refreshed", vec![]),
        HostEvent::ToolCall { id, tool, input } => {
            let mut detail = texts([("toolCallId", id), ("toolName", tool)]);
            detail.push(("input", value_of(&input)));
            ("tool:call", detail)
        }
        HostEvent::ToolResult { id, tool, outcome } => {
            let mut detail = texts([("toolCallId", id), ("toolName", tool)]);
            detail.push(told(outcome));
            ("tool:result", detail)
        }
        HostEvent::Feedback { id, opinion } => ("feedback", rated(id, opinion)),
        HostEvent::Error(failure) => ("error", describe(failure)),
    };
    announce(element, name, &detail_of(&detail), false);
}

/// Whether the page is in the background.
pub fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden())
}

/// Tells the page that the widget can be used.
pub fn emit_ready(element: &HtmlElement) {
    announce(element, "ready", &Object::new(), false);
}

/// Asks the page about a message before it is sent. A listener may change
/// `detail.text` or call `preventDefault`; one that needs time gives a promise to
/// `detail.waitUntil`.
pub fn ask_before_send(element: &HtmlElement, text: &str) -> Decision {
    let detail = detail_of(&texts([("text", text.to_owned())]));
    let promises: Rc<RefCell<Vec<JsValue>>> = Rc::default();
    let kept = Rc::clone(&promises);
    let wait_until = Closure::<dyn FnMut(JsValue)>::new(move |promise| kept.borrow_mut().push(promise));
    let _ = Reflect::set(&detail, &JsValue::from_str("waitUntil"), wait_until.as_ref());
    let event = announce(element, "before:send", &detail, true);
    // Called later it would be too late: the page is told by the browser's error.
    drop(wait_until);
    let text = text.to_owned();
    let Some(event) = event else { return Decision::Send(text) };
    let promises = promises.take();
    if promises.is_empty() || event.default_prevented() {
        return decision(&event, &detail, text);
    }
    let decided = Promise::all(&promises.into_iter().collect::<Array>());
    Decision::Later(Asked { event, detail, text, decided })
}

impl Asked {
    /// What the page decided, once its promises are kept.
    pub fn decision(self) -> Decision {
        decision(&self.event, &self.detail, self.text)
    }
}

fn decision(event: &CustomEvent, detail: &Object, text: String) -> Decision {
    if event.default_prevented() {
        return Decision::Cancel;
    }
    let changed = Reflect::get(detail, &JsValue::from_str("text")).ok();
    Decision::Send(changed.and_then(|value| value.as_string()).unwrap_or(text))
}

/// Tells the developer of something that a function of the page threw, as the
/// browser does by itself where nobody is in between.
pub fn report(error: &JsValue) {
    let global = js_sys::global();
    let report = Reflect::get(&global, &JsValue::from_str("reportError")).ok();
    if let Some(report) = report.and_then(|report| report.dyn_into::<js_sys::Function>().ok()) {
        let _ = report.call1(&global, error);
    }
}

fn told(outcome: ToolOutcome) -> (&'static str, JsValue) {
    match outcome {
        Ok(output) => ("output", value_of(&output)),
        Err(why) => ("errorText", why.into()),
    }
}

fn rated(id: String, opinion: Opinion) -> Detail {
    let value = opinion.value.map_or(JsValue::NULL, |value| value.as_str().into());
    let mut detail = texts([("id", id)]);
    detail.push(("value", value));
    detail.extend(opinion.reason.map(|reason| ("reason", reason.into())));
    detail
}

/// A value as the page knows it.
pub fn value_of(json: &Json) -> JsValue {
    JSON::parse(json.as_str()).unwrap_or(JsValue::NULL)
}

fn texts<const N: usize>(fields: [(&'static str, String); N]) -> Detail {
    fields.into_iter().map(|(name, text)| (name, text.into())).collect()
}

fn describe(failure: Failure) -> Detail {
    let mut detail = vec![("reason", failure.reason.word().into())];
    detail.extend(failure.request_id.map(|id| ("requestId", id.into())));
    detail
}

fn detail_of(fields: &[(&str, JsValue)]) -> Object {
    let detail = Object::new();
    for (name, value) in fields {
        // Defining a property of a plain object that was just made cannot fail.
        let _ = Reflect::set(&detail, &JsValue::from_str(name), value);
    }
    detail
}

/// Dispatches an event. `None` where the browser could not make it.
fn announce(element: &HtmlElement, name: &str, detail: &Object, cancelable: bool) -> Option<CustomEvent> {
    let init = CustomEventInit::new();
    init.set_detail(detail);
    init.set_bubbles(true);
    init.set_composed(true);
    init.set_cancelable(cancelable);
    let mut full = String::from("chinwag:");
    full.push_str(name);
    let event = CustomEvent::new_with_event_init_dict(&full, &init).ok()?;
    // What it returns is told by the event, too.
    let _ = element.dispatch_event(&event);
    Some(event)
}
