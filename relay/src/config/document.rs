//! A TOML text as sections and fields that know their place, so that every
//! complaint names line and key. It knows nothing of what the keys mean.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Problem};

/// The text, and what was found wrong with it so far.
pub(super) struct Document<'d> {
    file: &'d Path,
    text: &'d str,
    problems: RefCell<Vec<Problem>>,
}

impl<'d> Document<'d> {
    pub(super) fn new(file: &'d Path, text: &'d str) -> Self {
        Self { file, text, problems: RefCell::default() }
    }

    /// The whole text as a section, or its first fault in the grammar of TOML.
    pub(super) fn root(&'d self) -> Result<Section<'d>, ConfigError> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(Section::new(self, String::new(), 0..0, table.into_inner())),
            Err(error) => {
                // Only the message: the full text of the error quotes the line,
                // which may hold a secret that somebody wrote down.
                let span = error.span().unwrap_or(0..0);
                self.complain(&span, "", format!("not TOML: {}", error.message()));
                Err(ConfigError::new(self.problems.take()))
            }
        }
    }

    /// `value` if nothing is wrong, else everything that is.
    pub(super) fn conclude<T>(&self, value: Option<T>) -> Result<T, ConfigError> {
        let problems = self.problems.take();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(ConfigError::new(problems)),
        }
    }

    pub(super) fn complain(&self, span: &Range<usize>, key: &str, message: String) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        self.problems.borrow_mut().push(Problem {
            file: Some(self.file.to_owned()),
            line: Some(line),
            key: key.to_owned(),
            message,
        });
    }
}

/// A table. Each key is taken once; what is left at [`Section::finish`] is unknown.
pub(super) struct Section<'d> {
    document: &'d Document<'d>,
    path: String,
    span: Range<usize>,
    table: DeTable<'d>,
    allowed: Vec<&'static str>,
}

impl<'d> Section<'d> {
    fn new(document: &'d Document<'d>, path: String, span: Range<usize>, table: DeTable<'d>) -> Self {
        Self { document, path, span, table, allowed: Vec::new() }
    }

    fn key_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The field of that key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Field<'d>> {
        self.allowed.push(key);
        let (name, value) = self.table.remove_entry(key)?;
        Some(Field::new(self.document, self.key_path(key), name.span(), value))
    }

    /// The field of that key; it is wrong for it to be missing.
    pub(super) fn require(&mut self, key: &'static str) -> Option<Field<'d>> {
        let field = self.take(key);
        if field.is_none() {
            self.complain(key, "this key is missing".to_owned());
        }
        field
    }

    /// The sub-section of that key, if it is there.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Self> {
        self.take(key)?.section()
    }

    /// Every key that is left, whatever its name.
    pub(super) fn drain(mut self) -> Vec<(String, Field<'d>)> {
        std::mem::take(&mut self.table)
            .into_iter()
            .map(|(name, value)| {
                let path = self.key_path(name.get_ref());
                let field = Field::new(self.document, path, name.span(), value);
                (name.into_inner().into_owned(), field)
            })
            .collect()
    }

    /// Complains about a key of this section that is missing, at its head.
    pub(super) fn complain(&self, key: &str, message: String) {
        self.document.complain(&self.span, &self.key_path(key), message);
    }

    /// Complains about the section as a whole.
    pub(super) fn complain_here(&self, message: String) {
        self.document.complain(&self.span, &self.path, message);
    }

    /// Complains about every key that nobody took.
    pub(super) fn finish(self) {
        for (name, value) in &self.table {
            let hint = did_you_mean(name.get_ref(), self.allowed.iter().copied());
            let allowed = self.allowed.join(", ");
            let kind = if self.path.is_empty() && matches!(value.get_ref(), DeValue::Table(_)) {
                "section"
            } else {
                "key"
            };
            let message = format!("unknown {kind}{hint}; allowed here: {allowed}");
            self.document.complain(&name.span(), &self.key_path(name.get_ref()), message);
        }
    }
}

