//! Text into terms: where words begin and end, how they are folded, and which
//! of them count as the same word.
//!
//! Documents and questions go through the same steps, so the steps need not be
//! right about a word, only consistent.

use std::collections::HashMap;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RawTokenizer, Stemmer, TextAnalyzer, TokenStream,
};

use super::lexicon;

/// A word longer than this is data, not language.
const MAX_WORD_CHARS: usize = 40;
/// Words remembered before the memory starts afresh; bounds what a folder of
/// generated text can take.
const MAX_REMEMBERED: usize = 50_000;

/// One term of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Lower-case, without accents.
    pub(crate) plain: String,
    /// `plain`, with spelling variants joined, without its ending.
    pub(crate) stem: String,
    /// Which word of the text it is; parts of one word follow one another.
    pub(crate) position: usize,
    /// Whether it is a compound whose parts are terms as well.
    pub(crate) joined: bool,
}

/// Folds and stems words, remembering those that it has seen.
pub(crate) struct Analyzer {
    fold: TextAnalyzer,
    english: TextAnalyzer,
    remembered: HashMap<String, (String, String)>,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Analyzer").field("remembered", &self.remembered.len()).finish_non_exhaustive()
    }
}

impl Analyzer {
    pub(crate) fn new() -> Self {
        let fold = TextAnalyzer::builder(RawTokenizer::default())
            .filter(LowerCaser)
            .filter(AsciiFoldingFilter)
            .build();
        let english =
            TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(Language::English)).build();
        Self { fold, english, remembered: HashMap::new() }
    }

    /// The terms of a document, in order, with what its names are short for.
    pub(crate) fn tokens(&mut self, text: &str) -> Vec<Token> {
        self.read(text, true)
    }

    /// The terms of a question, in order.
    pub(crate) fn words(&mut self, text: &str) -> Vec<Token> {
        self.read(text, false)
    }

    fn read(&mut self, text: &str, with_initials: bool) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut position = 0;
        let mut initials = Initials::default();
        for (start, word) in compounds(text) {
            let parts = parts(word);
            if let Some(acronym) = initials.next(text, start, word, &parts).filter(|_| with_initials) {
                let mut at = position;
                self.push(&mut tokens, &acronym, &mut at, true);
            }
            if let [only] = parts.as_slice() {
                self.push(&mut tokens, only, &mut position, false);
                continue;
            }
            for part in &parts {
                self.push(&mut tokens, part, &mut position, false);
            }
            let mut at = position.saturating_sub(1);
            self.push(&mut tokens, &parts.concat(), &mut at, true);
        }
        if let Some(acronym) = initials.end().filter(|_| with_initials) {
            self.push(&mut tokens, &acronym, &mut position, true);
        }
        tokens
    }

    /// The stem of a single word.
    pub(crate) fn stem(&mut self, word: &str) -> String {
        self.forms(word).1
    }

    fn push(&mut self, tokens: &mut Vec<Token>, word: &str, position: &mut usize, joined: bool) {
        for piece in pieces(word) {
            let (plain, stem) = self.forms(&piece);
            if !plain.is_empty() {
                tokens.push(Token { plain, stem, position: *position, joined });
                *position += 1;
            }
        }
    }

    /// A word, folded and stemmed.
    fn forms(&mut self, word: &str) -> (String, String) {
        if let Some(known) = self.remembered.get(word) {
            return known.clone();
        }
        let plain: String = first_token(&mut self.fold, word).chars().take(MAX_WORD_CHARS).collect();
        let plain = plain.strip_suffix("'s").unwrap_or(&plain).replace('\'', "");
        let base = lexicon::base_form(&plain).map_or_else(|| one_spelling(&plain), str::to_owned);
        let stem = first_token(&mut self.english, &base);
        if self.remembered.len() >= MAX_REMEMBERED {
            self.remembered.clear();
        }
        self.remembered.insert(word.to_owned(), (plain.clone(), stem.clone()));
        (plain, stem)
    }
}

