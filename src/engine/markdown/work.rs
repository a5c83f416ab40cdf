//! Counts steps in tests, so that they can tell linear work from quadratic
//! without a clock. In a build it is nothing.

#[cfg(not(test))]
#[inline]
pub(super) fn count(_: usize) {}

#[cfg(not(test))]
#[inline]
pub(super) fn weigh<T: std::fmt::Debug>(_: &T) {}

#[cfg(test)]
pub(super) use counting::{count, during, weigh};

#[cfg(test)]
mod counting {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub(in super::super) fn count(steps: usize) {
        STEPS.set(STEPS.get() + steps);
    }

    /// Counts what is copied, by the length of its description.
    pub(in super::super) fn weigh<T: std::fmt::Debug>(copied: &T) {
        count(format!("{copied:?}").len());
    }

    /// The steps that something takes.
    pub(in super::super) fn during(act: impl FnOnce()) -> usize {
        STEPS.set(0);
        act();
        STEPS.get()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, parse};
    use super::during;

    /// Streams a text in slices of four characters.
    fn stream(text: &str) -> usize {
        during(|| {
            let mut document = Document::new();
            let characters: Vec<char> = text.chars().collect();
            for slice in characters.chunks(4) {
                document.push(&slice.iter().collect::<String>());
            }
            document.finish();
        })
    }

    #[test]
    fn twice_the_reply_is_at_most_little_more_than_twice_the_work() {
        let prose = "Some **bold** words, a `code` span and [a link](https://a.example) that go on. ";
        for (name, head, unit) in [
            ("paragraphs", "", format!("{prose}\n\n").as_str()),
            ("lines", "", "A line of text that ends *here*.\nAnd another that goes on, `as` lines do\n\n"),
            ("fence", "```rust\n", "let a = 1; // a line\n"),
            ("indented", "", "    let a = 1;\n\n"),
            ("list", "", "- an item\n"),
            ("loose list", "", "1. an item\n\n   and more of it\n\n"),
            ("nested list", "- a\n", "  - an item\n    - deeper\n"),
            ("table", "| a | b |\n|---|---|\n", "| 1 | **2** |\n"),
            ("quote", "", "> quoted\n>\n"),
            ("headings", "", "## A heading\n\ntext\n\n"),
            ("long paragraph", "", prose),
            ("long paragraph of lines", "", "A line that ends.\n"),
        ] {
            let text = |times: usize| head.to_owned() + &unit.repeat(times);
            let times = 12_000 / unit.len();
            // Definitions and the fixed cost of the head fall out of a ratio
            // of differences.
            let (once, twice) = (stream(&text(times)), stream(&text(2 * times)));
            assert!(twice * 10 <= once * 22, "{name}: {once} steps, then {twice}");
        }
    }

    /// Texts that have been found to make parsers quadratic, and relatives.
    fn hostile_units() -> Vec<String> {
        let growing: String = (1..120).map(|length| "`".repeat(length) + " ").collect();
        let long = "a".repeat(3000);
        let units = [
            "*a **b ",
            "a**b",
            "*a_ ",
            "_a*b~~c",
            "a* ",
            "[",
            "]",
            "![",
            "[a](",
            "[a](b",
            "[a](<b",
            "[a](b \"",
            "[a][",
            "[a] ",
            "![[a](tel:b)",
            "`a``",
            growing.as_str(),
            "<a:",
            "<a@",
            "&a",
            "&#1",
            "\\",
            "www.",
            "_www._",
            "http://a_.",
            "a@",
            "a@b.c_",
            "http://a)",
            "http://a&b;",
            "~~a~",
            "| a ",
            "> ",
            "- ",
            "- a\n",
            "> a\n>",
            "1. a\n\n",
            "a\n===\n",
            "|a|\n|-|\n",
            "[a]: b\n",
            "    a\n",
            "```\n",
            "#",
            "# a #",
            "a  \n",
            long.as_str(),
            "[a]: b 'c'\n",
            "[a]:\n",
            "a **b* ",
            "*a",
            "**a [b](c",
            "~~",
            "***",
            "-\n",
            "- - - ",
            "1. ",
            "| a | b",
            "|",
            "a|b\n",
            "&amp;",
            "&#",
            "`",
            "a`b",
            "<",
            "a<b",
            "\\\n",
            "\t",
            " ",
            "\n",
            "\r",
            "> - ",
            "\u{200B}",
            "é\u{200B}",
            "[![](a)](",
            "![a][a]",
        ];
        units.map(str::to_owned).to_vec()
    }

    #[test]
    fn hostile_texts_take_work_in_proportion_to_their_length() {
        for unit in hostile_units() {
            let times = 16_000 / unit.len() + 1;
            let work = |times: usize| during(|| drop(parse(&unit.repeat(times))));
            let (once, twice) = (work(times), work(2 * times));
            assert!(twice * 10 <= once * 23, "{unit:.20?}: {once} steps, then {twice}");
            assert!(once <= 16_000 * 600, "{unit:.20?}: {once} steps");
        }
    }

    #[test]
    fn hostile_texts_that_stream_take_no_more_for_a_slice_at_the_end_than_at_the_start() {
        for head in ["", "*a [b](c \""] {
            for unit in hostile_units() {
                let text = head.to_owned() + &unit.repeat(40_000 / unit.chars().count() + 1);
                let characters: Vec<char> = text.chars().take(40_000).collect();
                let mut document = Document::new();
                let mut push = |slice: &[char]| during(|| document.push(&slice.iter().collect::<String>()));
                let work: Vec<usize> = characters.chunks(1000).map(&mut push).collect();
                // By the middle every limit has been reached.
                let (before, after): (usize, usize) = (work[20..30].iter().sum(), work[30..].iter().sum());
                assert!(after * 2 <= before * 3, "{head:?} {unit:.20?}: {before} steps, then {after}");
            }
        }
    }
}
