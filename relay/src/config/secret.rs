//! Secrets of the operator: a value that never shows itself.

use std::fmt;

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
