//! What a text means, as a direction: two texts that speak of the same thing in
//! other words point the same way.
//!
//! The vectors are those of `WordLlama` (`l2_supercat`, its first 128 dimensions, MIT, see
//! `LICENSE` beside this file): one for each piece of a word, learnt so that the
//! mean over a text stands for it. They are built into the relay, so that the
//! docs agent needs no network, no key and no model at run time. How the file
//! was made, and why these, is in `docs/decisions/`.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How long a vector is.
pub(crate) const DIMENSIONS: usize = 128;
/// How much larger the numbers of [`Meaning::small`] are.
const SMALL_SCALE: f32 = 254.0;
/// What a word begins with among the pieces: the mark of a space.
const WORD: char = '\u{2581}';
/// A word is read up to here, in letters; what is longer is no word.
const MAX_WORD: usize = 40;

/// `cwm1`, dimensions (u16), 0 (u16), count (u32), then for each piece its length
/// (u8) and UTF-8, then for each its scale (f32), then for each its vector (i8
/// times the scale). Little-endian.
static FILE: &[u8] = include_bytes!("vectors.bin");

static PIECES: LazyLock<Option<Pieces>> = LazyLock::new(|| Pieces::read(FILE));

struct Pieces {
    /// The place of each piece; a lower one was joined earlier when they were
    /// learnt, and is joined first here.
    places: HashMap<&'static str, usize>,
    scales: Vec<f32>,
    vectors: &'static [u8],
}

/// The meaning of a text: a vector of length one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meaning(Box<[f32; DIMENSIONS]>);

impl Meaning {
    /// What `text` means; `None` if no word in it is known.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let pieces = PIECES.as_ref()?;
        let mut sum = Box::new([0.0_f32; DIMENSIONS]);
        for word in text.split_whitespace() {
            pieces.split(word, |place| {
                let scale = pieces.scales.get(place).copied().unwrap_or(0.0);
                let vector = pieces.vectors.get(place * DIMENSIONS..).unwrap_or_default();
                for (sum, number) in sum.iter_mut().zip(vector) {
                    *sum += scale * f32::from(number.cast_signed());
                }
            });
        }
        Self::unit(sum)
    }

    /// This one with a share of another.
    pub(crate) fn with(&self, other: &Self, share: f32) -> Option<Self> {
        let mut sum = self.0.clone();
        for (sum, number) in sum.iter_mut().zip(other.0.iter()) {
            *sum += share * number;
        }
        Self::unit(sum)
    }

    /// How near two meanings are: 1 is the same, 0 is unrelated, -1 the opposite.
    pub(crate) fn nearness(&self, other: &Self) -> f32 {
        self.0.iter().zip(other.0.iter()).map(|(one, other)| one * other).sum()
    }

    /// The same in a byte for each number: what is kept of many texts. No number
    /// of a vector of length one that stands for a text comes near a half.
    pub(crate) fn small(&self) -> [i8; DIMENSIONS] {
        let mut small = [0_i8; DIMENSIONS];
        for (small, number) in small.iter_mut().zip(self.0.iter()) {
            #[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
            let scaled = (number * SMALL_SCALE).round().clamp(-127.0, 127.0) as i8;
            *small = scaled;
        }
        small
    }

    /// What [`Meaning::small`] made; `None` if all of it is zero.
    pub(crate) fn of_small(small: &[i8]) -> Option<Self> {
        let mut numbers = Box::new([0.0_f32; DIMENSIONS]);
        for (number, small) in numbers.iter_mut().zip(small) {
            *number = f32::from(*small) / SMALL_SCALE;
        }
        Self::unit(numbers)
    }

    fn unit(mut sum: Box<[f32; DIMENSIONS]>) -> Option<Self> {
        let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
        if length <= f32::EPSILON {
            return None;
        }
        for number in sum.iter_mut() {
            *number /= length;
        }
        Some(Self(sum))
    }
}

