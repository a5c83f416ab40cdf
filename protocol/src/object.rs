//! JSON objects, written member by member: the other half of [`crate::fields`],
//! for what the widget sends and stores. A derived encoder costs it 2 to 4 kB
//! for each type.

/// A JSON object that is being written. Names are the caller's own: they are
/// written as they are.
#[derive(Debug, Default)]
pub struct ObjectWriter(String);

impl ObjectWriter {
    /// A member that is JSON text.
    #[inline(never)]
    pub fn json(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        push_text(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(json);
    }

    /// A text.
    #[inline(never)]
    pub fn text(&mut self, name: &str, text: &str) {
        let mut quoted = String::new();
        push_text(&mut quoted, text);
        self.json(name, &quoted);
    }

    /// A text, if there is one.
    pub fn maybe(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// The object's JSON text.
    pub fn finish(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

/// A list of JSON texts.
pub fn list(elements: impl IntoIterator<Item = String>) -> String {
    let mut out = String::from("[");
    for element in elements {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&element);
    }
    out.push(']');
    out
}

/// Appends a text as JSON: what RFC 8259 says must be escaped is, and nothing
/// else.
fn push_text(out: &mut String, text: &str) {
    const DIGITS: &str = "0123456789abcdef";
    out.push('"');
    for character in text.chars() {
        if character < ' ' {
            out.push_str("\\u00");
            for digit in [u32::from(character) >> 4, u32::from(character) & 0xF] {
                out.extend(DIGITS.chars().nth(digit as usize));
            }
            continue;
        }
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_written_is_what_was_given() {
        let every: String =
            (0..0x300).filter_map(char::from_u32).chain("\u{2028}\u{1F600}".chars()).collect();
        let mut object = ObjectWriter::default();
        object.text("text", &every);
        object.maybe("none", None);
        object.json("list", &list(["1".to_owned(), "{}".to_owned()]));
        object.json("empty", &list([]));
        let read: Value = serde_json::from_str(&object.finish()).unwrap();
        assert_eq!(read, json!({"text": every, "list": [1, {}], "empty": []}));
        assert_eq!(ObjectWriter::default().finish(), "{}");
    }
}
