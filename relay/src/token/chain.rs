//! The rule by which visitor tokens rotate.
//!
//! Each exchange answers with a token of the next generation. The one that was
//! brought stays good until its successor has been used: an answer that was lost
//! on the way, or two tabs that exchange the same token, cost nothing. After
//! that it is good for half a minute more, for tabs that race, and then whoever
//! brings it has a copy, and the chain ends for both.

use std::time::Duration;

/// How long a token is good after its successor was first used.
const OVERLAP: Duration = Duration::from_secs(30);

/// Where a chain of visitor tokens stands. Tokens of one generation are worth
/// the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The oldest generation that is still accepted.
    pub floor: u32,
    /// The newest that was used.
    pub used: u32,
    /// When a successor of `floor` was first used, in ms since 1970.
    pub superseded_at: Option<i64>,
}

impl Chain {
    /// A chain of which no token was used yet but this one.
    pub fn begun_at(generation: u32) -> Self {
        Self { floor: generation, used: generation, superseded_at: None }
    }

    /// The chain after a token of that generation was used, at `now` in ms since
    /// 1970. `None` if the token has been followed for too long: somebody has a
    /// copy, and the chain has to end.
    #[must_use]
    pub fn present(mut self, generation: u32, now: i64) -> Option<Self> {
        let overlap = i64::try_from(OVERLAP.as_millis()).unwrap_or(i64::MAX);
        if self.superseded_at.is_some_and(|at| now.saturating_sub(at) > overlap) {
            self.floor = self.used;
            self.superseded_at = None;
        }
        if generation < self.floor {
            return None;
        }
        if generation > self.used {
            self.used = generation;
            self.superseded_at.get_or_insert(now);
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses generations at times (in seconds), and says of each whether it was
    /// accepted; a chain that has ended stays so.
    fn play(uses: &[(u32, i64)]) -> Vec<bool> {
        let mut chain = Some(Chain::begun_at(1));
        uses.iter()
            .map(|&(generation, at)| {
                chain = chain.and_then(|chain| chain.present(generation, at * 1000));
                chain.is_some()
            })
            .collect()
    }

    #[test]
    fn a_token_is_good_until_its_successor_has_been_used() {
        // The answers were lost, for days.
        assert_eq!(play(&[(1, 0), (1, 10), (1, 100_000), (1, 900_000)]), [true; 4]);
        // Once the successor has been used, there is half a minute.
        assert_eq!(play(&[(1, 0), (2, 100), (1, 130)]), [true; 3]);
        assert_eq!(play(&[(1, 0), (2, 100), (1, 131)]), [true, true, false]);
        // It counts from the successor's use, and not from that of the token itself.
        assert_eq!(play(&[(1, 0), (2, 20), (1, 45)]), [true; 3]);
    }

    #[test]
    fn the_reuse_of_a_token_ends_the_chain_for_both() {
        assert_eq!(
            play(&[(1, 0), (2, 100), (1, 200), (3, 201), (2, 202)]),
            [true, true, false, false, false]
        );
    }

    #[test]
    fn racing_tabs_go_on_together() {
        // Both got a token of generation 2, and each exchanges its own.
        assert_eq!(play(&[(1, 0), (1, 0), (2, 480), (2, 485), (3, 960), (3, 961)]), [true; 6]);
        // A page that is reloaded again and again, beside one that was slow.
        assert_eq!(play(&[(1, 0), (2, 5), (3, 6), (4, 7), (1, 20), (5, 30)]), [true; 6]);
    }

    #[test]
    fn exchanging_all_the_time_does_not_keep_an_old_token_good() {
        let quick: Vec<(u32, i64)> =
            (1..=10).map(|generation| (generation, i64::from(generation) * 20)).collect();
        assert!(play(&quick).iter().all(|&accepted| accepted));
        for old in 1..=7 {
            let mut uses = quick.clone();
            uses.push((old, 201));
            assert!(!play(&uses).last().unwrap(), "generation {old} is still good");
        }
        let mut uses = quick.clone();
        uses.push((9, 201));
        assert!(play(&uses).last().unwrap(), "the last one but one has its half minute");
    }

    #[test]
    fn a_chain_that_was_forgotten_goes_on_where_its_token_says() {
        let chain = Chain::begun_at(7);
        assert_eq!(chain.present(6, 0), None);
        assert_eq!(chain.present(9, 5).unwrap(), Chain { floor: 7, used: 9, superseded_at: Some(5) });
    }
}
