//! Which rows of a long transcript are drawn: those in sight and a good way
//! around. Arithmetic only; [`super::rows`] draws.

/// The rows' heights and the part of them that is in sight, in px.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    /// Of each row, measured or guessed.
    pub(super) heights: &'a [f64],
    /// Where the sight begins.
    pub(super) top: f64,
    /// How high it is.
    pub(super) height: f64,
}

/// How far around the sight rows are drawn, as a part of its height. A row that
/// is drawn stays for twice as far, so that going to and fro draws nothing.
const AROUND: f64 = 1.0;

/// The least of it, in px: one turn of a wheel goes about this far.
const LEAST_AROUND: f64 = 500.0;

impl Window<'_> {
    /// The indices of the rows that are to be drawn. `was_drawn` is asked for
    /// each row, in order; `is_held` says which must stay wherever they are.
    pub(super) fn rows(
        &self,
        mut was_drawn: impl FnMut(usize) -> bool,
        is_held: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let around = (self.height * AROUND).max(LEAST_AROUND);
        let bottom = self.top + self.height;
        let mut wanted = Vec::new();
        let mut from = 0.0;
        for (index, height) in self.heights.iter().enumerate() {
            let to = from + height;
            let reach = if was_drawn(index) { around * 2.0 } else { around };
            if (to >= self.top - reach && from <= bottom + reach) || is_held(index) {
                wanted.push(index);
            }
            from = to;
        }
        wanted
    }

    /// The rows in their order: the drawn ones, and the gaps between them.
    pub(super) fn slots(&self, drawn: &[usize]) -> Vec<Slot> {
        let mut slots = Vec::with_capacity(drawn.len() + 2);
        let mut next = 0;
        let ends = drawn.iter().map(|index| (*index, true)).chain([(self.heights.len(), false)]);
        for (index, is_row) in ends {
            if index > next {
                let skipped = self.heights.get(next..index).unwrap_or_default();
                slots.push(Slot::Gap(skipped.iter().sum()));
            }
            if is_row {
                slots.push(Slot::Row(index));
            }
            next = index + 1;
        }
        slots
    }
}

/// What stands at a place of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Slot {
    /// A row.
    Row(usize),
    /// As much room as the rows in between would take, in px.
    Gap(f64),
}

/// A guess at the height of a row that was never drawn, in px: lines of about
/// 44 characters, and what is around them.
pub(super) fn guess(bytes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "messages are far below 2^53 bytes")]
    let lines = (bytes as f64 / 44.0).ceil().max(1.0);
    lines * 23.0 + 40.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(heights: &[f64], top: f64) -> Window<'_> {
        Window { heights, top, height: 500.0 }
    }

    #[test]
    fn what_is_drawn_is_bounded_however_many_rows_there_are() {
        for count in [100, 10_000, 100_000] {
            let heights = vec![100.0; count];
            let drawn = window(&heights, 5_000.0).rows(|_| false, |_| false);
            assert_eq!((drawn.first(), drawn.last()), (Some(&44), Some(&60)), "{count} rows");
        }
    }

    #[test]
    fn going_to_and_fro_draws_nothing() {
        let heights = vec![100.0; 100];
        let first = window(&heights, 5_000.0).rows(|_| false, |_| false);
        let away = window(&heights, 5_300.0).rows(|index| first.contains(&index), |_| false);
        let back = window(&heights, 5_000.0).rows(|index| away.contains(&index), |_| false);
        assert!(first.iter().all(|index| away.contains(index)));
        assert_eq!(away, back);
    }

    #[test]
    fn what_is_held_stays_wherever_it_is() {
        let heights = vec![100.0; 100];
        let drawn = window(&heights, 9_000.0).rows(|_| false, |index| index == 3);
        assert_eq!(drawn.first(), Some(&3));
        let slots = window(&heights, 9_000.0).slots(&drawn);
        assert_eq!(slots.get(..2), Some([Slot::Gap(300.0), Slot::Row(3)].as_slice()));
    }

    #[test]
    fn gaps_take_the_room_of_the_rows_that_are_not_drawn() {
        let heights: Vec<f64> = (1..=50).map(|index| f64::from(index) * 10.0).collect();
        for top in [0.0, 1_000.0, 6_000.0, 12_750.0] {
            let drawn = window(&heights, top).rows(|_| false, |_| false);
            let height = |slot: &Slot| match slot {
                Slot::Row(index) => heights[*index],
                Slot::Gap(height) => *height,
            };
            let slots = window(&heights, top).slots(&drawn);
            assert!((slots.iter().map(height).sum::<f64>() - 12_750.0).abs() < 1e-6);
            assert!(slots.windows(2).all(|pair| !matches!(pair, [Slot::Gap(_), Slot::Gap(_)])));
        }
        assert!(window(&[], 0.0).slots(&[]).is_empty());
    }
}
