//! What the user reads: numbered steps, elapsed times, a table at the end.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Numbers the steps of one command and remembers how long each took.
#[derive(Debug)]
pub struct Steps {
    total: usize,
    done: Vec<(String, Duration, Outcome)>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it is there for.
    Done,
    /// It was left out; the reason is shown.
    Skipped(String),
    /// It failed, and ended the command.
    Failed,
}

impl Steps {
    /// A command of `total` steps.
    pub fn new(total: usize) -> Self {
        Self { total, done: Vec::new() }
    }

    /// Runs one step under its number, its title and a word on what to expect.
    pub fn run(
        &mut self,
        name: &str,
        title: &str,
        work: impl FnOnce() -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<()> {
        line(&format!("[{}/{}] {title} ...", self.done.len() + 1, self.total));
        let started = Instant::now();
        let result = work();
        let elapsed = started.elapsed();
        let (outcome, result) = match result {
            Ok(outcome) => (outcome, Ok(())),
            Err(error) => (Outcome::Failed, Err(error)),
        };
        match &outcome {
            Outcome::Done => detail(&format!("done in {}", human(elapsed))),
            Outcome::Skipped(reason) => detail(&format!("skipped: {reason}")),
            Outcome::Failed => detail(&format!("failed after {}", human(elapsed))),
        }
        self.done.push((name.to_owned(), elapsed, outcome));
        result
    }

    /// Prints on which step the time went.
    pub fn table(&self) {
        let width = self.done.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).max(5);
        line("");
        line(&format!("{:<width$}  {:>12}", "step", "time"));
        for (name, elapsed, outcome) in &self.done {
            let note = match outcome {
                Outcome::Done => String::new(),
                Outcome::Skipped(reason) => format!("  skipped: {reason}"),
                Outcome::Failed => "  FAILED".to_owned(),
            };
            line(&format!("{name:<width$}  {:>12}{note}", human(*elapsed)));
        }
        let total = self.done.iter().map(|(_, elapsed, _)| *elapsed).sum();
        line(&format!("{:<width$}  {:>12}", "total", human(total)));
    }
}

/// One line on standard output, in order with what child processes print.
pub fn line(text: &str) {
    let mut out = io::stdout().lock();
    // A closed pipe is the reader's choice, not a failure of the step.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line that belongs to the step above it.
pub fn detail(text: &str) {
    line(&format!("      {text}"));
}

/// A sign of life while a child process works. Clears the line first, because
/// cargo's progress bar stands there on a terminal.
pub fn alive(text: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\u{1b}[K");
    }
    detail(text);
}

/// The last words of a command that failed: the error and its causes.
pub fn failure(error: &anyhow::Error) {
    eprintln!("\nerror: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}

/// A duration as people say it: `0.4 s`, `12 s`, `3 min 05 s`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 10 {
        format!("{:.1} s", duration.as_secs_f64())
    } else if seconds < 60 {
        format!("{seconds} s")
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// A number of bytes with thousands separated: `43,669`.
pub fn bytes(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(human(Duration::from_millis(420)), "0.4 s");
        assert_eq!(human(Duration::from_secs(12)), "12 s");
        assert_eq!(human(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn byte_counts_have_their_thousands_separated() {
        assert_eq!(bytes(7), "7");
        assert_eq!(bytes(999), "999");
        assert_eq!(bytes(1_000), "1,000");
        assert_eq!(bytes(1_234_567), "1,234,567");
    }
}
