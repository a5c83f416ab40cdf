//! The style sheets of `style/`, in the order of `style/sheets.json`: of two rules
//! that weigh the same, the later one holds.

use crate::dist::read;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::Path;

/// The sheets that a page fetches, each as one text.
#[derive(Debug)]
pub struct Sheets {
    /// What the panel looks like until the first part of the module comes.
    pub panel: String,
    /// What parts draw: messages, menus, files, the list of conversations. It stands
    /// before the panel's in the page.
    pub answer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    panel: Vec<String>,
    answer: Vec<String>,
}

impl Sheets {
    /// Reads them below the workspace's root.
    pub fn read(root: &Path) -> Result<Self> {
        let folder = root.join("style");
        let order = folder.join("sheets.json");
        let order: Order =
            serde_json::from_str(&read(&order)?).with_context(|| order.display().to_string())?;
        let joined = |names: &[String]| -> Result<String> {
            names.iter().map(|name| read(&folder.join(format!("{name}.css")))).collect()
        };
        Ok(Self { panel: joined(&order.panel)?, answer: joined(&order.answer)? })
    }
}
