//! Reads a question: each word becomes what the documents have for it, with how
//! much it narrows the answer down.

use std::collections::HashSet;

use super::super::analysis::{Analyzer, Token};
use super::super::lexicon;
use super::super::meaning::Meaning;
use super::{Concept, Understood, Vocabulary, as_f32};

/// Words of a question beyond these are not read.
const MAX_QUESTION_WORDS: usize = 64;
/// How well a word of nearly the same meaning stands for the word itself.
pub(super) const SYNONYM: f32 = 0.65;
/// How well a corrected word stands for the one that was written.
const SLIP: f32 = 0.75;
/// How well a word of the same beginning stands for the word itself.
const RELATIVE: f32 = 0.6;
/// A word tells little if more than this part of all sections have it.
const COMMON: f32 = 0.4;

impl Vocabulary {
    /// Reads a question. `context` is what was asked before; its words count
    /// for half, and only where the question needs them.
    pub(crate) fn understand(&self, question: &str, context: Option<&str>) -> Understood {
        let mut analyzer = Analyzer::new();
        let phrase = analyzer
            .words(question)
            .iter()
            .take(MAX_QUESTION_WORDS)
            .map(|token| self.stems.get(&token.stem).copied())
            .collect();
        let mut understood = Understood { phrase, ..Understood::default() };
        self.add_concepts(&mut understood, &mut analyzer, question, 1.0);
        if let Some(context) = context {
            self.add_concepts(&mut understood, &mut analyzer, context, 0.5);
        }
        let is_english = |token: &Token| lexicon::is_english_stop_word(&token.plain);
        understood.is_english = analyzer.words(question).iter().any(is_english);
        let meaning = Meaning::of(question);
        understood.meaning = match (meaning, context.and_then(Meaning::of)) {
            (Some(asked), Some(before)) => asked.with(&before, 0.5),
            (asked, before) => asked.or(before),
        };
        for word in lexicon::hints(&question.to_lowercase()) {
            understood.hints.extend(self.stems.get(&analyzer.stem(word)));
        }
        understood
    }

    fn add_concepts(&self, into: &mut Understood, analyzer: &mut Analyzer, text: &str, share: f32) {
        let mut tokens = analyzer.words(text);
        tokens.truncate(MAX_QUESTION_WORDS);
        self.prefer_compounds(&mut tokens);
        self.join_neighbours(analyzer, &mut tokens);
        let mut known: HashSet<u32> =
            into.concepts.iter().filter_map(|concept| concept.forms.first()).map(|(stem, _)| *stem).collect();
        let mut unknown = HashSet::new();
        for token in &tokens {
            let is_letter = token.plain.len() < 2 && token.plain.is_ascii();
            if lexicon::is_stop_word(&token.plain) || is_letter {
                continue;
            }
            let is_weak = [&token.plain, &token.stem].into_iter().any(|word| lexicon::is_weak_word(word));
            let importance = share * if is_weak { 0.25 } else { 1.0 };
            for mut concept in self.concepts_of(analyzer, token, importance) {
                concept.is_telling &= !is_weak;
                let is_new = match concept.forms.first() {
                    Some((stem, _)) => known.insert(*stem),
                    None => !is_weak && unknown.insert(token.stem.clone()),
                };
                if is_new {
                    into.concepts.push(concept);
                }
            }
        }
    }

    /// `back up` is `backup` and `web site` is `website`, if the documents
    /// write them so.
    fn join_neighbours(&self, analyzer: &mut Analyzer, tokens: &mut Vec<Token>) {
        let mut at = 0;
        while let Some([left, right]) = tokens.get(at..at + 2) {
            let joined = format!("{}{}", left.plain, right.plain);
            if !left.joined && !right.joined && joined.len() >= 5 && self.words.contains_key(&joined) {
                let stem = analyzer.stem(&joined);
                let token = Token { plain: joined, stem, position: left.position, joined: true };
                tokens.splice(at..at + 2, [token]);
            }
            at += 1;
        }
    }

