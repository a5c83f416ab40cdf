// Any text is a configuration or an error that says where it is wrong.

use std::path::Path;

use chinwag_relay::config::{Config, Overrides};

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let environment = |name: &str| (name == "KEY").then(|| "secret-of-the-environment".to_owned());
    match Config::parse(Path::new("chinwag.toml"), text, &environment, &Overrides::default()) {
        Ok(config) => assert!(!format!("{config:?}").contains("secret-of-the-environment")),
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("chinwag.toml"), "{said}");
            assert!(!said.contains("secret-of-the-environment"), "{said}");
        }
    }
}
