//! What is asked of a screen in a hall, and what that means for the other options.

use super::check::{choice, flag, not_allowed, object, refused, text};
use super::{Options, OptionsError};
use crate::engine::kiosk::LEAST_WARNING_MS;
use crate::engine::{Attract, Links, Mode, Persist};
use crate::host::value::Given;

pub(super) const RARE_KEYS: &[&str] = &["kiosk"];

const KIOSK_KEYS: &[&str] =
    &["idleSeconds", "warnSeconds", "attract", "keyboard", "links", "wakeLock", "reloadDaily", "device"];

const ATTRACT_KEYS: &[&str] = &["title", "text", "prompts"];

const LINKS: [(&str, Links); 2] = [("block", Links::Block), ("qr", Links::Qr)];

/// Most questions that take turns on the attract screen.
const MAX_PROMPTS: usize = 20;

/// Longest device key, in bytes; the relay's are shorter.
const MAX_DEVICE_BYTES: usize = 200;

/// Keeps a kiosk's things apart from those of a chat on the same site.
const NAMESPACE: &str = "kiosk";

pub(super) fn take_rare(options: &mut Options, _key: &str, given: &Given) -> Result<(), OptionsError> {
    const ALLOWED: &str =
        "an object with idleSeconds, warnSeconds, attract, keyboard, links, wakeLock, reloadDaily or device";
    let kiosk = &mut options.config.kiosk;
    for (key, given) in object("kiosk", given, KIOSK_KEYS, ALLOWED)? {
        match (key.as_str(), given) {
            (_, Given::Nothing) => {}
            ("idleSeconds", given) => {
                let allowed = "a whole number of seconds from 15 to 3600";
                kiosk.idle_ms = seconds("kiosk.idleSeconds", given, 15, allowed)?;
            }
            ("warnSeconds", given) => {
                let allowed = "a whole number of seconds from 20 to 3600: less is too short to answer";
                kiosk.warn_ms = seconds("kiosk.warnSeconds", given, LEAST_WARNING_MS / 1_000, allowed)?;
            }
            ("attract", given) => kiosk.attract = attract(given)?,
            ("keyboard", given) => kiosk.has_keyboard = flag("kiosk.keyboard", given)?,
            ("links", given) => {
                kiosk.links = choice("kiosk.links", given, &LINKS, "\"block\" or \"qr\"")?;
            }
            // Held by the JavaScript face; here it only counts that it can be.
            ("wakeLock", given) => drop(flag("kiosk.wakeLock", given)?),
            ("reloadDaily", given) => kiosk.reloads_daily = flag("kiosk.reloadDaily", given)?,
            ("device", given) => kiosk.device = Some(device(given)?),
            _ => {}
        }
    }
    Ok(())
}

/// A kiosk keeps nothing, and shows nobody what somebody else said.
pub(super) fn settle(options: &mut Options, given: &[(String, Given)]) -> Result<(), OptionsError> {
    if options.config.mode != Mode::Kiosk {
        let is_given = given.iter().any(|(key, given)| key == "kiosk" && *given != Given::Nothing);
        if is_given {
            return Err(refused("kiosk", "without it", "given with mode: \"kiosk\""));
        }
        return Ok(());
    }
    options.config.persist = Persist::Memory;
    options.config.without_history = true;
    options.namespace = Some(match options.namespace.take() {
        Some(own) => [NAMESPACE, "-", &own].concat(),
        None => NAMESPACE.to_owned(),
    });
    Ok(())
}

fn seconds(key: &str, given: &Given, least: u32, allowed: &'static str) -> Result<u32, OptionsError> {
    match given {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, and at most 3600"
        )]
        Given::Number(number) if number.fract() == 0.0 && (f64::from(least)..=3_600.0).contains(number) => {
            Ok(*number as u32 * 1_000)
        }
        _ => Err(not_allowed(key, given, allowed)),
    }
}

fn attract(given: &Given) -> Result<Attract, OptionsError> {
    const LIST: &str = "a list of at most 20 texts";
    let mut attract = Attract::default();
    for (key, given) in object("kiosk.attract", given, ATTRACT_KEYS, "an object with title, text or prompts")?
    {
        match (key.as_str(), given) {
            (_, Given::Nothing) => {}
            ("title", given) => attract.title = Some(text("kiosk.attract.title", given)?),
            ("text", given) => attract.text = Some(text("kiosk.attract.text", given)?),
            ("prompts", Given::List(list)) if list.len() <= MAX_PROMPTS => {
                let prompts = list.iter().map(|given| text("kiosk.attract.prompts", given));
                attract.prompts = Some(prompts.collect::<Result<_, _>>()?);
            }
            (_, given) => return Err(not_allowed("kiosk.attract.prompts", given, LIST)),
        }
    }
    Ok(attract)
}

fn device(given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(key)
            if !key.is_empty()
                && key.len() <= MAX_DEVICE_BYTES
                && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(key.clone())
        }
        // It is a secret, and is not repeated.
        _ => Err(refused("kiosk.device", "this", "a device key, as chinwag-relay device new prints it")),
    }
}
