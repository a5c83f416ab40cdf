//! What the module's bytes are: functions by size, added up by where they come
//! from. Read from the modules that the size pass left, which have their symbols.

use crate::prune::path;
use crate::report;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// How many functions and how many places are named for each module.
const NAMED: usize = 30;

/// Prints the heaviest places and functions of every module in `folder`, before
/// compression. Functions that were made one have the name of either.
pub fn print(folder: &Path) -> Result<()> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.to_string_lossy().ends_with(SMALL));
    files.sort();
    if files.is_empty() {
        bail!(
            "{} has no modules: `cargo xtask dist` leaves them there when it makes the files",
            folder.display()
        );
    }
    for file in files {
        let wasm = fs::read(&file).with_context(|| file.display().to_string())?;
        let functions = functions(&wasm).with_context(|| file.display().to_string())?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let total: usize = functions.iter().map(|(_, size)| size).sum();
        report::detail(&format!("{name}: {} bytes of code", report::bytes(total as u64)));
        for (place, bytes) in heaviest(&places(&functions)) {
            report::detail(&format!("  {:>9}  {place}", report::bytes(bytes as u64)));
        }
        report::detail("  its heaviest functions");
        for (function, bytes) in heaviest(&functions) {
            report::detail(&format!("  {:>9}  {function}", report::bytes(bytes as u64)));
        }
    }
    Ok(())
}

/// How the names of the modules end.
const SMALL: &str = ".small.wasm";

/// The names of a module's functions, and how many bytes each has.
fn functions(wasm: &[u8]) -> Result<Vec<(String, usize)>> {
    let (mut imported, mut sizes, mut names) = (0, Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => sizes.push(body.range().len()),
            Payload::CustomSection(custom) => {
                let KnownCustom::Name(sections) = custom.as_known() else { continue };
                for section in sections {
                    let Name::Function(functions) = section? else { continue };
                    for function in functions {
                        let function = function?;
                        names.insert(function.index as usize, path(function.name));
                    }
                }
            }
            _ => {}
        }
    }
    let with_name =
        |(index, size)| (names.remove(&(imported + index)).unwrap_or_else(|| "(no name)".to_owned()), size);
    Ok(sizes.into_iter().enumerate().map(with_name).collect())
}

/// Where functions come from: a crate, and of the widget's own a room.
fn places(functions: &[(String, usize)]) -> Vec<(String, usize)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (name, size) in functions {
        *places.entry(place(name)).or_default() += size;
    }
    places.into_iter().collect()
}

/// `chinwag::view::panel` of `<chinwag::view::panel::Panel as leptos::X>::f::{closure#0}`.
fn place(name: &str) -> String {
    let start = name.find(|letter: char| letter.is_alphanumeric()).unwrap_or(0);
    let whole = &name[start..];
    let end = whole.find(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)));
    let mut steps = whole[..end.unwrap_or(whole.len())].split("::").filter(|step| !step.is_empty());
    let first = steps.next().unwrap_or("(no name)");
    if first != OWN {
        return first.to_owned();
    }
    let is_room = |step: &&str| step.starts_with(char::is_lowercase);
    std::iter::once(first).chain(steps.take(2).take_while(is_room)).collect::<Vec<_>>().join("::")
}

const OWN: &str = "chinwag";

fn heaviest(of: &[(String, usize)]) -> Vec<(String, usize)> {
    let mut sorted = of.to_vec();
    sorted.sort_by(|left, right| (right.1, &left.0).cmp(&(left.1, &right.0)));
    sorted.truncate(NAMED);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_told_by_its_crate_and_its_room() {
        for (name, expected) in [
            ("<chinwag::view::panel::Panel as leptos::X>::f::{closure#0}", "chinwag::view::panel"),
            ("chinwag::engine::update::chat::send", "chinwag::engine::update"),
            ("chinwag::start", "chinwag::start"),
            ("<alloc::vec::Vec<chinwag::A> as core::ops::Drop>::drop", "alloc"),
            ("memcpy", "memcpy"),
        ] {
            assert_eq!(place(name), expected, "{name}");
        }
    }

    #[test]
    fn places_add_up_and_the_heaviest_come_first() {
        let functions = [("a::x".to_owned(), 5), ("b::y".to_owned(), 8), ("a::z".to_owned(), 4)];
        assert_eq!(heaviest(&places(&functions)), [("a".to_owned(), 9), ("b".to_owned(), 8)]);
    }
}
