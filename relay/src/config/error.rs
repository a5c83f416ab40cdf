//! Why a configuration is not usable, as the operator reads it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Everything that is wrong with a configuration, in the file's order. The relay
/// does not start with any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the command line names it; none where no file is at fault.
    pub file: Option<PathBuf>,
    /// The line, from 1; none where the file as a whole is at fault.
    pub line: Option<usize>,
    /// The key with its sections, such as `site.origins`, or an option such as
    /// `--docs`; empty where the text is not TOML.
    pub key: String,
    /// What is wrong, and what is allowed instead.
    pub message: String,
}

impl ConfigError {
    /// Every problem, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.line);
        Self { problems }
    }

    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        let message = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::InvalidData => "the file is not UTF-8 text".to_owned(),
            _ => format!("the file cannot be read: {error}"),
        };
        Self::new(vec![Problem { file: Some(file.to_owned()), line: None, key: String::new(), message }])
    }

    pub(super) fn option(option: &str, message: String) -> Self {
        Self::new(vec![Problem { file: None, line: None, key: option.to_owned(), message }])
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}
