//! What `init` gives back.

use std::cell::RefCell;

use chinwag_protocol::limits::MAX_MESSAGE_CHARS;
use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use super::mount::{self, Mounted};
use super::tool::GivenTools;
use crate::engine::part::{self, Lazy as _};
use crate::engine::transcript::Format;
use crate::engine::{ConversationId, Event, KioskEvent, Model};
use crate::shell::store::Store;
use crate::shell::{clock, part as part_of_module};

/// A mounted widget, as the JavaScript face holds it. After `destroy` every
/// call does nothing.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Handle(RefCell<Option<Mounted>>);

/// Mounts a widget: `options` as in the documentation; `environment` is
/// `{css, base?, host?, part?}`, brought along by the JavaScript face.
///
/// # Errors
/// An `Error` that names the option at fault, or says what the page lacks.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands values over")]
pub fn mount(options: JsValue, environment: JsValue) -> Result<Handle, JsError> {
    let mounted = Mounted::new(&options, &environment).map_err(|error| to_js(&error))?;
    Ok(Handle(RefCell::new(Some(mounted))))
}

/// The parts of the module that have to be there before `mount` with these options.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands values over")]
pub fn needs(options: JsValue) -> Vec<String> {
    mount::needs(&options)
}

/// A part of the module was linked, and can be entered from now on.
#[wasm_bindgen]
pub fn linked(name: &str) {
    part_of_module::linked(name);
}

#[wasm_bindgen]
impl Handle {
    /// The parts of the module that have to be there before `update` with these
    /// changes, and are not.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands values over")]
    pub fn needs(&self, changes: JsValue) -> Vec<String> {
        self.0.borrow().as_ref().map(|mounted| mounted.needs(&changes)).unwrap_or_default()
    }

    /// The widget's element; `undefined` after `destroy`.
    #[wasm_bindgen(getter)]
    pub fn element(&self) -> Option<HtmlElement> {
        self.0.borrow().as_ref().map(|mounted| mounted.element.clone())
    }

    /// Opens the panel.
    pub fn open(&self) {
        self.dispatch(Event::Opened);
    }

    /// Closes it.
    pub fn close(&self) {
        self.dispatch(Event::Closed);
    }

    /// Opens it if it is closed, and closes it if it is open.
    pub fn toggle(&self) {
        let is_open = self.is_open();
        self.dispatch(if is_open { Event::Closed } else { Event::Opened });
    }

    /// Whether it is open.
    #[wasm_bindgen(js_name = isOpen)]
    pub fn is_open(&self) -> bool {
        self.store().and_then(|store| store.peek(|model| model.open)).unwrap_or_default()
    }

    /// Sends a message as if the visitor had written it.
    ///
    /// # Errors
    /// Empty, too long, or while a reply runs.
    pub fn send(&self, text: &str) -> Result<(), JsError> {
        let Some(store) = self.store() else { return Ok(()) };
        let length = text.trim().chars().count();
        if length == 0 || length > MAX_MESSAGE_CHARS {
            let mut message = String::from("Chinwag: send() takes a text of 1 to 8000 characters, not ");
            message.push_str(&length.to_string());
            return Err(JsError::new(&message));
        }
        if let Some(why) = store.peek(why_not).flatten() {
            return Err(JsError::new(why));
        }
        store.send(text);
        Ok(())
    }

    /// Lets the agent call functions of the page. Gives the names that are known
    /// from now on, for `unregisterTools`.
    ///
    /// # Errors
    /// As `mount` for the option `tools`; none is taken in then.
    #[wasm_bindgen(js_name = registerTools)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands values over")]
    pub fn register_tools(&self, tools: JsValue) -> Result<Vec<String>, JsError> {
        let Some(store) = self.store() else { return Ok(Vec::new()) };
        let take = || {
            let tools = GivenTools::read(&tools).map_err(|error| to_js(&error))?;
            let names = tools.names();
            tools.apply(store);
            Ok(names)
        };
        part::Setting::enter_again(take)
    }

    /// Forgets tools of the page by their names.
    #[wasm_bindgen(js_name = unregisterTools)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands values over")]
    pub fn unregister_tools(&self, names: Vec<String>) {
        if let Some(store) = self.store() {
            part::Setting::enter_again(|| store.forget_tools(|name| names.iter().any(|known| known == name)));
        }
    }

    /// The conversation as far as the panel has it: `text`, `markdown` or `json`.
    ///
    /// # Errors
    /// Another format.
    pub fn transcript(&self, format: &str) -> Result<String, JsError> {
        let Some(format) = Format::from_name(format) else {
            return Err(JsError::new("Chinwag: transcript() takes \"text\", \"markdown\" or \"json\""));
        };
        Ok(self.store().map(|store| store.transcript(format)).unwrap_or_default())
    }

    /// Ends the reply that runs, if one does.
    pub fn stop(&self) {
        self.dispatch(Event::StopPressed);
    }

