//! The few facts about characters that the rules of emphasis and of link
//! labels need, without the tables of Unicode: exact for ASCII, by range for
//! the scripts and symbols that chats are written in.

/// White space in the sense of the flanking rules.
pub(super) fn is_white_space(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\u{B}' | '\u{C}' | '\r' | ' ' | '\u{A0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}'
    )
}

/// Punctuation or a symbol in the sense of the flanking rules.
pub(super) fn is_punctuation(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_punctuation();
    }
    matches!(character,
        '\u{A1}'..='\u{A9}' | '\u{AB}'..='\u{AC}' | '\u{AE}'..='\u{B1}' | '\u{B4}' | '\u{B6}'..='\u{B8}'
        | '\u{BB}' | '\u{BF}' | '\u{D7}' | '\u{F7}' | '\u{2C2}'..='\u{2C5}' | '\u{2D2}'..='\u{2DF}'
        | '\u{37E}' | '\u{387}' | '\u{55A}'..='\u{55F}' | '\u{589}' | '\u{5BE}' | '\u{5C0}' | '\u{5C3}'
        | '\u{5F3}' | '\u{5F4}' | '\u{609}'..='\u{60D}' | '\u{61B}' | '\u{61E}' | '\u{61F}'
        | '\u{66A}'..='\u{66D}' | '\u{6D4}' | '\u{964}' | '\u{965}' | '\u{970}' | '\u{E3F}' | '\u{E4F}'
        | '\u{10FB}' | '\u{17DB}' | '\u{1FBD}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}'
        | '\u{207A}'..='\u{207E}' | '\u{208A}'..='\u{208E}' | '\u{20A0}'..='\u{20C0}' | '\u{2100}'
        | '\u{2101}' | '\u{2103}'..='\u{2106}' | '\u{2116}'..='\u{2118}' | '\u{2120}'..='\u{2123}'
        | '\u{2190}'..='\u{244A}' | '\u{249C}'..='\u{24E9}' | '\u{2500}'..='\u{2775}'
        | '\u{2794}'..='\u{2BFF}' | '\u{2E00}'..='\u{2E5D}' | '\u{3001}'..='\u{3004}'
        | '\u{3008}'..='\u{3020}' | '\u{3030}' | '\u{303D}' | '\u{309B}' | '\u{309C}' | '\u{30A0}'
        | '\u{30FB}' | '\u{FE10}'..='\u{FE6B}' | '\u{FF01}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}'
        | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF65}' | '\u{FFE0}'..='\u{FFEE}'
        | '\u{FFFC}' | '\u{FFFD}' | '\u{1F000}'..='\u{1F0FF}' | '\u{1F10D}'..='\u{1FAFF}')
}