/// A value with its key.
pub(super) struct Field<'d> {
    document: &'d Document<'d>,
    path: String,
    /// Where the key stands: the head of a section, whose value has no one place.
    key_span: Range<usize>,
    value: Spanned<DeValue<'d>>,
}

impl<'d> Field<'d> {
    fn new(
        document: &'d Document<'d>,
        path: String,
        key_span: Range<usize>,
        value: Spanned<DeValue<'d>>,
    ) -> Self {
        Self { document, path, key_span, value }
    }

    pub(super) fn complain(&self, message: String) {
        self.place().complain(message);
    }

    fn expected<T>(&self, what: &str) -> Option<T> {
        self.complain(format!("expected {what}, not {}", kind(self.value.get_ref())));
        None
    }

    /// The text of a string.
    pub(super) fn string(&self) -> Option<String> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.clone().into_owned()),
            _ => self.expected("a string"),
        }
    }

    /// What `parse` makes of a string; its error becomes the complaint.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.string()?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.complain(format!("{text:?}: {error}"));
                None
            }
        }
    }

    /// A whole number of at least 1.
    pub(super) fn count<T: TryFrom<u64>>(&self) -> Option<T> {
        let what = "a whole number of 1 or more";
        let DeValue::Integer(digits) = self.value.get_ref() else { return self.expected(what) };
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|&number| number > 0);
        let Some(number) = number.and_then(|number| T::try_from(number).ok()) else {
            self.complain(format!("{digits} is out of range: {what} is expected"));
            return None;
        };
        Some(number)
    }

    /// True or false.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.expected("true or false"),
        }
    }

    /// A number within `range`.
    pub(super) fn number(&self, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        let (lowest, highest) = (range.start(), range.end());
        let what = format!("a number from {lowest} to {highest}");
        let number = match self.value.get_ref() {
            DeValue::Integer(digits) => digits.as_str().parse::<f64>().ok(),
            DeValue::Float(digits) => digits.as_str().parse::<f64>().ok(),
            _ => return self.expected(&what),
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.complain(format!("{what} is expected"));
        }
        number
    }

    /// Where the value stands, for complaints after it has been used up.
    pub(super) fn place(&self) -> Place<'d> {
        let span = match self.value.get_ref() {
            DeValue::Table(_) => self.key_span.clone(),
            _ => self.value.span(),
        };
        Place { document: self.document, path: self.path.clone(), span }
    }

    /// The items of an array, each as a field of the same key.
    pub(super) fn items(self) -> Option<Vec<Self>> {
        let Self { document, path, key_span, value } = self;
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(items) => Some(
                items.into_iter().map(|item| Self::new(document, path.clone(), item.span(), item)).collect(),
            ),
            other => {
                Self::new(document, path, key_span, Spanned::new(span, other)).expected("a list: [ ... ]")
            }
        }
    }

    /// The value as a section of its own.
    pub(super) fn section(self) -> Option<Section<'d>> {
        let Self { document, path, key_span, value } = self;
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Some(Section::new(document, path, key_span, table)),
            other => {
                let head = format!("a section: [{path}]");
                Self::new(document, path, key_span, Spanned::new(span, other)).expected(&head)
            }
        }
    }

    /// Whether the value is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(_))
    }

    /// Whether the value is a string.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::String(_))
    }

    /// Whether the value is a table.
    pub(super) fn is_section(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }
}

/// Where a value stood.
pub(super) struct Place<'d> {
    document: &'d Document<'d>,
    path: String,
    span: Range<usize>,
}

impl Place<'_> {
    pub(super) fn complain(&self, message: String) {
        self.document.complain(&self.span, &self.path, message);
    }
}

/// `; did you mean "x"?` for the nearest of the known words, or nothing where
/// none is near.
pub(super) fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> String {
    let most = (word.chars().count() / 3).max(1);
    known
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= most)
        .min()
        .map(|(_, candidate)| format!("; did you mean {candidate:?}?"))
        .unwrap_or_default()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