fn first_token(analyzer: &mut TextAnalyzer, word: &str) -> String {
    let mut stream = analyzer.token_stream(word);
    if stream.advance() { stream.token().text.clone() } else { String::new() }
}

/// Spells out what is often asked for by its initials: "Content Security
/// Policy" is also `csp`, and "European Union" is also `eu`.
#[derive(Default)]
struct Initials {
    letters: String,
    /// Where the last capitalised word ended.
    end: usize,
}

impl Initials {
    /// Takes the next word, and gives the initials that ended before it.
    fn next(&mut self, text: &str, start: usize, word: &str, parts: &[String]) -> Option<String> {
        let is_name = |part: &String| {
            let mut characters = part.chars();
            characters.next().is_some_and(char::is_uppercase)
                && characters.next().is_some_and(char::is_lowercase)
        };
        // `WebAssembly` is one name, `Content-Security-Policy` are three.
        let is_named = parts.iter().all(is_name) && (parts.len() == 1 || word.contains('-'));
        let between = text.get(self.end..start).unwrap_or_default();
        let goes_on = !between.is_empty() && between.chars().all(|c| c == ' ');
        let done = if goes_on && is_named { None } else { self.end() };
        // "The European Union" begins with no name.
        let is_article = self.letters.is_empty() && lexicon::is_stop_word(&word.to_lowercase());
        if is_named && !is_article {
            self.letters.extend(parts.iter().filter_map(|part| part.chars().next()));
            self.end = start + word.len();
        }
        done
    }

    fn end(&mut self) -> Option<String> {
        let letters = std::mem::take(&mut self.letters);
        (2..=5).contains(&letters.chars().count()).then(|| letters.to_lowercase())
    }
}

/// The words of a text, each with where it begins; a word with hyphens or
/// apostrophes in it is one.
fn compounds(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive(|c: char| !(c.is_alphanumeric() || is_inner(c))).filter_map(move |piece| {
        let start = at;
        at += piece.len();
        let word = piece.trim_end_matches(|c: char| !(c.is_alphanumeric() || is_inner(c)));
        let trimmed = word.trim_start_matches(is_inner);
        let start = start + word.len() - trimmed.len();
        let trimmed = trimmed.trim_end_matches(is_inner);
        (!trimmed.is_empty()).then_some((start, trimmed))
    })
}

fn is_inner(c: char) -> bool {
    matches!(c, '-' | '\'' | '\u{2019}' | '\u{2010}' | '\u{2011}')
}

/// The words in a compound: `pour-over` and `colorScheme` have two.
fn parts(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = ' ';
    let mut characters = word.chars().peekable();
    while let Some(c) = characters.next() {
        if matches!(c, '-' | '\u{2010}' | '\u{2011}') {
            parts.push(String::new());
            before = ' ';
            continue;
        }
        let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        let hump = c.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_is_lower));
        if hump {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(if c == '\u{2019}' { '\'' } else { c });
        }
        before = c;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// A word of a script without spaces, as pairs of characters; any other as it is.
fn pieces(word: &str) -> Vec<String> {
    if !word.chars().any(is_unspaced) {
        return vec![word.to_owned()];
    }
    let mut pieces = Vec::new();
    let mut run = String::new();
    let mut before: Option<char> = None;
    let mut alone = false;
    for c in word.chars() {
        if is_unspaced(c) {
            if !run.is_empty() {
                pieces.push(std::mem::take(&mut run));
            }
            if let Some(first) = before {
                pieces.push([first, c].iter().collect());
                alone = false;
            } else {
                alone = true;
            }
            before = Some(c);
        } else {
            if let (true, Some(single)) = (alone, before) {
                pieces.push(single.to_string());
            }
            (before, alone) = (None, false);
            run.push(c);
        }
    }
    if let (true, Some(single)) = (alone, before) {
        pieces.push(single.to_string());
    }
    if !run.is_empty() {
        pieces.push(run);
    }
    pieces
}

