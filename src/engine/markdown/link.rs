//! The parts of links: destination, title and label, as they stand in inline
//! links and in definitions. What has begun and not ended yet is told apart
//! from what is no link, so that a half-arrived link can be drawn as one.

use super::character::push_folded;
use super::cursor::is_space;
use super::{entity, work};

/// The longest label, in characters: the specification's own limit. Stops many
/// `[` before a long text, each of which would be scanned to the text's end.
pub const MAX_LABEL_CHARS: usize = 999;

/// The longest destination or title as it is written, in bytes. Stops many
/// `](` before a long text in the same way.
pub const MAX_LINK_PART_BYTES: usize = 4096;

/// How many parentheses a destination may nest: the number that other parsers
/// take as well. Stops a counter from being run up by the text.
const MAX_PARENTHESES: usize = 32;

/// What a scan found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan<T> {
    /// It, and what follows it.
    Found(T),
    /// The text ended before it did.
    Open,
    /// Something else.
    Not,
}

/// The end of an inline link, from its `(` on: destination, title, and the
/// text after the `)`.
pub(super) fn inline_target(text: &str) -> Scan<(String, Option<String>, &str)> {
    let Some(rest) = text.strip_prefix('(') else { return Scan::Not };
    let rest = rest.trim_start_matches(is_space);
    let (destination, rest) = if rest.starts_with(')') {
        (String::new(), rest)
    } else {
        match destination(rest) {
            Scan::Found(found) => found,
            Scan::Open => return Scan::Open,
            Scan::Not => return Scan::Not,
        }
    };
    let after = rest.trim_start_matches(is_space);
    let (title, after) = if after.len() < rest.len() && after.starts_with(['"', '\'', '(']) {
        match title(after) {
            Scan::Found((title, after)) => (Some(title), after.trim_start_matches(is_space)),
            Scan::Open => return Scan::Open,
            Scan::Not => return Scan::Not,
        }
    } else {
        (None, after)
    };
    match after.strip_prefix(')') {
        Some(rest) => Scan::Found((destination, title, rest)),
        None if after.is_empty() => Scan::Open,
        None => Scan::Not,
    }
}

/// A destination in either form, and the text after it.
fn destination(text: &str) -> Scan<(String, &str)> {
    let mut escaped = false;
    if let Some(body) = text.strip_prefix('<') {
        for (at, byte) in body.bytes().enumerate() {
            work::count(1);
            match byte {
                _ if std::mem::take(&mut escaped) && byte != b'\n' => {}
                b'\\' => escaped = true,
                b'>' => return found(body, at, 1),
                b'<' | b'\n' => return Scan::Not,
                _ if at >= MAX_LINK_PART_BYTES => return Scan::Not,
                _ => {}
            }
        }
        return Scan::Open;
    }
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        work::count(1);
        match byte {
            _ if std::mem::take(&mut escaped) && byte.is_ascii_punctuation() => {}
            b'\\' => escaped = true,
            b'(' => {
                depth += 1;
                if depth > MAX_PARENTHESES {
                    return Scan::Not;
                }
            }
            b')' if depth == 0 => return if at == 0 { Scan::Not } else { found(text, at, 0) },
            b')' => depth -= 1,
            0..=b' ' | 0x7F => {
                return if at == 0 || depth > 0 { Scan::Not } else { found(text, at, 0) };
            }
            _ if at >= MAX_LINK_PART_BYTES => return Scan::Not,
            _ => {}
        }
    }
    // The end of the text ends a destination too, but only in a definition.
    if depth == 0 && !text.is_empty() { Scan::Found((unescape(text), "")) } else { Scan::Open }
}

/// A title in any of its three quotes, and the text after it.
fn title(text: &str) -> Scan<(String, &str)> {
    let (close, body) = match text.split_at_checked(1) {
        Some(("\"", body)) => (b'"', body),
        Some(("'", body)) => (b'\'', body),
        Some(("(", body)) => (b')', body),
        _ => return Scan::Not,
    };
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate() {
        work::count(1);
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' => escaped = true,
            _ if byte == close => return found(body, at, 1),
            b'(' if close == b')' => return Scan::Not,
            _ if at >= MAX_LINK_PART_BYTES => return Scan::Not,
            _ => {}
        }
    }
    Scan::Open
}

fn found(text: &str, at: usize, closing: usize) -> Scan<(String, &str)> {
    let part = text.get(..at).unwrap_or_default();
    Scan::Found((unescape(part), text.get(at + closing..).unwrap_or_default()))
}

/// A label from its `[` on, as it is written, and the text after its `]`.
pub(super) fn label(text: &str) -> Scan<(&str, &str)> {
    let Some(body) = text.strip_prefix('[') else { return Scan::Not };
    let mut escaped = false;
    for (count, (at, character)) in body.char_indices().enumerate() {
        work::count(1);
        match character {
            _ if count > MAX_LABEL_CHARS => return Scan::Not,
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '[' => return Scan::Not,
            ']' => {
                return match (body.get(..at), body.get(at + 1..)) {
                    (Some(label), Some(rest)) => Scan::Found((label, rest)),
                    _ => Scan::Not,
                };
            }
            _ => {}
        }
    }
    Scan::Open
}