impl Pieces {
    fn read(file: &'static [u8]) -> Option<Self> {
        let mut rest = file.strip_prefix(b"cwm1")?;
        let dimensions = u16::from_le_bytes(*take(&mut rest)?);
        let _: &[u8; 2] = take(&mut rest)?;
        let count = usize::try_from(u32::from_le_bytes(*take(&mut rest)?)).ok()?;
        if usize::from(dimensions) != DIMENSIONS {
            return None;
        }
        let mut places = HashMap::with_capacity(count);
        for place in 0..count {
            let [length] = *take::<1>(&mut rest)?;
            let (piece, after) = rest.split_at_checked(usize::from(length))?;
            rest = after;
            places.insert(std::str::from_utf8(piece).ok()?, place);
        }
        let mut scales = Vec::with_capacity(count);
        for _ in 0..count {
            scales.push(f32::from_le_bytes(*take(&mut rest)?));
        }
        (rest.len() == count * DIMENSIONS).then_some(Self { places, scales, vectors: rest })
    }

    /// Byte-pair encoding: beginning with letters, the neighbours whose union
    /// was learnt first are joined, until none can be. Pieces that are not known
    /// (other scripts) are left out.
    fn split(&self, word: &str, mut found: impl FnMut(usize)) {
        let marked: String = std::iter::once(WORD).chain(word.chars().take(MAX_WORD)).collect();
        let mut ends: Vec<usize> = marked.char_indices().map(|(at, letter)| at + letter.len_utf8()).collect();
        let piece = |ends: &[usize], from: usize, to: usize| {
            let begin = from.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            ends.get(to)
                .and_then(|end| marked.get(begin..*end))
                .and_then(|piece| self.places.get(piece))
                .copied()
        };
        loop {
            let best =
                (1..ends.len()).filter_map(|right| Some((piece(&ends, right - 1, right)?, right - 1))).min();
            let Some((_, left)) = best else { break };
            ends.remove(left);
        }
        for at in 0..ends.len() {
            if let Some(place) = piece(&ends, at, at) {
                found(place);
            }
        }
    }
}

fn take<const N: usize>(rest: &mut &'static [u8]) -> Option<&'static [u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: &str, other: &str) -> f32 {
        Meaning::of(one).unwrap().nearness(&Meaning::of(other).unwrap())
    }

    #[test]
    fn the_vectors_that_are_built_in_can_be_read() {
        assert!(PIECES.is_some());
    }

    #[test]
    fn words_are_split_as_they_were_when_the_vectors_were_learnt() {
        let pieces = PIECES.as_ref().unwrap();
        let mut names = vec![""; pieces.places.len()];
        for (name, place) in &pieces.places {
            names[*place] = name;
        }
        let split = |word: &str| {
            let mut parts = Vec::new();
            pieces.split(word, |place| parts.push(names[place].replace(WORD, "_")));
            parts.join(" ")
        };
        assert_eq!(split("insurance?"), "_ins urance");
        assert_eq!(split("localStorage"), "_local Storage");
        assert_eq!(split("grandfather"), "_grand father");
        assert_eq!(split("internationalisation"), "_international isation");
        assert_eq!(split("Kubernetes"), "_K ubernetes");
        assert_eq!(split("unbelievably"), "_un bel iev ably");
        assert_eq!(split("colleague's"), "_colle ague ' s");
    }

    #[test]
    fn other_words_for_the_same_thing_are_nearer_than_other_things() {
        let question = "My grandfather died, may I go to the funeral?";
        let right = near(question, "Time off when you lose a loved one");
        let wrong = near(question, "We order a new computer for everyone who is hired");
        assert!(right > wrong + 0.15, "{right} {wrong}");
        assert!(near("the same words", "the same words") > 0.999);
    }

    #[test]
    fn a_meaning_that_was_made_small_is_nearly_the_same() {
        for text in ["Time off when you lose a loved one", "tea", "How do I change the accent colour?"] {
            let meaning = Meaning::of(text).unwrap();
            let again = Meaning::of_small(&meaning.small()).unwrap();
            assert!(meaning.nearness(&again) > 0.999, "{text}");
        }
        assert_eq!(Meaning::of_small(&[0; DIMENSIONS]), None);
    }

    #[test]
    fn what_has_no_known_word_has_no_meaning() {
        for text in ["", "  ", "\u{1f389}", "\u{65e5}\u{672c}\u{8a9e}"] {
            assert_eq!(Meaning::of(text), None, "{text}");
        }
        assert!(Meaning::of(&"x".repeat(100_000)).is_some());
    }
}