/// Characters that nobody sees and that no text needs: the controls, those that
/// turn the order of text around and so can make a label, an address or a line
/// of code read as something else than it is, invisible operators, marks of
/// annotation, and the tags that spell hidden ASCII.
pub(super) fn is_deceptive(character: char) -> bool {
    (character.is_control() && !matches!(character, '\t' | '\n'))
        || matches!(character,
            '\u{180E}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Every character that nobody sees, those included that some scripts need.
pub(super) fn is_invisible(character: char) -> bool {
    is_deceptive(character)
        || is_joiner(character)
        || is_selector(character)
        || matches!(
            character,
            '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}'
        )
}

/// What joins or parts letters without a sign of its own.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{34F}' | '\u{200B}'..='\u{200D}')
}

/// What chooses between the forms of the character before it.
fn is_selector(character: char) -> bool {
    matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Drops invisible characters where no script has a use for them. Stops text
/// that is copied, or read to another model, from carrying what the reader
/// never saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sieve {
    /// The last character that was let through.
    before: char,
    /// How many tags may follow it.
    tags: usize,
}

impl Sieve {
    /// Whether the next character of the text is let through.
    pub(super) fn passes(&mut self, character: char) -> bool {
        let before = self.before;
        // The flags of England, Scotland and Wales are spelt in tags.
        let is_tag = matches!(character, '\u{E0020}'..='\u{E007F}');
        let passes = match character {
            _ if is_tag => self.tags > 0,
            // Farsi, Khmer and emoji join and part; Latin letters and code do not.
            _ if is_joiner(character) => !before.is_ascii() && !is_joiner(before),
            _ if is_selector(character) => !is_selector(before) && !is_joiner(before),
            _ => !is_deceptive(character),
        };
        if passes {
            self.before = character;
            self.tags = match character {
                FLAG => MAX_TAGS,
                _ if is_tag => self.tags - 1,
                _ => 0,
            };
        }
        passes
    }
}

const FLAG: char = '\u{1F3F4}';
/// Those of the longest flag, with the one that ends it.
const MAX_TAGS: usize = 7;

/// Appends a character in the form in which labels are compared.
pub(super) fn push_folded(character: char, folded: &mut String) {
    let shifted = match character {
        'ß' | 'ẞ' => return folded.push_str("ss"),
        'ς' => 'σ',
        'A'..='Z' | 'À'..='Ö' | 'Ø'..='Þ' | 'Α'..='Ρ' | 'Σ'..='Ϋ' | 'А'..='Я' => {
            shift(character, 32)
        }
        'Ѐ'..='Џ' => shift(character, 80),
        // Latin Extended-A alternates, with the odd one first in two stretches.
        '\u{139}'..='\u{148}' | '\u{179}'..='\u{17E}' if u32::from(character) % 2 == 1 => shift(character, 1),
        '\u{100}'..='\u{137}' | '\u{14A}'..='\u{177}' if u32::from(character).is_multiple_of(2) => {
            shift(character, 1)
        }
        other => other,
    };
    folded.push(shifted);
}

fn shift(character: char, by: u32) -> char {
    char::from_u32(u32::from(character) + by).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_common_scripts_are_compared_without_case() {
        for (upper, lower) in [("ÀÉ", "àé"), ("ΑΓΩ", "αγω"), ("ТОЛПОЙ", "толпой"), ("ẞ", "SS"), ("ŁŻ", "łż")]
        {
            let (mut left, mut right) = (String::new(), String::new());
            upper.chars().for_each(|character| push_folded(character, &mut left));
            lower.chars().for_each(|character| push_folded(character, &mut right));
            assert_eq!(left, right);
        }
    }

    fn sieved(text: &str) -> String {
        let mut sieve = Sieve::default();
        text.chars().filter(|&character| sieve.passes(character)).collect()
    }

    #[test]
    fn invisible_characters_pass_only_where_a_script_needs_them() {
        let wales = "\u{1F3F4}\u{E0067}\u{E0062}\u{E0077}\u{E006C}\u{E0073}\u{E007F}";
        for kept in [
            "می\u{200C}خواهم",
            "👩\u{200D}💻",
            "👁\u{FE0F}\u{200D}🗨\u{FE0F}",
            "1\u{FE0F}\u{20E3}",
            "ភាសា\u{200B}ខ្មែរ",
            wales,
        ] {
            assert_eq!(sieved(kept), kept);
        }
        for (hidden, shown) in [
            ("pay\u{200B}pal\u{FEFF} \u{AD}x", "paypal x"),
            ("a\u{202E}b\u{2066}c\u{2069}\u{206A}", "abc"),
            ("a\u{E0041}\u{E0042}", "a"),
            ("é\u{200B}\u{200C}\u{200D}\u{200B}", "é\u{200B}"),
            ("e\u{FE0F}\u{FE01}\u{E0100}\u{E01EF}", "e\u{FE0F}"),
            ("\u{1B}[31m\u{8}\u{7F}\u{9B}a\tb", "[31ma\tb"),
        ] {
            assert_eq!(sieved(hidden), shown, "{hidden:?}");
        }
    }

    #[test]
    fn a_flag_hides_no_sentence_behind_it() {
        let hidden: String = "\u{1F3F4}".chars().chain("\u{E0041}".repeat(100).chars()).collect();
        assert_eq!(sieved(&hidden).chars().count(), 1 + MAX_TAGS);
        assert_eq!(sieved(&(hidden + "a\u{E0041}")).chars().count(), 2 + MAX_TAGS);
    }

    #[test]
    fn letters_of_other_scripts_are_no_punctuation() {
        assert!("éßłЖ中かคअ٣ª²".chars().all(|character| !is_punctuation(character)));
        assert!("!“”…—€。、「」？→✓🎉".chars().all(is_punctuation));
    }
}
