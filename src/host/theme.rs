//! The page's wishes about looks, as custom properties and attributes of the
//! widget's element. `style/tokens.css` says what each of them does.

use web_sys::HtmlElement;

use super::color::Color;
use super::options::{Options, Scheme, Theme, Token, mode_name};
use super::value::write_number;

/// Puts the looks on the element; what is not asked for is taken off again.
pub fn apply(element: &HtmlElement, options: &Options) {
    // Setting an attribute to a plain text cannot fail.
    let _ = element.set_attribute("data-position", options.position.as_str());
    let _ = element.set_attribute("data-mode", mode_name(options.config.mode));
    if options.theme.scheme != Scheme::Auto {
        let _ = element.set_attribute("data-scheme", options.theme.scheme.as_str());
    }
    for (name, value) in properties(options) {
        let style = element.style();
        // By the CSS object model: a style attribute would need the page's CSP
        // to allow inline styles.
        let _ = match value {
            Some(value) => style.set_property(name, &value).map(drop),
            None => style.remove_property(name).map(drop),
        };
    }
}

fn properties(options: &Options) -> Vec<(&'static str, Option<String>)> {
    let pixels = |number: f64| {
        let mut out = write_number(number);
        out.push_str("px");
        out
    };
    let mut properties = vec![
        ("--cw-radius", options.theme.radius.map(pixels)),
        ("--cw-offset-x", options.offset.map(|(x, _)| pixels(x))),
        ("--cw-offset-y", options.offset.map(|(_, y)| pixels(y))),
        ("--cw-z", options.z_index.map(|index| index.to_string())),
    ];
    properties.extend(accent_properties(&options.theme));
    properties
}

/// The tokens that the page set one by one, as a sheet for the shadow root: only
/// a sheet can hold two values for two schemes. Every value was checked when the
/// options were read.
pub fn sheet(theme: &Theme) -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for Token { property, value, dark: in_dark } in &theme.tokens {
        if !value.is_empty() {
            declare(&mut light, property, value);
        }
        if let Some(value) = in_dark {
            declare(&mut dark, property, value);
        }
    }
    let mut sheet = String::new();
    for (before, declarations, after) in [
        (":host{", &light, "}"),
        (":host([data-scheme=\"dark\"]){", &dark, "}"),
        ("@media (prefers-color-scheme: dark){:host([data-scheme=\"auto\"]){", &dark, "}}"),
    ] {
        if !declarations.is_empty() {
            sheet.extend([before, declarations, after]);
        }
    }
    sheet
}

/// Important, so that what a page says to `init` counts more than what stands in
/// its style sheets.
fn declare(out: &mut String, property: &str, value: &str) {
    out.extend([property, ":", value, "!important;"]);
}

fn accent_properties(theme: &Theme) -> [(&'static str, Option<String>); 8] {
    let light = theme.accent.map(|accent| Shades::on(accent, Color::WHITE, Color::INK));
    let dark = theme.accent.map(|accent| {
        // In the dark a deep accent would be a hole: it is lifted until it reads.
        Shades::on(accent.readable_on(Color::DARK_SURFACE, Color::WHITE), Color::DARK_SURFACE, Color::WHITE)
    });
    let css =
        |shades: Option<&Shades>, pick: fn(&Shades) -> Color| shades.map(|shades| pick(shades).to_css());
    let (light, dark) = (light.as_ref(), dark.as_ref());
    [
        ("--cw-accent", css(light, |shades| shades.accent)),
        ("--cw-on-accent", css(light, |shades| shades.on_accent)),
        ("--cw-accent-soft", css(light, |shades| shades.soft)),
        ("--cw-accent-text", css(light, |shades| shades.text)),
        ("--cw-accent-dark", css(dark, |shades| shades.accent)),
        ("--cw-on-accent-dark", css(dark, |shades| shades.on_accent)),
        ("--cw-accent-soft-dark", css(dark, |shades| shades.soft)),
        ("--cw-accent-text-dark", css(dark, |shades| shades.text)),
    ]
}

/// What follows from one accent on one surface.
struct Shades {
    accent: Color,
    on_accent: Color,
    soft: Color,
    text: Color,
}

impl Shades {
    fn on(accent: Color, surface: Color, end: Color) -> Self {
        let soft = surface.mix(accent, 0.12);
        // Accent text stands on the soft shade as well, which is the harder of the two.
        Self { accent, on_accent: accent.text_on(), soft, text: accent.readable_on(soft, end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_for_the_dark_stands_where_it_is_dark() {
        let token = |property: &str, value: &str, dark: Option<&str>| Token {
            property: property.to_owned(),
            value: value.to_owned(),
            dark: dark.map(str::to_owned),
        };
        let mut theme = Theme::default();
        assert_eq!(sheet(&theme), "");
        theme.tokens = vec![token("--cw-a", "1px", None), token("--cw-b", "#fff", Some("#000"))];
        assert_eq!(
            sheet(&theme),
            ":host{--cw-a:1px!important;--cw-b:#fff!important;}\
             :host([data-scheme=\"dark\"]){--cw-b:#000!important;}\
             @media (prefers-color-scheme: dark){:host([data-scheme=\"auto\"]){--cw-b:#000!important;}}"
        );
    }
}
