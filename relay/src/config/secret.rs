//! Secrets of the operator: a value that never shows itself.

use std::fmt;
use std::path::Path;

use super::document::Field;
use super::read::Reader;

/// A key or password. It is shown as a mask everywhere, and read only by
/// [`Secret::expose`], at the place that sends or uses it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes over a secret value.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself. Never into a log, an error or an answer.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Reader<'_> {
    /// `{ env = "NAME" }` or `{ file = "PATH" }`. No complaint quotes a value.
    pub(super) fn secret(&self, field: Field<'_>) -> Option<Secret> {
        const FORMS: &str = "{ env = \"NAME\" } or { file = \"PATH\" }";
        if !field.is_section() {
            field.complain(format!("a secret is never written into this file: use {FORMS}"));
            return None;
        }
        let mut section = field.section()?;
        let value = match (section.take("env"), section.take("file")) {
            (Some(field), None) => {
                let name = field.string()?;
                let value = (self.environment)(&name).filter(|value| !value.is_empty());
                if value.is_none() {
                    field.complain(format!("the environment variable {name} is not set"));
                }
                value
            }
            (None, Some(field)) => {
                let path = self.path(&field)?;
                let value = read_secret(&path);
                if let Err(reason) = &value {
                    field.complain(format!("{}: {reason}", path.display()));
                }
                value.ok()
            }
            _ => {
                section.complain_here(format!("a secret is one of {FORMS}"));
                None
            }
        };
        section.finish();
        value.map(Secret::new)
    }
}

fn read_secret(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| describe(&error))?.len();
    if size > MAX_SECRET_BYTES {
        return Err(format!("a secret is at most {MAX_SECRET_BYTES} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| describe(&error))?;
    // Editors and `echo` end a file with a line break that is no part of the key.
    let value = text.trim_end_matches(['\r', '\n']);
    if value.is_empty() { Err("the file is empty".to_owned()) } else { Ok(value.to_owned()) }
}

fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    }
}

/// Largest secret that is read from a file, in bytes: a key, not a document.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let secret = Secret::new("sk-very-secret".into());
        assert!(!format!("{secret:?} {:?}", Some(&secret)).contains("very"));
        assert_eq!(secret.expose(), "sk-very-secret");
    }
}
