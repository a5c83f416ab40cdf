//! Weighs one section against a question, and decides whether it answers.

use std::collections::{HashMap, HashSet};

use super::super::lexicon;
use super::super::meaning::Meaning;
use super::reading::SYNONYM;
use super::{Asking, Concept, Hit, Understood, Vocabulary, Weighed, as_f32};

/// How much of the question, by weight, a section must cover to be cited, by
/// how many of its telling words stand there: one word in common may be chance,
/// three in one section hardly ever are.
const LEAST_COVERAGE: [f32; 3] = [0.55, 0.42, 0.33];
/// The same where none of its words tells anything.
const LEAST_COVERAGE_OF_NOTHING: f32 = 0.75;
/// How much less it needs to cover if such a word stands in its heading.
const HEADED: f32 = 0.1;
/// How near in meaning a section is cited with hardly a word in common. Of
/// ninety questions on other things asked of three folders, none came nearer.
const MEANT: f32 = 0.4;
/// How near in meaning, and how much of the question by weight, suffice together
/// where two of its telling words are there.
const MEANT_WITH_WORDS: f32 = 0.32;
const WORDS_WITH_MEANING: f32 = 0.35;
/// Further than this in meaning, words in common are chance: "How do I tie a
/// tie?" is no question about bags that are tied.
const NOT_MEANT: f32 = 0.18;
/// What nearness in meaning adds to a score, in which words that all stand in
/// the heading make about one.
const MEANING_WEIGHT: f32 = 0.6;
/// How much a heading counts for what its section means.
const HEADING_SHARE: f32 = 0.3;

impl Vocabulary {
    /// Weighs a section. `title` and `path` are the stems of its document's;
    /// `proposal` is how well tantivy thought of it, 0 to 1.
    pub(crate) fn weigh_one(
        &self,
        question: &Understood,
        section: &Weighed,
        [title, path]: [&[u32]; 2],
        proposal: f32,
    ) -> Hit {
        let length = 0.4 + 0.6 * as_f32(section.body.len()) / self.average_length;
        let names_document = section.is_title;
        let (mut total, mut covered, mut strength, mut telling) = (0.0_f32, 0.0_f32, 0.0_f32, 0_usize);
        let mut asked_in_heading: HashMap<u32, f32> = HashMap::new();
        let mut in_heading_weight = 0.0_f32;
        let (mut is_headed, mut is_literal) = (false, false);
        for concept in &question.concepts {
            total += concept.weight;
            let (mut best, mut best_factor, mut heading_factor) = (0.0_f32, 0.0_f32, 0.0_f32);
            for (stem, factor) in &concept.forms {
                let in_heading = section.heading.contains(stem);
                if in_heading {
                    let asked = asked_in_heading.entry(*stem).or_default();
                    *asked = asked.max(*factor);
                    heading_factor = heading_factor.max(*factor);
                }
                // Under the title, heading and title are the same words.
                let in_title = !names_document && title.contains(stem);
                let amount = if in_heading { 3.0 } else { 0.0 }
                    + if section.parents.contains(stem) { 1.2 } else { 0.0 }
                    + if in_title { 1.2 } else { 0.0 }
                    + if path.contains(stem) { 0.5 } else { 0.0 }
                    + as_f32(count(&section.body, *stem)) / length;
                if amount > 0.0 {
                    best = best.max(factor * amount / (1.0 + amount));
                    best_factor = best_factor.max(*factor);
                }
            }
            strength += concept.weight * best;
            covered += concept.weight * best_factor;
            in_heading_weight += concept.weight * heading_factor;
            is_literal |= concept.is_telling && best_factor >= 1.0;
            is_headed |= !names_document && concept.is_telling && heading_factor >= 1.0;
            telling += usize::from(best_factor > 0.0 && concept.is_telling);
        }
        let total = total.max(f32::EPSILON);
        let coverage = covered / total;
        // A heading that the question repeats whole is what was asked for; a
        // title names a whole document, and is repeated by every question on it.
        let heading_words: HashSet<u32> = section
            .heading
            .iter()
            .copied()
            .filter(|stem| {
                self.frequencies.get(*stem as usize).is_some_and(|(stem, _)| !lexicon::is_stop_word(stem))
            })
            .collect();
        let asked: f32 = asked_in_heading.values().sum();
        let heading = (asked / as_f32(heading_words.len().max(1))).min(1.0);
        let heading_bonus = if names_document { 0.2 } else { 0.45 } * heading * in_heading_weight;
        let whole_heading = if heading >= 1.0 && !names_document { 0.08 * total } else { 0.0 };
        let alike = if asks_alike(question, &section.heading, &self.asking) { 0.1 * total } else { 0.0 };
        let nearness = 0.3 * nearness(question, section);
        let run =
            longest_run(&question.phrase, &section.heading).max(longest_run(&question.phrase, &section.body));
        let phrase = 0.12 * total * as_f32(run.saturating_sub(2).min(3));
        let hinted = question
            .hints
            .iter()
            .filter(|stem| section.body.contains(stem) || section.heading.contains(stem))
            .count();
        let hint_bonus = 0.08 * total * as_f32(hinted.min(2));
        let sum = strength
            + heading_bonus
            + whole_heading
            + alike
            + nearness
            + phrase
            + hint_bonus
            + 0.15 * proposal * total;
        // A list of links speaks of everything and answers nothing.
        let by_words = sum * coverage.powf(0.7) / total * (1.0 - 0.6 * section.links);
        let meant = question.meaning.as_ref().and_then(|asked| meant(asked, section));
        let score = by_words + MEANING_WEIGHT * meant.unwrap_or(0.0).max(0.0);
        Hit {
            place: section.place,
            score,
            coverage,
            telling,
            heading,
            is_headed,
            is_literal,
            meant,
            is_english: question.is_english,
        }
    }
}

