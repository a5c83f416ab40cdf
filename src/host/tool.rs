//! The option `tools` and `registerTools`: functions of the page that the agent
//! may call, each with what the agent is told of it.

use chinwag_protocol::{Json, MessageId, ToolDefinition};
use js_sys::{JSON, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

use super::options::OptionsError;
use super::options::check::{not_allowed, object};
use super::value::{Given, own};
use crate::engine::ClientTool;
use crate::engine::part::{self, Lazy as _};
use crate::shell::store::Store;
use crate::shell::tool::PageTool;

const TOOL_KEYS: [&str; 4] = ["title", "description", "parameters", "handler"];

/// Most tools of one page: all of them are sent with each message.
const MAX_TOOLS: u32 = 64;

/// Longest text that a tool is described with, in characters.
const MAX_TEXT_CHARS: usize = 1_000;

/// Longest description of a tool's input, in bytes of its JSON text.
const MAX_PARAMETERS_BYTES: usize = 16 * 1024;

/// What a page said of its tools.
#[derive(Debug, Default)]
pub struct GivenTools {
    /// To be known from now on.
    known: Vec<PageTool>,
    /// To be forgotten; all of them if `None`.
    forgotten: Option<Vec<String>>,
}

impl GivenTools {
    /// Reads what options say of tools; nothing if they say nothing.
    pub fn of_options(options: &JsValue) -> Result<Option<Self>, OptionsError> {
        let read = |given: JsValue| {
            if given.is_null_or_undefined() { Ok(Self::default()) } else { Self::read(&given) }
        };
        own(options, "tools").map(|given| part::Setting::enter_again(|| read(given))).transpose()
    }

    /// Reads tools by their names; `null` in the place of one takes it away.
    pub fn read(tools: &JsValue) -> Result<Self, OptionsError> {
        let given = Given::read(tools);
        let object: &Object = match given {
            Given::Members(_) => tools.unchecked_ref(),
            _ => return Err(not_allowed("tools", &given, "an object of at most 64 tools by their names")),
        };
        let keys = Object::keys(object);
        if keys.length() > MAX_TOOLS {
            return Err(not_allowed("tools", &Given::Other, "an object of at most 64 tools by their names"));
        }
        let mut read = Self { known: Vec::new(), forgotten: Some(Vec::new()) };
        for key in keys.iter() {
            let name = key.as_string().unwrap_or_default();
            let given = Reflect::get(object, &key).unwrap_or_default();
            if MessageId::parse(&name).is_err() {
                let allowed = "named by 1 to 64 letters, digits, _ or -";
                return Err(not_allowed(&path(&name, ""), &Given::Text(name), allowed));
            }
            if given.is_null_or_undefined() {
                read.forgotten.get_or_insert_default().push(name);
            } else {
                read.known.push(tool(name, &given)?);
            }
        }
        Ok(read)
    }

    /// Hands them over.
    pub fn apply(self, store: Store) {
        part::Setting::enter_again(|| self.hand_over(store));
    }

    fn hand_over(self, store: Store) {
        match &self.forgotten {
            None => store.forget_tools(|_| true),
            Some(names) if !names.is_empty() => {
                store.forget_tools(|name| names.iter().any(|known| known == name));
            }
            Some(_) => {}
        }
        if !self.known.is_empty() {
            store.register_tools(self.known);
        }
    }

    /// The names of those that are to be known.
    pub fn names(&self) -> Vec<String> {
        self.known.iter().map(|tool| tool.tool.definition.name.clone()).collect()
    }
}

fn path(name: &str, member: &str) -> String {
    let mut path = String::from("tools.");
    path.push_str(name);
    if !member.is_empty() {
        path.push('.');
        path.push_str(member);
    }
    path
}

fn tool(name: String, given: &JsValue) -> Result<PageTool, OptionsError> {
    let allowed = "an object with description, parameters and handler";
    object(&path(&name, ""), &Given::read(given), &TOOL_KEYS, allowed)?;
    let member = |key: &str| Reflect::get(given, &JsValue::from_str(key)).unwrap_or_default();
    let refused = |key: &str, allowed| not_allowed(&path(&name, key), &Given::read(&member(key)), allowed);
    let text = |key: &str| match Given::read(&member(key)) {
        Given::Nothing => Ok(None),
        Given::Text(text) if text.chars().count() <= MAX_TEXT_CHARS => Ok(Some(text)),
        _ => Err(refused(key, "a text of at most 1,000 characters")),
    };
    let handler = member("handler").dyn_into().map_err(|_| refused("handler", "a function"))?;
    let schema = "a JSON Schema of the input, an object of at most 16 kB";
    let parameters = match member("parameters") {
        missing if missing.is_null_or_undefined() => Json::parse(r#"{"type":"object","properties":{}}"#).ok(),
        given => JSON::stringify(&given).ok().and_then(|text| Json::parse(&text.as_string()?).ok()),
    };
    let parameters = parameters
        .filter(|json| json.is_object() && json.as_str().len() <= MAX_PARAMETERS_BYTES)
        .ok_or_else(|| refused("parameters", schema))?;
    let title = text("title")?;
    let description = text("description")?.unwrap_or_default();
    let definition = ToolDefinition { name, description, parameters };
    Ok(PageTool { tool: ClientTool { definition, title }, handler })
}