    /// Drops the parts of a compound that the documents know whole, and a
    /// compound that they do not.
    fn prefer_compounds(&self, tokens: &mut Vec<Token>) {
        let whole: Vec<String> = tokens
            .iter()
            .filter(|token| token.joined && self.stems.contains_key(&token.stem))
            .map(|token| token.plain.clone())
            .collect();
        tokens.retain(|token| {
            if token.joined {
                whole.contains(&token.plain)
            } else {
                !whole.iter().any(|whole| whole.len() > token.plain.len() && is_part(whole, &token.plain))
            }
        });
    }

    fn concepts_of(&self, analyzer: &mut Analyzer, token: &Token, importance: f32) -> Vec<Concept> {
        let mut forms: Vec<(u32, f32)> = Vec::new();
        if let Some(stem) = self.stems.get(&token.stem) {
            forms.push((*stem, 1.0));
        }
        self.add_synonyms(&mut forms, &token.stem, 1.0);
        let mut is_guessed = false;
        let mut is_ordinary = self.synonyms.contains_key(&token.stem);
        if forms.is_empty() {
            if let Some((left, right)) = self.two_words(&token.plain) {
                return [left, right].map(|stem| self.concept(importance, vec![(stem, 1.0)])).into();
            }
            for stem in self.relatives(&token.plain) {
                forms.push((stem, RELATIVE));
            }
            if let Some(stem) = self.misspelt(&token.plain).filter(|_| forms.is_empty()) {
                let (text, _) = self.frequencies.get(stem as usize).cloned().unwrap_or_default();
                forms.push((stem, SLIP));
                is_guessed = token.plain.chars().count() <= 6;
                self.add_synonyms(&mut forms, &analyzer.stem(&text), SLIP);
            }
            let ordinary = Slip::of(&token.plain).and_then(|slip| slip.ordinary());
            if let Some(ordinary) = ordinary.filter(|_| forms.is_empty()) {
                if lexicon::is_stop_word(ordinary) || lexicon::is_weak_word(ordinary) {
                    return Vec::new();
                }
                is_ordinary = true;
                self.add_synonyms(&mut forms, &analyzer.stem(ordinary), SLIP);
            }
        }
        // A word that the documents have only by its meaning says less.
        let by_meaning = if forms.first().is_some_and(|(_, factor)| *factor < 1.0) { 0.85 } else { 1.0 };
        // A word that the documents do not know speaks against them, the less
        // so if it is one that people ask with whatever they ask about.
        let doubt = match (forms.is_empty(), is_ordinary) {
            (false, _) => 1.0,
            (true, false) => 0.75,
            (true, true) => 0.35,
        };
        let mut concept = self.concept(importance * doubt * by_meaning, forms);
        // What was only guessed is no evidence.
        concept.is_telling &= !is_guessed;
        vec![concept]
    }

    fn add_synonyms(&self, forms: &mut Vec<(u32, f32)>, stem: &str, share: f32) {
        forms.extend(self.synonyms.get(stem).into_iter().flatten().map(|near| (*near, SYNONYM * share)));
    }

    fn concept(&self, importance: f32, forms: Vec<(u32, f32)>) -> Concept {
        let with = self.sections_with(&forms);
        let is_telling = with <= 3.0 || with <= COMMON * as_f32(self.count);
        Concept { weight: importance * self.rarity(with), is_telling, forms }
    }

    /// How many sections have a word: its own count, or that of its commonest
    /// synonym if it has none. A synonym does not make a rare word a common one.
    fn sections_with(&self, forms: &[(u32, f32)]) -> f32 {
        let counts = |exact: bool| {
            forms
                .iter()
                .filter(move |(_, factor)| (*factor >= 1.0) == exact)
                .filter_map(|(stem, _)| self.frequencies.get(*stem as usize))
                .map(|(_, count)| *count)
                .max()
        };
        as_f32(counts(true).or_else(|| counts(false)).unwrap_or(0) as usize)
    }

    /// The weight of a word by how few sections have it.
    fn rarity(&self, with: f32) -> f32 {
        let all = as_f32(self.count);
        ((all - with + 0.5) / (with + 0.5)).max(0.0).ln_1p().max(0.1)
    }

