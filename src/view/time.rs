//! Times as the visitor reads them: in the language of the strings, in the hour
//! form of the browser where the two agree.

use std::time::Duration;

use js_sys::{Array, Date, Intl, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::scene::Scene;
use super::strings::{Form, Text};
use super::value::Value;
use crate::engine::Moment;

/// The language that is built in.
const ENGLISH: &str = "en";

/// The form of times and numbers in it for visitors whose browser speaks another
/// language.
const ENGLISH_ELSEWHERE: &str = "en-GB";

const DAY_MS: f64 = 86_400_000.0;

/// Silence after which a time is shown between two messages: half an hour.
const PAUSE_MS: f64 = 1_800_000.0;

/// The hour and minute.
pub(super) fn clock(scene: Scene, at: Moment) -> String {
    format(scene, at, &[("hour", "2-digit"), ("minute", "2-digit")])
}

/// The day in words, and the hour and minute.
pub(super) fn day_and_clock(scene: Scene, at: Moment, now: Moment) -> String {
    let days = (midnight(now) - midnight(at)) / DAY_MS;
    // Days are not all of 24 hours, so whole ones are looked for by rounding.
    match days.round() {
        0.0 => scene.text_with(Text::Today, &clock(scene, at)),
        1.0 => scene.text_with(Text::Yesterday, &clock(scene, at)),
        days if (2.0..7.0).contains(&days) => {
            format(scene, at, &[("weekday", "long"), ("hour", "2-digit"), ("minute", "2-digit")])
        }
        _ => format(
            scene,
            at,
            &[("day", "numeric"), ("month", "long"), ("hour", "2-digit"), ("minute", "2-digit")],
        ),
    }
}

/// How long ago something was, in words of the language: "2 hours ago".
pub(super) fn ago(scene: Scene, at: Moment, now: Moment) -> String {
    // From this many seconds on, the unit and its length in seconds.
    const UNITS: [(f64, &str, f64); 6] = [
        (31_536_000.0, "year", 31_536_000.0),
        (2_592_000.0, "month", 2_592_000.0),
        (604_800.0, "week", 604_800.0),
        (86_400.0, "day", 86_400.0),
        (3_600.0, "hour", 3_600.0),
        (60.0, "minute", 60.0),
    ];
    // A clock that runs behind would put it into the future.
    let seconds = ((now.0 - at.0) / 1_000.0).max(0.0);
    let unit = UNITS.into_iter().find(|(from, ..)| seconds >= *from);
    let (_, unit, length) = unit.unwrap_or((0.0, "second", f64::INFINITY));
    let options = Object::new();
    // Defining a property of a plain object that was just made cannot fail.
    let _ = Reflect::set(&options, &JsValue::from_str("numeric"), &JsValue::from_str("auto"));
    let words = Intl::RelativeTimeFormat::new(&Array::of1(&JsValue::from_str(&locale(scene))), &options);
    words.format(-(seconds / length).floor(), unit).into()
}

/// Day and time in full, to be kept.
pub(super) fn full(scene: Scene, at: Moment) -> String {
    let day = [("day", "numeric"), ("month", "long"), ("year", "numeric")];
    let clock = [("hour", "2-digit"), ("minute", "2-digit")];
    format(scene, at, &[day.as_slice(), clock.as_slice()].concat())
}

/// The same for programs: ISO 8601, in UTC.
pub(super) fn iso(at: Moment) -> String {
    Date::new(&JsValue::from_f64(at.0)).to_iso_string().into()
}

/// Whether a time belongs before a message.
pub(super) fn is_pause(before: Option<Moment>, at: Moment) -> bool {
    before.is_none_or(|before| at.0 - before.0 > PAUSE_MS)
}

/// Counts the seconds until a moment, for as long as the surrounding owner lives.
pub(super) fn count_down(until: Option<Moment>, left: Value<usize>) {
    left.set(seconds_until(until));
    if left.peek() > 0 {
        let tick = move || {
            left.set(seconds_until(until));
        };
        if let Ok(handle) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || handle.clear());
        }
    }
}

