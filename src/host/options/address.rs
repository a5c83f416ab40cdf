//! Where to: who the widget talks to, as whom, and by which way.

use super::check::{not_allowed, refused};
use super::error::Wrong;
use super::{Options, OptionsError};
use crate::engine::{Access, Identity};
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["site", "relay", "identity"];

pub(super) const RARE_KEYS: &[&str] = &["getToken", "api", "headers", "fetch"];

/// Keys of which another value would be another widget.
pub(super) const FIXED_KEYS: &[&str] = &["site", "relay", "api"];

/// What a site's key looks like.
const SITE: &str = "the site's public key, \"site_\" and 1 to 64 letters, digits, _ or -";

/// How providers' keys begin. None of them belongs into a page, where every
/// visitor can read it.
const PROVIDER_KEYS: [&str; 16] = [
    "sk-",
    "sk_",
    "rk_",
    "pk_",
    "chtb_",
    "chatbase_",
    "cb_",
    "xai-",
    "gsk_",
    "hf_",
    "r8_",
    "AIza",
    "AKIA",
    "key-",
    "whsec_",
    "cw_secret_",
];

/// Longest value of a header, in bytes.
const MAX_HEADER_BYTES: usize = 2_048;

pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "site" => options.config.site = site(given)?,
        "relay" => options.relay = Some(relay(given)?),
        "identity" => options.config.identity = identity(given)?,
        _ => {}
    }
    Ok(())
}

pub(super) fn take_rare(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "getToken" => {
            is_function(key, given)?;
            options.config.access = Access::Page;
        }
        "api" => {
            options.api = Some(api(given)?);
            options.config.is_direct = true;
        }
        "headers" => options.headers = headers(given)?,
        "fetch" => is_function(key, given)?,
        _ => {}
    }
    Ok(())
}

/// Whether what was given fits together: somebody has to be talked to.
pub(super) fn check(options: &Options) -> Result<(), OptionsError> {
    let config = &options.config;
    if config.site.is_empty() && config.access == Access::Exchange && !config.is_direct {
        return Err(Wrong::Missing {
            key: "site",
            allowed: "the site's public key, \"site_\" and 1 to 64 letters, digits, _ or -; or else getToken or api",
        }
        .into());
    }
    Ok(())
}

fn is_function(key: &str, given: &Given) -> Result<(), OptionsError> {
    if *given == Given::Function { Ok(()) } else { Err(not_allowed(key, given, "a function")) }
}

fn site(given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if chinwag_protocol::SiteKey::parse(text).is_ok() => Ok(text.clone()),
        _ => Err(not_allowed("site", given, SITE)),
    }
}

fn identity(given: &Given) -> Result<Identity, OptionsError> {
    const ALLOWED: &str = "a signed JWT, or a function that brings one";
    match given {
        Given::Function => Ok(Identity::Asked),
        Given::Text(text) if is_token(text) => Ok(Identity::Signed(text.clone())),
        // It may be a secret by mistake, and is not repeated.
        Given::Text(_) => Err(refused("identity", "another text", ALLOWED)),
        _ => Err(not_allowed("identity", given, ALLOWED)),
    }
}

fn is_token(text: &str) -> bool {
    let of = |wanted: u8| text.bytes().filter(|byte| *byte == wanted).count();
    of(b'.') == 2 && of(b' ') == 0
}

/// The relay's origin. Plain http is for a relay on this very machine.
pub fn relay(given: &Given) -> Result<String, OptionsError> {
    const ALLOWED: &str =
        "the relay's origin, \"https://host[:port]\" (or http:// on localhost), with no path behind it";
    let error = || not_allowed("relay", given, ALLOWED);
    let Given::Text(text) = given else { return Err(error()) };
    let mut trimmed = text.trim();
    while let Some(shorter) = trimmed.strip_suffix('/') {
        trimmed = shorter;
    }
    let host = host_of(trimmed).ok_or_else(error)?;
    if is_host(host) { Ok(trimmed.to_owned()) } else { Err(error()) }
}

/// The address of an AI SDK endpoint: a whole one, or a path of this page's
/// origin.
fn api(given: &Given) -> Result<String, OptionsError> {
    const ALLOWED: &str = "the address of an AI SDK endpoint, \"https://...\" (or http:// on localhost) or a path as \"/api/chat\"";
    let error = || not_allowed("api", given, ALLOWED);
    let Given::Text(text) = given else { return Err(error()) };
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"'));
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_address =
        host_of(text).is_some_and(|rest| is_host(before(rest, |byte| matches!(byte, b'/' | b'?'))));
    if is_plain && (is_path || is_address) { Ok(text.to_owned()) } else { Err(error()) }
}

/// What stands behind the scheme of an address that is safe to talk to.
fn host_of(address: &str) -> Option<&str> {
    match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => Some(rest),
        (None, Some(rest)) if is_loopback(before(rest, |byte| matches!(byte, b'/' | b'?'))) => Some(rest),
        _ => None,
    }
}

/// What stands before the first byte for which `is_end` holds, a sign of ASCII.
fn before(text: &str, is_end: impl FnMut(u8) -> bool) -> &str {
    let end = text.bytes().position(is_end).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'))
}

fn is_loopback(host: &str) -> bool {
    let mut is_in_brackets = host.starts_with('[');
    let name = before(host, |byte| {
        is_in_brackets &= byte != b']';
        !is_in_brackets && byte == b':'
    });
    let is_ipv4 = name.starts_with("127.") && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name == "localhost" || name == "[::1]" || name.ends_with(".localhost") || is_ipv4
}

fn headers(given: &Given) -> Result<Vec<(String, String)>, OptionsError> {
    const ALLOWED: &str = "an object of names and texts, such as {\"x-tenant\": \"harbour\"}";
    let Given::Members(members) = given else { return Err(not_allowed("headers", given, ALLOWED)) };
    let mut headers = Vec::new();
    for (name, value) in members {
        let mut key = String::from("headers.");
        key.push_str(name);
        let value = match value {
            Given::Nothing => continue,
            Given::Text(value) => value,
            _ => return Err(not_allowed(&key, value, "a text")),
        };
        if is_provider_key(value) {
            return Err(Wrong::Exposed { key }.into());
        }
        // RFC 9110, 5.1 and 5.5, without the bytes that only some servers take.
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_sound = !name.is_empty()
            && name.bytes().all(is_token)
            && value.len() <= MAX_HEADER_BYTES
            && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !is_sound {
            return Err(refused(
                &key,
                "this",
                "a header's name with at most 2048 printable ASCII characters",
            ));
        }
        headers.push((name.clone(), value.clone()));
    }
    Ok(headers)
}

/// Whether a header's value has the shape of a provider's key, alone or behind
/// the word that says how it is used.
fn is_provider_key(value: &str) -> bool {
    let key = value.trim();
    let key = key.split_once(' ').map_or(key, |(_, credential)| credential.trim_start());
    PROVIDER_KEYS.iter().any(|start| key.starts_with(start) && key.len() >= start.len() + 8)
}
