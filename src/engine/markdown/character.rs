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

/// Characters that turn the order of text around and so can make a label, an
/// address or a line of code read as something else than it is.
pub(super) fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

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

    #[test]
    fn letters_of_other_scripts_are_no_punctuation() {
        assert!("éßłЖ中かคअ٣ª²".chars().all(|character| !is_punctuation(character)));
        assert!("!“”…—€。、「」？→✓🎉".chars().all(is_punctuation));
    }
}
