//! Where to: who the widget talks to.

use super::check::not_allowed;
use super::{Options, OptionsError};
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["site", "relay"];

/// Keys of which another value would be another widget.
pub(super) const FIXED_KEYS: &[&str] = &["site", "relay"];

/// What a site's key looks like.
pub(super) const SITE: &str = "the site's public key, \"site_\" and 1 to 64 letters, digits, _ or -";

pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "site" => options.config.site = site(given)?,
        "relay" => options.relay = Some(relay(given)?),
        _ => {}
    }
    Ok(())
}

fn site(given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if chinwag_protocol::SiteKey::parse(text).is_ok() => Ok(text.clone()),
        _ => Err(not_allowed("site", given, SITE)),
    }
}

/// The relay's origin. Plain http is for a relay on this very machine.
pub fn relay(given: &Given) -> Result<String, OptionsError> {
    const ALLOWED: &str =
        "the relay's origin, \"https://host[:port]\" (or http:// on localhost), with no path behind it";
    let error = || not_allowed("relay", given, ALLOWED);
    let Given::Text(text) = given else { return Err(error()) };
    let trimmed = text.trim().trim_end_matches('/');
    let host = match (trimmed.strip_prefix("https://"), trimmed.strip_prefix("http://")) {
        (Some(host), _) => host,
        (None, Some(host)) if is_loopback(host) => host,
        _ => return Err(error()),
    };
    let is_plain = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
    if host.is_empty() || !is_plain { Err(error()) } else { Ok(trimmed.to_owned()) }
}

fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or_default()
    } else {
        host.split(':').next().unwrap_or_default()
    };
    let is_ipv4 = name.starts_with("127.") && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name == "localhost" || name == "[::1]" || name.ends_with(".localhost") || is_ipv4
}
