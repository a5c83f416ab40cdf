//! Golden files: `NAME.md` is a text, `NAME.txt` what it becomes. With
//! `UPDATE_GOLDEN=1` they are written anew.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::{env, fs};

use chinwag::engine::markdown::{Document, parse};

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder("markdown")).expect("the folder of golden files");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

fn lines(blocks: &[impl Debug]) -> String {
    blocks.iter().map(|block| format!("{block:#?}\n")).collect()
}

/// What is drawn at points of a text that arrives, then the whole.
fn golden(text: &str) -> String {
    let mut document = Document::new();
    let mut golden = String::new();
    // Texts with a marker are shown as they stand when it is reached.
    let mut slices = text.split("⏸").peekable();
    while let Some(slice) = slices.next() {
        document.push(slice);
        if slices.peek().is_some() {
            golden += &format!("--- settled {} ---\n", document.settled().len());
            golden += &lines(document.tail());
        }
    }
    document.finish();
    assert_eq!(document.settled(), parse(&text.replace('⏸', "")));
    golden + "--- whole ---\n" + &lines(document.settled())
}

#[test]
fn texts_become_the_trees_of_their_golden_files() {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let sources = files("md");
    assert!(sources.len() >= 10, "only {} golden files", sources.len());
    for source in sources {
        let target = source.with_extension("txt");
        let golden = golden(&read(&source));
        if update {
            fs::write(&target, golden).expect("a golden file can be written");
        } else {
            assert_eq!(
                golden,
                read(&target),
                "{}: run with UPDATE_GOLDEN=1 if this is wanted",
                source.display()
            );
        }
    }
}

#[test]
fn every_golden_file_has_its_text() {
    for target in files("txt") {
        assert!(target.with_extension("md").exists(), "{} is stale", target.display());
    }
}
