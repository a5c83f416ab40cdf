//! Addresses that stand in the text: between angle brackets, as `CommonMark` has
//! them, and bare, as GitHub's extension has them.

use super::character::{is_punctuation, is_white_space};
use super::href::Href;
use super::link::{MAX_LINK_PART_BYTES, Scan};
use super::work;

/// The longest host that is looked at, in characters: that of DNS. Stops
/// `_www._www.` and on from being scanned to its end at every `www.`.
const MAX_HOST_CHARS: usize = 253;

/// An autolink in angle brackets at the start of `text`: what it shows, where
/// it leads if that is allowed, and its length in bytes.
pub(super) fn angle(text: &str) -> Scan<(&str, Option<Href>, usize)> {
    let Some(body) = text.strip_prefix('<') else { return Scan::Not };
    let end = body
        .bytes()
        .take(MAX_LINK_PART_BYTES)
        .position(|byte| byte <= b' ' || byte == b'<' || byte == b'>' || byte == 0x7F);
    let address = body.get(..end.unwrap_or(body.len())).unwrap_or_default();
    work::count(address.len());
    let scheme = address.split(':').next().unwrap_or_default();
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'));
    match end.and_then(|end| body.as_bytes().get(end)) {
        None if body.len() < MAX_LINK_PART_BYTES && (is_scheme || address.contains('@')) => Scan::Open,
        Some(b'>') if is_scheme && scheme.len() < address.len() && (2..=32).contains(&scheme.len()) => {
            Scan::Found((address, Href::parse(address), address.len() + 2))
        }
        Some(b'>') if is_email(address) => {
            Scan::Found((address, Href::parse(&format!("mailto:{address}")), address.len() + 2))
        }
        _ => Scan::Not,
    }
}

fn is_email(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return false };
    let in_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    !local.is_empty()
        && local.bytes().all(in_local)
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// A bare address around a place in the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bare {
    /// How many bytes of it stand before the place.
    pub(super) backward: usize,
    /// How many from the place on.
    pub(super) forward: usize,
    /// What the address lacks to be one.
    pub(super) scheme: &'static str,
}

/// A bare address whose `:`, `@` or `w` is at the start of `rest`; `before` is
/// the plain text that leads to it.
pub(super) fn bare(before: &str, rest: &str, in_brackets: bool) -> Option<Bare> {
    match rest.as_bytes().first()? {
        b'w' => {
            rest.strip_prefix("www.")?;
            let stands_free = match before.chars().next_back() {
                None => true,
                Some(character) => is_white_space(character) || "*_~(".contains(character),
            };
            let forward = if stands_free { extent(rest, 0, true, in_brackets)? } else { return None };
            Some(Bare { backward: 0, forward, scheme: "http://" })
        }
        b':' => {
            rest.strip_prefix("://")?;
            let letters = before.bytes().rev().take(6).take_while(u8::is_ascii_alphabetic).count();
            let scheme = before.get(before.len() - letters..)?;
            if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
                return None;
            }
            Some(Bare { backward: letters, forward: extent(rest, 3, false, in_brackets)?, scheme: "" })
        }
        _ => email(before, rest),
    }
}

/// How far an address reaches of which the host begins at `host`.
fn extent(text: &str, host: usize, dotted: bool, in_brackets: bool) -> Option<usize> {
    let in_domain = |character: &char| {
        character.is_ascii_alphanumeric()
            || matches!(character, '-' | '_' | '.')
            || !(character.is_ascii() || is_white_space(*character) || is_punctuation(*character))
    };
    let after = text.get(host..)?;
    let length = after.chars().take(MAX_HOST_CHARS + 1).take_while(in_domain).map(char::len_utf8).sum();
    work::count(length);
    let domain = after.get(..length)?;
    if domain.chars().count() > MAX_HOST_CHARS {
        return None;
    }
    // The last two labels have no underscore, and there are two unless the
    // scheme already says that this is an address.
    let labels = domain.trim_end_matches('.').rsplit('.');
    if domain.is_empty() || labels.clone().take(2).any(|label| label.contains('_')) {
        return None;
    }
    if dotted && labels.filter(|label| !label.is_empty()).count() < 2 {
        return None;
    }
    let ends = |character: char| {
        is_white_space(character)
            || character == '<'
            || (in_brackets && character == ']')
            // Full stops and brackets of scripts that put no space after them.
            || (!character.is_ascii() && is_punctuation(character))
    };
    let end = text.find(ends).unwrap_or(text.len()).min(MAX_LINK_PART_BYTES);
    let mut address = text.get(..end)?;
    work::count(end + length);
    let mut unopened = count(address, b')').saturating_sub(count(address, b'('));
    loop {
        let last = address.bytes().next_back()?;
        let shorter = match last {
            b'?' | b'!' | b'.' | b',' | b':' | b'*' | b'_' | b'~' | b'\'' | b'"' => address.len() - 1,
            b')' if unopened > 0 => {
                unopened -= 1;
                address.len() - 1
            }
            b';' => match address.trim_end_matches(';').rfind('&') {
                Some(at) if is_reference(address.get(at + 1..address.len() - 1)) => at,
                _ => break,
            },
            _ => break,
        };
        address = address.get(..shorter)?;
    }
    (address.len() > host).then_some(address.len())
}

fn is_reference(name: Option<&str>) -> bool {
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn count(text: &str, wanted: u8) -> usize {
    text.bytes().filter(|&byte| byte == wanted).count()
}

fn email(before: &str, rest: &str) -> Option<Bare> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let backward = before.bytes().rev().take_while(|byte| is_word(byte) || *byte == b'+').count();
    let domain = rest.get(1..)?;
    let length = domain.bytes().take_while(is_word).count();
    work::count(backward + length);
    let domain = domain.get(..length)?.trim_end_matches('.');
    let is_domain = domain.contains('.') && !domain.starts_with('.') && !domain.ends_with(['-', '_']);
    (backward > 0 && is_domain).then_some(Bare { backward, forward: domain.len() + 1, scheme: "mailto:" })
}
