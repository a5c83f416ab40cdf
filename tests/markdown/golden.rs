//! Golden files: `NAME.md` is a text, `NAME.txt` what it becomes. With
//! `UPDATE_GOLDEN=1` they are written anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use chinwag::engine::markdown::{Block, Cell, Document, Inline, parse};

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

/// One line for each block, children under their parents.
fn outline(blocks: &[Block], indent: usize, lines: &mut String) {
    for block in blocks {
        let (line, children) = match block {
            Block::Paragraph(inlines) => (format!("p {}", row(inlines)), &[][..]),
            Block::Heading { level, children } => (format!("h{level} {}", row(children)), &[][..]),
            Block::CodeBlock { language, text } => (format!("code {language:?} {text:?}"), &[][..]),
            Block::Rule => ("rule".to_owned(), &[][..]),
            Block::Quote(blocks) => ("quote".to_owned(), blocks.as_slice()),
            Block::Table { alignments, head, rows } => {
                let cells =
                    |cells: &Vec<Cell>| cells.iter().map(|cell| row(cell)).collect::<Vec<_>>().join(" | ");
                let rows: Vec<String> = std::iter::once(head).chain(rows).map(cells).collect();
                (format!("table {alignments:?} {}", rows.join(" // ")), &[][..])
            }
            Block::List { start, tight, items } => {
                let tight = if *tight { "tight" } else { "loose" };
                indented(indent, &format!("list {start:?} {tight}"), lines);
                for item in items {
                    indented(indent + 2, &format!("item {:?}", item.task), lines);
                    outline(&item.blocks, indent + 4, lines);
                }
                continue;
            }
        };
        indented(indent, &line, lines);
        outline(children, indent + 2, lines);
    }
}

fn indented(indent: usize, line: &str, lines: &mut String) {
    lines.extend(std::iter::repeat_n(' ', indent));
    lines.push_str(line);
    lines.push('\n');
}

fn row(inlines: &[Inline]) -> String {
    let inline = |inline: &Inline| match inline {
        Inline::Text(text) => format!("{text:?}"),
        Inline::Code(code) => format!("(code {code:?})"),
        Inline::Emph(children) => format!("(emph {})", row(children)),
        Inline::Strong(children) => format!("(strong {})", row(children)),
        Inline::Strike(children) => format!("(strike {})", row(children)),
        Inline::Link { href, title, children } => {
            format!("(link {:?} {title:?} {})", href.as_str(), row(children))
        }
        Inline::Image { src, title, alt } => format!("(image {:?} {title:?} {alt:?})", src.as_str()),
        Inline::SoftBreak => "soft".to_owned(),
        Inline::HardBreak => "hard".to_owned(),
    };
    inlines.iter().map(inline).collect::<Vec<_>>().join(" ")
}

fn lines(blocks: &[Block]) -> String {
    let mut lines = String::new();
    outline(blocks, 0, &mut lines);
    lines
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
            indented(0, &format!("--- settled {} ---", document.settled().len()), &mut golden);
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