/// Han, kana and Thai are written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2FA1F)
}

/// Joins British and American spellings. It may maim a word that only looks
/// like one; it maims it alike on both sides.
fn one_spelling(word: &str) -> String {
    if !word.is_ascii() || word.len() < 5 {
        return word.to_owned();
    }
    let swap = |old: &str, new: &str, least: usize| {
        word.strip_suffix(old).filter(|rest| rest.len() >= least).map(|rest| format!("{rest}{new}"))
    };
    for ending in ["", "s", "ed", "ing", "ful", "less", "able", "ite", "ites", "al", "hood"] {
        if let Some(found) = swap(&format!("our{ending}"), &format!("or{ending}"), 2) {
            return found;
        }
    }
    for ending in ["e", "ed", "es", "ing", "er", "ers", "ation", "ations"] {
        for (old, new) in [("is", "iz"), ("ys", "yz")] {
            if let Some(found) = swap(&format!("{old}{ending}"), &format!("{new}{ending}"), 4) {
                return found;
            }
        }
    }
    for (old, new) in [("elled", "eled"), ("elling", "eling"), ("eller", "eler"), ("ellation", "elation")] {
        if let Some(found) = swap(old, new, 3) {
            return found;
        }
    }
    for (old, new) in [("tre", "ter"), ("tres", "ters"), ("ogue", "og"), ("ogues", "ogs")] {
        if let Some(found) = swap(old, new, 2) {
            return found;
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(text: &str) -> Vec<String> {
        Analyzer::new().tokens(text).into_iter().map(|token| token.stem).collect()
    }

    #[test]
    fn spellings_of_both_sides_of_the_ocean_are_one_word() {
        for (one, other) in [
            ("colours", "color"),
            ("behaviour", "behaviors"),
            ("customised", "customize"),
            ("cancelled", "canceling"),
            ("grey", "gray"),
            ("licence", "licensing"),
            ("centre", "centers"),
            ("cancellation", "cancel"),
        ] {
            assert_eq!(stems(one), stems(other), "{one} and {other}");
        }
        assert_ne!(stems("called"), stems("color"));
    }

    #[test]
    fn a_compound_is_found_whole_and_in_parts() {
        assert_eq!(stems("colorScheme"), ["color", "scheme", "colorschem"]);
        let plain: Vec<String> =
            Analyzer::new().tokens("pour-over e-mail APIKey").into_iter().map(|token| token.plain).collect();
        assert_eq!(plain, ["pour", "over", "pourover", "e", "mail", "email", "api", "key", "apikey"]);
    }

    #[test]
    fn names_are_found_by_their_initials() {
        let plain = |text: &str| -> Vec<String> {
            let tokens = Analyzer::new().tokens(text);
            tokens.into_iter().filter(|token| token.joined).map(|token| token.plain).collect()
        };
        assert_eq!(plain("In the European Union we"), ["eu"]);
        assert_eq!(plain("The Content Security Policy."), ["csp"]);
        assert!(plain("Content-Security-Policy").contains(&"csp".to_owned()));
        assert_eq!(plain("Paris. Rome, Oslo"), [""; 0]);
        assert_eq!(plain("one Two three"), [""; 0]);
    }

    #[test]
    fn accents_apostrophes_and_case_do_not_matter() {
        assert_eq!(stems("Café’s CAFÉ cafe"), ["cafe", "cafe", "cafe"]);
        assert_eq!(stems("Straße"), stems("strasse"));
    }

    #[test]
    fn scripts_without_spaces_are_read_in_pairs() {
        assert_eq!(stems("配色設定"), ["配色", "色設", "設定"]);
        assert_eq!(stems("水 v2"), ["水", "v2"]);
        assert_eq!(stems("設定API"), ["設定", "api"]);
    }

    #[test]
    fn marks_alone_are_no_words() {
        assert_eq!(stems("-- ' ... 🎉 —"), Vec::<String>::new());
    }
}