/// How near a section's meaning is to that of a question: by its best passage
/// for the most part, and by its heading.
pub(crate) fn meant(asked: &Meaning, section: &Weighed) -> Option<f32> {
    let best = section.meanings.iter().map(|passage| asked.nearness(passage)).reduce(f32::max)?;
    let heading = section.heading_meaning.as_ref().map_or(0.0, |heading| asked.nearness(heading));
    Some(HEADING_SHARE * heading + (1.0 - HEADING_SHARE) * best.max(0.0))
}

fn count(stems: &[u32], stem: u32) -> usize {
    stems.iter().filter(|other| **other == stem).count()
}

/// Whether a proposal is good enough to be cited: for its words if its meaning
/// does not speak against them, for its meaning, or for some of both.
pub(crate) fn is_answer(hit: &Hit) -> bool {
    let Some(meant) = hit.meant else { return has_words(hit) };
    meant >= MEANT
        || (meant >= MEANT_WITH_WORDS && hit.coverage >= WORDS_WITH_MEANING && hit.telling >= 2)
        || (has_words(hit) && (meant >= NOT_MEANT || !hit.is_english))
}

/// Whether enough of the question's words stand in it.
fn has_words(hit: &Hit) -> bool {
    if hit.telling == 0 {
        // "How does it work?" is a question where "How it works" is a heading.
        return hit.heading >= 1.0 && hit.coverage >= LEAST_COVERAGE_OF_NOTHING;
    }
    // A synonym stands for a word, but is no evidence by itself that the
    // documents speak of what the other words name.
    if !hit.is_literal && hit.coverage < SYNONYM * 0.98 {
        return false;
    }
    let least = LEAST_COVERAGE.get(hit.telling - 1).or(LEAST_COVERAGE.last()).copied().unwrap_or(1.0);
    hit.coverage >= least - if hit.is_headed { HEADED } else { 0.0 }
}

/// Whether the heading asks with the word that the question asks with: "Where
/// ..." is answered under "Where ...", and "How long ..." under "How long ...".
fn asks_alike(question: &Understood, heading: &[u32], asking: &Asking) -> bool {
    let is_asked = |stem: Option<u32>| stem.is_some() && question.phrase.contains(&stem);
    let first = heading.first().copied();
    if asking.how.is_some() && first == asking.how {
        let second = heading.get(1).copied();
        return question.phrase.windows(2).any(|pair| pair == [first, second]);
    }
    is_asked(first.filter(|first| asking.others.contains(first)))
}

/// How close neighbours in the question stand in the section; by weight.
fn nearness(question: &Understood, section: &Weighed) -> f32 {
    let mut sum = 0.0;
    for (one, other) in question.concepts.iter().zip(question.concepts.iter().skip(1)) {
        let gap = [&section.heading, &section.body]
            .into_iter()
            .filter_map(|stems| least_gap(stems, one, other))
            .min();
        if let Some(gap) = gap.filter(|gap| *gap <= 8) {
            sum += one.weight.min(other.weight) / as_f32(gap.max(1)).sqrt();
        }
    }
    sum
}

/// How many words of the question stand in the text in one piece.
fn longest_run(question: &[Option<u32>], text: &[u32]) -> usize {
    let mut longest = 0;
    let mut before = vec![0_usize; question.len() + 1];
    for stem in text {
        let mut row = Vec::with_capacity(before.len());
        row.push(0);
        for (asked, run) in question.iter().zip(&before) {
            let run = if *asked == Some(*stem) { run + 1 } else { 0 };
            longest = longest.max(run);
            row.push(run);
        }
        before = row;
    }
    longest
}

/// The least distance between any form of one concept and any of another.
fn least_gap(stems: &[u32], one: &Concept, other: &Concept) -> Option<usize> {
    let is_form = |concept: &Concept, stem: u32| concept.forms.iter().any(|(form, _)| *form == stem);
    let (mut last_one, mut last_other, mut least) = (None::<usize>, None::<usize>, None::<usize>);
    for (at, stem) in stems.iter().enumerate() {
        let (is_one, is_other) = (is_form(one, *stem), is_form(other, *stem));
        if is_one && is_other {
            continue;
        }
        let before = if is_one {
            last_one = Some(at);
            last_other
        } else if is_other {
            last_other = Some(at);
            last_one
        } else {
            continue;
        };
        if let Some(before) = before {
            least = Some(least.map_or(at - before, |gap| gap.min(at - before)));
        }
    }
    least
}