    /// Writes into the composer, in place of what stands there.
    ///
    /// # Errors
    /// Too long to be sent.
    #[wasm_bindgen(js_name = setInput)]
    pub fn set_input(&self, text: &str) -> Result<(), JsError> {
        let length = text.chars().count();
        if length > MAX_MESSAGE_CHARS {
            let mut message =
                String::from("Chinwag: setInput() takes a text of at most 8000 characters, not ");
            message.push_str(&length.to_string());
            return Err(JsError::new(&message));
        }
        self.dispatch(Event::DraftChanged { text: text.to_owned() });
        Ok(())
    }

    /// Opens the panel and puts the focus where messages are written.
    pub fn focus(&self) {
        self.dispatch(Event::FocusAsked);
    }

    /// Begins a new conversation.
    #[wasm_bindgen(js_name = newConversation)]
    pub fn new_conversation(&self) {
        if let Some(store) = self.store() {
            store.start_conversation();
        }
    }

    /// Shows a conversation of this visitor's by its id.
    ///
    /// # Errors
    /// An id that is none.
    #[wasm_bindgen(js_name = setConversation)]
    pub fn set_conversation(&self, id: &str) -> Result<(), JsError> {
        let refused =
            |_| JsError::new("Chinwag: setConversation() takes an id of 1 to 64 letters, digits, _ or -");
        let id = ConversationId::parse(id).map_err(refused)?;
        self.dispatch(Event::ConversationChosen { id });
        Ok(())
    }

    /// Takes the conversation off the screen; the next message begins another.
    pub fn clear(&self) {
        self.dispatch(Event::Cleared);
    }

    /// Forgets the visitor: conversation, draft, token, what was put away.
    pub fn reset(&self) {
        self.dispatch(Event::Reset);
    }

    /// Says who the visitor is: a JWT signed by the site's server.
    ///
    /// # Errors
    /// Not a JWT.
    pub fn identify(&self, jwt: &str) -> Result<(), JsError> {
        let changes = Object::new();
        let _ = Reflect::set(&changes, &JsValue::from_str("identity"), &JsValue::from_str(jwt));
        self.update(changes.into())
    }

    /// Forgets who the visitor is, and their conversation in this browser.
    ///
    /// # Errors
    /// None.
    pub fn logout(&self) -> Result<(), JsError> {
        let changes = Object::new();
        let _ = Reflect::set(&changes, &JsValue::from_str("identity"), &JsValue::NULL);
        self.dispatch(Event::LoggedOut);
        self.update(changes.into())
    }

    /// Merges changed options in.
    ///
    /// # Errors
    /// As `mount`; nothing is changed then.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands values over")]
    pub fn update(&self, changes: JsValue) -> Result<(), JsError> {
        match self.0.borrow_mut().as_mut() {
            Some(mounted) => mounted.update(&changes).map_err(|error| to_js(&error)),
            None => Ok(()),
        }
    }

    /// Speaks another language: `{locale, file}`, the file as text, which the
    /// JavaScript face has fetched.
    #[wasm_bindgen(js_name = setLanguage)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands values over")]
    pub fn set_language(&self, language: JsValue) {
        if let Some(mounted) = self.0.borrow_mut().as_mut() {
            mounted.set_language(&language);
        }
    }

    /// The widget's words for a key of the language files.
    pub fn say(&self, key: &str) -> Option<String> {
        self.0.borrow().as_ref()?.say(key)
    }

    /// What a kiosk's companion has seen: that the screen was touched, say, or how
    /// much memory the page holds.
    #[wasm_bindgen(js_name = tellKiosk)]
    pub fn tell_kiosk(&self, what: &str, value: f64) {
        let event = match what {
            "touched" => KioskEvent::Touched,
            "held" => KioskEvent::Held(value > 0.0),
            "memory" => KioskEvent::Measured(value),
            "uptime" => KioskEvent::Ran(value),
            _ => return,
        };
        self.dispatch(Event::Kiosk(event));
    }

    /// Lets go of the element, which another module has taken over.
    pub fn leave(&self) {
        let mounted = self.0.borrow_mut().take();
        if let Some(mounted) = mounted {
            mounted.leave();
        }
    }

    /// Takes the widget out of the page.
    pub fn destroy(&self) {
        // Out of the cell first: what is dropped may call back.
        let mounted = self.0.borrow_mut().take();
        drop(mounted);
    }

    fn store(&self) -> Option<Store> {
        self.0.borrow().as_ref().map(|mounted| mounted.store)
    }

    fn dispatch(&self, event: Event) {
        if let Some(store) = self.store() {
            store.dispatch(event);
        }
    }
}

/// Why a message cannot be sent now, if it cannot.
fn why_not(model: &Model) -> Option<&'static str> {
    if !model.takes_message() {
        Some("Chinwag: send() while a reply runs: wait for response:end, or stop() it")
    } else if model.is_closed() {
        Some("Chinwag: send() in a conversation that has ended: begin another by newConversation()")
    } else if model.page_asked.is_some() {
        Some("Chinwag: send() while before:send is undecided about another message")
    } else if model.is_resting(clock::now()) {
        Some("Chinwag: send() before the time that the rate limit asks for is over")
    } else {
        None
    }
}

fn to_js(error: &dyn std::fmt::Display) -> JsError {
    let mut message = String::from("Chinwag: ");
    message.push_str(&error.to_string());
    JsError::new(&message)
}
