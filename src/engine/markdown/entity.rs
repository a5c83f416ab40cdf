//! Character references: all numeric ones, and the named ones that people and
//! models write. The other two thousand names of HTML stay as they are typed.

use super::character::is_deceptive;

/// The longest name that is looked for, in bytes.
///
/// Stops the attack of many `&` before a long word, each of which would be
/// scanned to the word's end.
pub(super) const MAX_NAME: usize = 31;

/// The names of U+00A0 to U+00FF, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg \
plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc \
Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc \
Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig \
ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash \
ugrave uacute ucirc uuml yacute thorn yuml";

/// The names of the Greek letters from U+0391 and from U+03B1, in order; `-`
/// holds the place of a letter without a name.
const GREEK: &str = "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - \
Sigma Tau Upsilon Phi Chi Psi Omega - - - - - - - alpha beta gamma delta epsilon zeta eta theta iota kappa lambda \
mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega";

/// Other names, each before its character.
const OTHER: &str = "amp & lt < gt > quot \" apos ' hellip … mdash — ndash – lsquo ‘ rsquo ’ sbquo ‚ ldquo “ \
rdquo ” bdquo „ lsaquo ‹ rsaquo › bull • dagger † Dagger ‡ permil ‰ prime ′ Prime ″ euro € trade ™ larr ← uarr ↑ \
rarr → darr ↓ harr ↔ rArr ⇒ lArr ⇐ hArr ⇔ forall ∀ part ∂ exist ∃ empty ∅ nabla ∇ isin ∈ notin ∉ ni ∋ prod ∏ \
sum ∑ minus − lowast ∗ radic √ prop ∝ infin ∞ ang ∠ and ∧ or ∨ cap ∩ cup ∪ int ∫ there4 ∴ sim ∼ cong ≅ asymp ≈ \
ne ≠ equiv ≡ le ≤ ge ≥ sub ⊂ sup ⊃ sube ⊆ supe ⊇ oplus ⊕ otimes ⊗ perp ⊥ sdot ⋅ lceil ⌈ rceil ⌉ lfloor ⌊ \
rfloor ⌋ loz ◊ spades ♠ clubs ♣ hearts ♥ diams ♦ check ✓ cross ✗ star ☆ OElig Œ oelig œ Scaron Š scaron š Yuml Ÿ \
fnof ƒ circ ˆ tilde ˜ ensp \u{2002} emsp \u{2003} thinsp \u{2009} zwnj \u{200C} zwj \u{200D} lrm \u{200E} \
rlm \u{200F} num # dollar $ percnt % lpar ( rpar ) ast * plus + comma , period . sol / colon : semi ; equals = \
quest ? commat @ lsqb [ lbrack [ bsol \\ rsqb ] rbrack ] Hat ^ lowbar _ grave ` lbrace { lcub { vert | verbar | \
rbrace } rcub } excl ! Tab \t NewLine \n";

/// The reference at the start of `text`, which begins with `&`: its character
/// and how many bytes it takes.
pub(super) fn decode(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let end = body.bytes().take(MAX_NAME + 1).position(|byte| byte == b';')?;
    let name = body.get(..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => numeric(number)?,
        None => named(name)?,
    };
    Some((character, end + 2))
}

/// Whether `text`, which ends where the stream has got to, may be the
/// beginning of a reference. Names with a capital are left out: `R&D` and
/// `AT&T` are more common than half a `&Auml;`.
pub(super) fn is_begun(text: &str) -> bool {
    text.strip_prefix('&').is_some_and(|body| {
        body.len() <= MAX_NAME
            && body.starts_with(|first: char| first == '#' || first.is_ascii_lowercase())
            && body.bytes().all(|byte| byte == b'#' || byte.is_ascii_alphanumeric())
    })
}

fn numeric(number: &str) -> Option<char> {
    let (digits, radix, longest) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16, 6),
        None => (number, 10, 7),
    };
    // `from_str_radix` takes a sign; a reference does not.
    if digits.is_empty() || digits.len() > longest || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, radix).ok()?;
    let character = char::from_u32(value).filter(|&character| !is_deceptive(character));
    Some(character.unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn named(name: &str) -> Option<char> {
    if name.is_empty() || name == "-" {
        return None;
    }
    let in_order = |names: &str, first: u32| {
        let index = names.split(' ').position(|candidate| candidate == name)?;
        char::from_u32(first + u32::try_from(index).ok()?)
    };
    in_order(LATIN, 0xA0).or_else(|| in_order(GREEK, 0x391)).or_else(|| {
        let mut parts = OTHER.split(' ');
        while let Some(candidate) = parts.next() {
            let character = parts.next();
            if candidate == name {
                return character?.chars().next();
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_references_become_their_characters() {
        for (text, character) in [
            ("&nbsp;", '\u{A0}'),
            ("&yuml;", 'ÿ'),
            ("&Omega;", 'Ω'),
            ("&omega;", 'ω'),
            ("&sigmaf;", 'ς'),
            ("&amp;", '&'),
            ("&hellip;", '…'),
            ("&NewLine;", '\n'),
            ("&rbrace;", '}'),
        ] {
            assert_eq!(decode(text), Some((character, text.len())), "{text}");
        }
    }

    #[test]
    fn numeric_references_become_their_characters_and_never_deceptive_ones() {
        assert_eq!(decode("&#35;x"), Some(('#', 5)));
        assert_eq!(decode("&#X22;"), Some(('"', 6)));
        assert_eq!(decode("&#0;"), Some(('\u{FFFD}', 4)));
        assert_eq!(decode("&#xD800;"), Some(('\u{FFFD}', 8)));
        assert_eq!(decode("&#x202E;"), Some(('\u{FFFD}', 8)));
        assert_eq!(decode("&#x1b;"), Some(('\u{FFFD}', 6)));
        assert_eq!(decode("&#xE0041;"), Some(('\u{FFFD}', 9)));
        assert_eq!(decode("&#9999999;"), Some(('\u{FFFD}', 10)));
    }

    #[test]
    fn what_is_no_reference_stays() {
        for text in ["&", "&;", "&#;", "&#x;", "&#+1;", "&#12345678;", "&-;", "&hi?;", "&copy", "&unknown;"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
