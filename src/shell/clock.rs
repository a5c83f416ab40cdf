//! Time, frames, and fresh ids: what the engine must not make itself.

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use crate::engine::Moment;

/// The visitor's clock.
pub fn now() -> Moment {
    Moment(js_sys::Date::now())
}

/// Runs something before the next frame is painted. In a hidden page no frame
/// is painted, and it runs when the page is seen again.
pub fn in_next_frame(run: impl FnOnce() + 'static) {
    let Some(window) = web_sys::window() else { return };
    let callback = Closure::once_into_js(run);
    // A browser that refuses this has no window to paint either.
    let _ = window.request_animation_frame(callback.unchecked_ref());
}

/// A `UUIDv7` (RFC 9562): 48 bits of time, 74 random bits.
pub fn fresh_id() -> String {
    let mut bytes = [0_u8; 16];
    let crypto = web_sys::window().and_then(|window| window.crypto().ok());
    let filled = crypto.map(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    if !matches!(filled, Some(Ok(_))) {
        // Without the Web Crypto API; ids are unique per visitor and no secret.
        bytes.fill_with(random_byte);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ms since 1970 fit 48 bits")]
    let milliseconds = now().0 as u64;
    let mut out = String::with_capacity(36);
    for (place, random) in bytes.into_iter().enumerate() {
        let byte = match place {
            0..6 => milliseconds.to_be_bytes().get(place + 2).copied().unwrap_or_default(),
            6 => 0x70 | (random & 0x0F),
            8 => 0x80 | (random & 0x3F),
            _ => random,
        };
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.extend(
            [byte >> 4, byte & 0xF].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)),
        );
    }
    out
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn random_byte() -> u8 {
    (js_sys::Math::random() * 256.0) as u8
}

/// A wait with up to a fifth added at random, so that a crowd of widgets whose
/// relay went away does not return all at once.
pub fn with_jitter(milliseconds: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fifth of a wait")]
    let extra = (js_sys::Math::random() * f64::from(milliseconds) / 5.0) as u32;
    milliseconds.saturating_add(extra)
}