fn seconds_until(until: Option<Moment>) -> usize {
    let wait = until.map_or(0.0, |until| until.0 - now().0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` holds it within the bounds"
    )]
    let seconds = (wait / 1_000.0).ceil() as usize;
    seconds
}

/// Whether two moments are of one day, where the visitor is.
pub(super) fn is_same_day(one: Moment, other: Moment) -> bool {
    midnight(one).to_bits() == midnight(other).to_bits()
}

/// What a clock shows that counts down: minutes and seconds.
pub(super) fn countdown(seconds: usize) -> String {
    let rest = seconds % 60;
    let mut out = (seconds / 60).to_string();
    out.push_str(if rest < 10 { ":0" } else { ":" });
    out.push_str(&rest.to_string());
    out
}

/// A number with its separators.
pub(super) fn number(scene: Scene, value: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of characters and messages")]
    let value = js_sys::Number::from(value as f64);
    value.to_locale_string(&locale(scene)).into()
}

/// A size in megabytes of a million bytes, cut to a whole one above the first.
pub(super) fn megabytes(scene: Scene, bytes: u64) -> String {
    let (value, unit) =
        if bytes < 1_000_000 { (bytes / 1_000, "kilobyte") } else { (bytes / 1_000_000, "megabyte") };
    let options = Object::new();
    for (name, value) in [("style", "unit"), ("unit", unit)] {
        // Defining a property of a plain object that was just made cannot fail.
        let _ = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    #[expect(clippy::cast_precision_loss, reason = "sizes of files")]
    let value = js_sys::Number::from(value as f64);
    let locales = Array::of1(&JsValue::from_str(&locale(scene)));
    let format = Intl::NumberFormat::new(&locales, &options).format();
    let words = format.call1(&JsValue::UNDEFINED, &value).ok().and_then(|words| words.as_string());
    words.unwrap_or_default()
}

/// A text that depends on a number, with the number in it.
pub(super) fn count(scene: Scene, text: Text, value: usize) -> String {
    let locales = js_sys::Array::of1(&JsValue::from_str(&locale(scene)));
    let rules = js_sys::Intl::PluralRules::new(&locales, &Object::new());
    #[expect(clippy::cast_precision_loss, reason = "counts of characters and messages")]
    let category = String::from(rules.select(value as f64));
    scene.words().form(text, Form::named(&category)).replacen('%', &number(scene, value), 1)
}

/// Now, on the visitor's clock.
pub(super) fn now() -> Moment {
    Moment(Date::now())
}

fn midnight(at: Moment) -> f64 {
    let date = Date::new(&JsValue::from_f64(at.0));
    date.set_hours(0);
    date.set_minutes(0);
    date.set_seconds(0);
    date.set_milliseconds(0);
    date.get_time()
}

fn format(scene: Scene, at: Moment, fields: &[(&str, &str)]) -> String {
    let options = Object::new();
    for (name, value) in fields {
        // Defining a property of a plain object that was just made cannot fail.
        let _ = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    Date::new(&JsValue::from_f64(at.0)).to_locale_string(&locale(scene), &options).into()
}

/// The language of times and numbers: that of the words. If the browser's own is
/// a kind of it, then that one: it tells whether hours are counted to 12 or to 24.
fn locale(scene: Scene) -> String {
    let words = scene.words();
    let language = if words.locale.is_empty() { ENGLISH } else { words.locale.as_str() };
    let own = window().navigator().language();
    own.filter(|own| own.starts_with(language))
        .unwrap_or_else(|| if language == ENGLISH { ENGLISH_ELSEWHERE } else { language }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_has_two_digits_of_seconds() {
        assert_eq!(
            [countdown(0), countdown(9), countdown(24), countdown(61)],
            ["0:00", "0:09", "0:24", "1:01"]
        );
    }

    #[test]
    fn a_time_stands_above_the_first_message_and_after_a_pause() {
        let at = |minutes: f64| Moment(minutes * 60_000.0);
        assert!(is_pause(None, at(0.0)));
        assert!(!is_pause(Some(at(0.0)), at(30.0)));
        assert!(is_pause(Some(at(0.0)), at(31.0)));
    }
}
