//! A colour that a page gave, and what follows from it: text on it, text in it,
//! a soft shade of it. Everything is derived by contrast (WCAG 2.2, 1.4.3), so
//! that any accent can be read.

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

/// Least contrast of text: that of WCAG AA, and a little for the approximation.
const READABLE: f64 = 4.55;

impl Color {
    /// White.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    /// The darkest text of the light theme.
    pub const INK: Self = Self { red: 0x0B, green: 0x12, blue: 0x10 };

    /// The dark theme's surface.
    pub const DARK_SURFACE: Self = Self { red: 0x16, green: 0x1A, blue: 0x19 };

    /// Reads `#rgb` or `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        let add = |number: u32, digit: char| Some(number << 4 | digit.to_digit(16)?);
        let number = digits.chars().try_fold(0, add)?;
        match digits.len() {
            3 => {
                let widen = |shift: u32| byte(number >> shift & 0xF) * 17;
                Some(Self { red: widen(8), green: widen(4), blue: widen(0) })
            }
            6 => Some(Self { red: byte(number >> 16), green: byte(number >> 8), blue: byte(number) }),
            _ => None,
        }
    }

    /// The colour as `#rrggbb`.
    pub fn to_css(self) -> String {
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        let mut out = String::from("#");
        for channel in [self.red, self.green, self.blue] {
            for digit in [channel >> 4, channel & 0xF] {
                out.extend(DIGITS.get(usize::from(digit)));
            }
        }
        out
    }

    /// Contrast with another colour, from 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if a > b { a / b } else { b / a }
    }

    /// The one of white and ink that reads better on this colour.
    #[must_use]
    pub fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::INK).min(READABLE) {
            Self::WHITE
        } else {
            Self::INK
        }
    }

    /// This colour, moved towards `end` until it can be read on `surface`.
    #[must_use]
    pub fn readable_on(self, surface: Self, end: Self) -> Self {
        (0..=20_u8)
            .map(|step| self.mix(end, f64::from(step) / 20.0))
            .find(|color| color.contrast(surface) >= READABLE)
            .unwrap_or(end)
    }

    /// A share of `other`, from 0 to 1, mixed in.
    #[must_use]
    pub fn mix(self, other: Self, share: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        let channel = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share + 0.5) as u8;
        Self {
            red: channel(self.red, other.red),
            green: channel(self.green, other.green),
            blue: channel(self.blue, other.blue),
        }
    }

    fn luminance(self) -> f64 {
        let channel = |value: u8| {
            let share = f64::from(value) / 255.0;
            // The standard's curve to a thousandth, without the code of a general power.
            share * (share * (share * 0.305_306 + 0.682_171) + 0.012_523)
        };
        0.2126 * channel(self.red) + 0.7152 * channel(self.green) + 0.0722 * channel(self.blue)
    }
}

fn byte(number: u32) -> u8 {
    u8::try_from(number & 0xFF).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        Color::parse(text).unwrap()
    }

    #[test]
    fn colours_are_read_and_written() {
        assert_eq!(color("#0b6e69").to_css(), "#0b6e69");
        assert_eq!(color("#Fa0").to_css(), "#ffaa00");
        for bad in ["", "0b6e69", "#12", "#12345", "#1234567", "#ggg", "red", "url(x)", "#+ff", "#ääf"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag_within_a_fiftieth() {
        assert!((Color::WHITE.contrast(color("#000")) - 21.0).abs() < 0.01);
        assert!((color("#767676").contrast(Color::WHITE) - 4.54).abs() < 0.02);
    }

    #[test]
    fn any_accent_can_be_read() {
        let dark = color("#161a19");
        for accent in ["#0b6e69", "#ffff00", "#000000", "#ffffff", "#808080", "#ff0000", "#7f7fff", "#00ff00"]
        {
            let accent = color(accent);
            assert!(accent.contrast(accent.text_on()) >= READABLE, "text on {}", accent.to_css());
            assert!(accent.readable_on(Color::WHITE, Color::INK).contrast(Color::WHITE) >= READABLE);
            let light = accent.readable_on(dark, Color::WHITE);
            assert!(light.contrast(dark) >= READABLE, "{} on dark", accent.to_css());
        }
    }
}
