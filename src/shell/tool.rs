//! Functions of the page that the agent may call. What they are given and what
//! they answer is JSON; what they throw becomes a text.

use std::cell::RefCell;

use chinwag_protocol::Json;
use chinwag_protocol::limits::MAX_TOOL_RESULT_BYTES;
use js_sys::{Function, JSON, Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

use super::page::value_of;
use super::store::Store;
use crate::engine::turn::TurnId;
use crate::engine::{ClientTool, Event, ToolOutcome};

/// Longest text of an error that is passed on, in characters.
const MAX_ERROR_CHARS: usize = 1_000;

/// A tool of the page.
#[derive(Debug, Clone)]
pub struct PageTool {
    /// What is told of it.
    pub tool: ClientTool,
    /// What runs it.
    pub handler: Function,
}

/// The tools of the page, and what is told to those that run.
#[derive(Debug, Default)]
pub struct Tools {
    known: RefCell<Vec<PageTool>>,
    running: RefCell<Vec<(TurnId, AbortController)>>,
}

impl Tools {
    /// Takes in tools; those of a known name take the place of the old ones.
    pub fn register(&self, tools: Vec<PageTool>) {
        let mut known = self.known.borrow_mut();
        for new in tools {
            match known.iter_mut().find(|old| name(old) == name(&new)) {
                Some(old) => *old = new,
                None => known.push(new),
            }
        }
    }

    /// Forgets tools.
    pub fn forget(&self, is_forgotten: impl Fn(&str) -> bool) {
        self.known.borrow_mut().retain(|tool| !is_forgotten(name(tool)));
    }

    /// What the engine is told of them.
    pub fn definitions(&self) -> Vec<ClientTool> {
        self.known.borrow().iter().map(|tool| tool.tool.clone()).collect()
    }

    /// Runs one and tells the engine what it answered.
    pub fn run(&self, turn: TurnId, call: String, tool: &str, input: &Json, store: Store) {
        let handler =
            self.known.borrow().iter().find(|known| name(known) == tool).map(|known| known.handler.clone());
        let about = Object::new();
        let _ = Reflect::set(&about, &JsValue::from_str("toolCallId"), &JsValue::from_str(&call));
        if let Ok(controller) = AbortController::new() {
            let _ = Reflect::set(&about, &JsValue::from_str("signal"), &controller.signal());
            self.running.borrow_mut().push((turn, controller));
        }
        let input = value_of(input);
        // Within the task: a function of the page may throw, and may call back.
        spawn_local(async move {
            let outcome = match handler {
                Some(handler) => ask(&handler, &input, &about).await,
                None => Err("the page has no tool of this name".to_owned()),
            };
            store.dispatch(Event::ToolAnswered { turn, call, outcome });
        });
    }

    /// Tells the tools of a turn that nobody waits any more.
    pub fn abort(&self, turn: TurnId) {
        let (over, going_on) = self.running.take().into_iter().partition(|(of, _)| *of == turn);
        self.running.replace(going_on);
        // Out of the cell first: who listens to a signal may call back.
        let over: Vec<_> = over;
        for (_, controller) in over {
            controller.abort();
        }
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        for (_, controller) in self.running.take() {
            controller.abort();
        }
    }
}

fn name(tool: &PageTool) -> &str {
    &tool.tool.definition.name
}

async fn ask(handler: &Function, input: &JsValue, about: &Object) -> ToolOutcome {
    let called = handler.call2(&JsValue::UNDEFINED, input, about);
    let answered = match called {
        Ok(answer) => JsFuture::from(Promise::resolve(&answer)).await,
        Err(thrown) => Err(thrown),
    };
    answered.and_then(|answer| read(&answer)).map_err(|thrown| describe(&thrown))
}

/// The JSON text of an answer; of nothing, `null`.
fn read(answer: &JsValue) -> Result<Json, JsValue> {
    // What JSON cannot say, a function say, has no text.
    let text = JSON::stringify(answer)?.as_string().unwrap_or_else(|| "null".to_owned());
    if text.len() > MAX_TOOL_RESULT_BYTES {
        return Err("the tool's answer is longer than 64 KiB".into());
    }
    Json::parse(&text).map_err(|_| "the tool's answer is no JSON".into())
}

fn describe(thrown: &JsValue) -> String {
    let message = Reflect::get(thrown, &JsValue::from_str("message")).ok();
    let message = message.and_then(|message| message.as_string());
    let text = message.or_else(|| thrown.as_string()).unwrap_or_else(|| "the tool failed".to_owned());
    text.chars().take(MAX_ERROR_CHARS).collect()
}
