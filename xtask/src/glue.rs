//! Cuts out of wasm-bindgen's glue what the module no longer asks for.
//!
//! The glue is written for the module as the compiler left it. Since then
//! functions were taken out of that, and with them went imports; what the glue
//! holds for those, and whatever only that had used, is of no use to anyone.
//!
//! wasm-bindgen writes its glue in one way: what stands at the beginning of a line
//! begins something, and what an import does begins with its name, eight spaces in.

use crate::split::MAIN;
use anyhow::{Result, bail};
use std::collections::HashSet;
use wasmparser::{ExternalKind, Parser, Payload};

/// What a module and its glue call each other by.
#[derive(Debug, Default)]
pub struct Names {
    imports: HashSet<String>,
    exports: HashSet<String>,
}

impl Names {
    /// Reads them of a module and its parts, which have functions of each other as well.
    pub fn read<'a>(modules: impl IntoIterator<Item = &'a Vec<u8>>) -> Result<Self> {
        let mut names = Self::default();
        for payload in modules.into_iter().flat_map(|wasm| Parser::new(0).parse_all(wasm)) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        if import.module != MAIN {
                            names.imports.insert(import.name.to_owned());
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            names.exports.insert(export.name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(names)
    }
}

/// The glue without what no import and no export of the module needs. `used` is
/// code that names what stays whatever the glue itself does.
pub fn cut(glue: &str, names: &Names, used: &str) -> Result<String> {
    let mut items = items(&members(glue, &names.imports)?);
    items.retain(|item| !item.is_class_of_none(&names.exports));
    loop {
        let is_named = |name: &str, own: usize| {
            let others = items.iter().enumerate().filter(|(index, _)| *index != own);
            has_word(used, name) || others.into_iter().any(|(_, item)| has_word(&item.text, name))
        };
        let unused = items.iter().enumerate().position(|(index, item)| {
            item.name.as_deref().is_some_and(|name| item.may_go && !is_named(name, index))
        });
        match unused {
            Some(index) => drop(items.remove(index)),
            None => return Ok(items.into_iter().map(|item| item.text).collect()),
        }
    }
}

/// The glue without what it holds for imports that are gone.
fn members(glue: &str, imports: &HashSet<String>) -> Result<String> {
    let mut out = String::with_capacity(glue.len());
    let mut left = imports.len();
    let mut is_gone = false;
    for line in glue.split_inclusive('\n') {
        let member = line.strip_prefix(INDENT).filter(|rest| !rest.starts_with([' ', '}']));
        if let Some((name, _)) = member.and_then(|rest| rest.split_once(": function(")) {
            is_gone = !imports.contains(name);
            left -= usize::from(!is_gone);
        }
        if !is_gone {
            out.push_str(line);
        }
        if is_gone && line.starts_with("        }") && line.ends_with(",\n") {
            is_gone = false;
        }
    }
    if left > 0 || is_gone {
        bail!("wasm-bindgen's glue has another shape: {left} imports of the module are not found in it");
    }
    Ok(out)
}

/// How far in an import's name stands.
const INDENT: &str = "        ";

/// What stands at the beginning of a line, with all that follows it.
#[derive(Debug)]
struct Item {
    name: Option<String>,
    text: String,
    /// Whether it does nothing when it is not named.
    may_go: bool,
}

impl Item {
    /// A class whose objects the module can no longer make.
    fn is_class_of_none(&self, exports: &HashSet<String>) -> bool {
        let Some(name) = self.name.as_deref().filter(|_| has_word(&self.text, "class")) else { return false };
        !exports.contains(&format!("__wbg_{}_free", name.to_lowercase()))
    }
}

fn items(glue: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for line in glue.split_inclusive('\n') {
        let name = BEGINNINGS.iter().find_map(|(beginning, may_go)| {
            let rest = line.strip_prefix(beginning)?;
            let end = rest.find(|letter: char| !is_of_word(letter)).unwrap_or(rest.len());
            Some((rest[..end].to_owned(), *may_go))
        });
        match (name, items.last_mut()) {
            (Some((name, may_go)), _) => {
                items.push(Item { name: Some(name), text: line.to_owned(), may_go });
            }
            // A statement, but one that belongs to the class before it.
            (None, last)
                if line.starts_with("if (") && !line.starts_with("if (Symbol.dispose)") || last.is_none() =>
            {
                items.push(Item { name: None, text: line.to_owned(), may_go: false });
            }
            (None, Some(last)) => last.text.push_str(line),
            (None, None) => {}
        }
    }
    items
}

/// How what has a name begins, and whether it may go when nothing names it.
const BEGINNINGS: [(&str, bool); 6] = [
    ("export class ", false),
    ("export function ", false),
    ("async function ", true),
    ("function ", true),
    ("const ", true),
    ("let ", false),
];

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

/// Whether a text has a name in it, and not within a longer one.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let (before, rest) = text.split_at(start);
        !before.ends_with(is_of_word) && !rest[word.len()..].starts_with(is_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLUE: &str = "export class Handle {\n    free() { wasm.__wbg_handle_free(1); }\n}\n\
        if (Symbol.dispose) Handle.prototype[Symbol.dispose] = Handle.prototype.free;\n\n\
        export class Gone {\n    free() { GoneEnds.unregister(this); }\n}\n\
        if (Symbol.dispose) Gone.prototype[Symbol.dispose] = Gone.prototype.free;\n\
        export function mount(a) {\n    return Handle;\n}\n\
        function imports() {\n    const import0 = {\n        __proto__: null,\n\
        \x20       _1: function(a) {\n            return a;\n        },\n\
        \x20       _2: function() { return handle(function (a) {\n            debug(a);\n        }, arguments); },\n\
        \x20       _3: function(a) {\n            return text(a);\n        },\n    };\n    return import0;\n}\n\
        const GoneEnds = none\n    ? { a: () => {} }\n    : new Registry();\n\
        function debug(a) {\n    return debug(text(a));\n}\n\
        function handle(a) {\n}\nfunction text(a) {\n}\nlet wasm;\nfunction start() {\n    imports();\n}\n";

    fn names(imports: &[&str], exports: &[&str]) -> Names {
        let set = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Names { imports: set(imports), exports: set(exports) }
    }

    #[test]
    fn what_no_import_needs_goes_with_what_only_that_had_used() {
        let cut = cut(GLUE, &names(&["_1", "_3"], &["__wbg_handle_free", "mount"]), "start()").expect("cut");
        for gone in ["_2", "handle(", "debug", "Gone", "Registry"] {
            assert!(!cut.contains(gone), "{gone} is left in {cut}");
        }
        for kept in
            ["_1: function", "_3: function", "class Handle", "Handle.prototype.free", "text(a)", "let wasm"]
        {
            assert!(cut.contains(kept), "{kept} is gone from {cut}");
        }
    }

    #[test]
    fn an_import_that_the_glue_does_not_have_is_told() {
        let error =
            cut(GLUE, &names(&["_1", "_9"], &["__wbg_handle_free"]), "").expect_err("a lack").to_string();
        assert!(error.contains('1'), "{error}");
    }
}