    /// `pourover` is `pour over`, if the documents know both.
    fn two_words(&self, word: &str) -> Option<(u32, u32)> {
        if !word.is_ascii() || word.len() < 6 {
            return None;
        }
        (3..=word.len() - 3).find_map(|at| {
            let (left, right) = word.split_at_checked(at)?;
            if lexicon::is_stop_word(left) || lexicon::is_stop_word(right) {
                return None;
            }
            Some((*self.words.get(left)?, *self.words.get(right)?))
        })
    }

    /// Known words that begin as this one does, for the most part: `beginner`
    /// and `begin`.
    fn relatives(&self, word: &str) -> Vec<u32> {
        const LEAST_SHARED: usize = 5;
        let length = word.chars().count();
        let mut found = Vec::new();
        for (known, stem) in &self.words {
            let shared = word.chars().zip(known.chars()).take_while(|(one, other)| one == other).count();
            let longer = length.max(known.chars().count());
            if shared >= LEAST_SHARED && shared * 20 >= longer * 11 && !found.contains(stem) {
                found.push(*stem);
            }
        }
        found.sort_unstable();
        found.truncate(4);
        found
    }

    /// The commonest word of the documents that a slip of the finger makes this one.
    fn misspelt(&self, word: &str) -> Option<u32> {
        let slip = Slip::of(word)?;
        self.words
            .iter()
            .filter_map(|(known, stem)| {
                let distance = slip.distance(known)?;
                let count = self.frequencies.get(*stem as usize)?.1;
                Some((distance, std::cmp::Reverse(count), known, *stem))
            })
            .min()
            .map(|(_, _, _, stem)| stem)
    }
}

fn is_part(whole: &str, part: &str) -> bool {
    part.len() >= 2 && (whole.starts_with(part) || whole.ends_with(part))
}

/// A word that may be a slip of the finger.
struct Slip {
    letters: Vec<char>,
    allowed: usize,
}

impl Slip {
    /// `None` for words too short to be told from others, and for numbers.
    fn of(word: &str) -> Option<Self> {
        let letters: Vec<char> = word.chars().collect();
        let allowed = match letters.len() {
            0..=4 => return None,
            5..=8 => 1,
            _ => 2,
        };
        let is_number = letters.iter().any(char::is_ascii_digit);
        (!is_number).then_some(Self { letters, allowed })
    }

    /// How far it is from a word that may have been meant. The first letter is
    /// hardly ever wrong.
    fn distance(&self, known: &str) -> Option<usize> {
        let known: Vec<char> = known.chars().collect();
        if known.len() < 4 || known.first() != self.letters.first() {
            return None;
        }
        // `world` is no slip for `word`: in a short word, the letter that is
        // too much is one that was typed twice.
        let is_short = self.letters.len() <= 6;
        let is_doubled = self.letters.iter().zip(self.letters.iter().skip(1)).any(|(one, next)| one == next);
        if is_short && known.len() < self.letters.len() && !is_doubled {
            return None;
        }
        edits(&self.letters, &known, self.allowed)
    }

    /// The ordinary word that was meant.
    fn ordinary(&self) -> Option<&'static str> {
        let groups = lexicon::synonym_groups().iter().flat_map(|group| group.iter().copied());
        groups
            .chain(lexicon::plain_words())
            .filter_map(|known| Some((self.distance(known)?, known)))
            .min()
            .map(|(_, known)| known)
    }
}

/// How many letters are added, dropped, changed or swapped, if at most `most`.
pub(super) fn edits(one: &[char], other: &[char], most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let get = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = (get(&last, column) + usize::from(letter != against))
                .min(get(&last, column + 1) + 1)
                .min(get(&current, column) + 1);
            let swapped = row > 0
                && column > 0
                && one.get(row - 1) == Some(against)
                && other.get(column - 1) == Some(letter);
            if swapped {
                best = best.min(get(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().filter(|distance| *distance <= most)
}
