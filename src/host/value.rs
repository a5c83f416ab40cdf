//! A page's options as plain values, so that they are checked without a browser.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

/// Deepest nesting that is read: `theme.tokens.border.dark` is four.
const MAX_DEPTH: u8 = 4;

/// Most members of one object or list that are read.
const MAX_MEMBERS: u32 = 256;

/// A value that a page gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// `undefined` or `null`: as if it were not there.
    Nothing,
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// An array.
    List(Vec<Given>),
    /// A plain object: its own members, in order.
    Members(Vec<(String, Given)>),
    /// A function.
    Function,
    /// An element of the page.
    Element,
    /// Anything else: a symbol, too deep or too large.
    Other,
}

impl Given {
    /// Reads a value. Only what an object owns counts: a page that adds to
    /// `Object.prototype` adds nothing to the options.
    pub fn read(value: &JsValue) -> Self {
        read(value, MAX_DEPTH)
    }

    /// What it is, for an error message.
    pub fn describe(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Text(text) => {
                let mut out = String::from("\"");
                out.extend(text.chars().take(40));
                out.push('"');
                out
            }
            Self::Number(number) => write_number(*number),
            Self::Flag(flag) => flag.to_string(),
            Self::List(_) => "a list".to_owned(),
            Self::Members(_) => "an object".to_owned(),
            Self::Function => "a function".to_owned(),
            Self::Element => "an element".to_owned(),
            Self::Other => "something else".to_owned(),
        }
    }
}

/// A member that an object owns, as it is: for what no plain value can hold.
pub fn own(object: &JsValue, key: &str) -> Option<JsValue> {
    let object: &Object = object.dyn_ref()?;
    let key = JsValue::from_str(key);
    if !Object::has_own(object, &key) {
        return None;
    }
    Reflect::get(object, &key).ok()
}

/// A number with at most three decimals. The general form of floating point
/// numbers would bring 6 kB of code for the sake of an error message.
pub fn write_number(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "`as` holds it within the bounds of i64")]
    let thousandths = (number * 1_000.0).round() as i64;
    let mut out = String::new();
    if thousandths < 0 {
        out.push('-');
    }
    let magnitude = thousandths.unsigned_abs();
    out.push_str(&(magnitude / 1_000).to_string());
    let mut decimals = magnitude % 1_000;
    if decimals > 0 {
        out.push('.');
        let mut place = 100;
        while decimals > 0 {
            out.push(
                char::from_digit(u32::try_from(decimals / place).unwrap_or_default(), 10).unwrap_or('0'),
            );
            decimals %= place;
            place /= 10;
        }
    }
    out
}

fn read(value: &JsValue, depth: u8) -> Given {
    if value.is_null_or_undefined() {
        return Given::Nothing;
    }
    if let Some(text) = value.as_string() {
        return Given::Text(text);
    }
    if let Some(number) = value.as_f64() {
        return Given::Number(number);
    }
    if let Some(flag) = value.as_bool() {
        return Given::Flag(flag);
    }
    if value.is_function() {
        return Given::Function;
    }
    let Some(deeper) = depth.checked_sub(1) else { return Given::Other };
    if Array::is_array(value) {
        let list: &Array = value.unchecked_ref();
        if list.length() > MAX_MEMBERS {
            return Given::Other;
        }
        return Given::List(list.iter().map(|member| read(&member, deeper)).collect());
    }
    if !value.is_object() {
        return Given::Other;
    }
    // By what it is and not by whose class it has: it may come out of a frame.
    if Reflect::get(value, &JsValue::from_str("nodeType")).is_ok_and(|kind| kind.as_f64() == Some(1.0)) {
        return Given::Element;
    }
    let object: &Object = value.unchecked_ref();
    let keys = Object::keys(object);
    if keys.length() > MAX_MEMBERS {
        return Given::Other;
    }
    let members = keys.iter().filter_map(|key| {
        let member = Reflect::get(object, &key).ok()?;
        Some((key.as_string()?, read(&member, deeper)))
    });
    Given::Members(members.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (number, text) in [
            (0.0, "0"),
            (3.5, "3.5"),
            (-1.0, "-1"),
            (16.0, "16"),
            (0.125, "0.125"),
            (1.05, "1.05"),
            (-0.002, "-0.002"),
            (24.1, "24.1"),
        ] {
            assert_eq!(write_number(number), text);
        }
    }
}