/// A definition at the start of `text`: label, destination, title, and the
/// text after its last line.
pub(super) fn definition(text: &str) -> Scan<(&str, String, Option<String>, &str)> {
    let (label, rest) = match label(text) {
        Scan::Found((label, rest)) if !label.trim_matches(is_space).is_empty() => (label, rest),
        Scan::Open => return Scan::Open,
        _ => return Scan::Not,
    };
    let Some(rest) = rest.strip_prefix(':') else {
        return if rest.is_empty() { Scan::Open } else { Scan::Not };
    };
    let rest = rest.trim_start_matches(is_space);
    let (destination, rest) = match destination(rest) {
        Scan::Found(found) => found,
        Scan::Open => return Scan::Open,
        Scan::Not => return Scan::Not,
    };
    let after = rest.trim_start_matches(is_space);
    if after.len() < rest.len()
        && let Scan::Found((title, after)) = title(after)
        && let Some(after) = end_of_line(after)
    {
        return Scan::Found((label, destination, Some(title), after));
    }
    // A title that is none may stand on a line of its own: it is text then.
    match end_of_line(rest) {
        Some(rest) => Scan::Found((label, destination, None, rest)),
        None => Scan::Not,
    }
}

fn end_of_line(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches([' ', '\t']);
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('\n') }
}

/// A label in the form in which labels are compared.
pub(super) fn normalise(label: &str) -> String {
    let mut normal = String::new();
    for word in label.split(is_space).filter(|word| !word.is_empty()) {
        if !normal.is_empty() {
            normal.push(' ');
        }
        word.chars().for_each(|character| push_folded(character, &mut normal));
    }
    normal
}

/// Text without its escapes and with its character references decoded.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '&']) {
        let (before, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        if let Some(after) = special.strip_prefix('\\') {
            let escapes = after.as_bytes().first().is_some_and(u8::is_ascii_punctuation);
            if escapes {
                let length = after.chars().next().map_or(0, char::len_utf8);
                plain.push_str(after.get(..length).unwrap_or_default());
                rest = after.get(length..).unwrap_or_default();
            } else {
                plain.push('\\');
                rest = after;
            }
        } else if let Some((character, length)) = entity::decode(special) {
            plain.push(character);
            rest = special.get(length..).unwrap_or_default();
        } else {
            plain.push('&');
            rest = special.get(1..).unwrap_or_default();
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_destination_and_perhaps_a_title() {
        let title = |title: &str| Some(title.to_owned());
        for (text, destination, expected) in [
            ("(a)", "a", None),
            ("()", "", None),
            ("(<a b>)", "a b", None),
            ("(a(b)c)", "a(b)c", None),
            ("( a  'b' )", "a", title("b")),
            ("(a\n\"b\\\"c\")", "a", title("b\"c")),
            ("(a (b))", "a", title("b")),
            ("(\\)&amp;)", ")&", None),
        ] {
            assert_eq!(inline_target(text), Scan::Found((destination.to_owned(), expected, "")), "{text}");
        }
    }

    #[test]
    fn a_target_that_has_begun_is_told_from_one_that_is_none() {
        for text in ["(", "(a", "(<a", "(a ", "(a \"b", "(a \"b\"", "(a(b"] {
            assert_eq!(inline_target(text), Scan::Open, "{text}");
        }
        for text in ["", "a", "(a b)", "(<a\n>)", "(a \"b\" c)", "(a\"b\" c)"] {
            assert_eq!(inline_target(text), Scan::Not, "{text}");
        }
    }

    #[test]
    fn a_definition_ends_with_its_line() {
        assert_eq!(definition("[a]: /b 'c'\nd"), Scan::Found(("a", "/b".into(), Some("c".into()), "d")));
        assert_eq!(definition("[a]:\n/b\n'c' d"), Scan::Found(("a", "/b".into(), None, "'c' d")));
        assert_eq!(definition("[a]: /b 'c' d"), Scan::Not);
        assert_eq!(definition("[ ]: /b"), Scan::Not);
        assert_eq!(definition("[a]: "), Scan::Open);
    }

    #[test]
    fn labels_are_compared_without_case_and_with_single_spaces() {
        assert_eq!(normalise("  Foo\n\tBAR "), "foo bar");
    }

    #[test]
    fn longer_parts_than_the_limits_are_text() {
        let long = "a".repeat(MAX_LINK_PART_BYTES + 2);
        assert_eq!(inline_target(&format!("({long})")), Scan::Not);
        assert_eq!(inline_target(&format!("(a \"{long}\")")), Scan::Not);
        assert_eq!(label(&format!("[{}]", "a".repeat(MAX_LABEL_CHARS + 1))), Scan::Not);
        assert_eq!(inline_target(&format!("({}", "(".repeat(MAX_PARENTHESES + 1))), Scan::Not);
    }
}
