//! Golden files: bytes of a provider's wire, and the chunks that follow.
//!
//! `tests/golden/<provider>/<case>.<wire>` holds the bytes and
//! `<case>.<wire>.chunks` one chunk per line. `UPDATE_GOLDEN=1` writes the
//! latter anew; a file without its fellow is a failure. Each case is read whole,
//! byte by byte, and cut at every place.

use std::fs;
use std::path::{Path, PathBuf};

use chinwag_protocol::Chunk;
use chinwag_relay::upstream::decode::Decoder;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

use crate::reading::{decode, merge};

/// Makes a decoder for the wire of that extension, such as `sse` or `whole`.
pub(crate) type MakeDecoder = fn(&str) -> Decoder;

const CHUNKS: &str = "chunks";

/// Holds every golden file of a provider, and the properties that follow from
/// it, against a decoder. `wires` are the extensions that there must be.
pub(crate) fn check(provider: &str, wires: &[&str], make: MakeDecoder) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(provider);
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let extension = |path: &Path| path.extension().unwrap_or_default().to_string_lossy().into_owned();
    for wire in wires {
        assert!(files.iter().any(|file| extension(file) == *wire), "{provider} has no golden .{wire}");
    }
    for file in &files {
        if extension(file) == CHUNKS {
            assert!(file.with_extension("").exists(), "{}: nothing has these chunks", file.display());
            continue;
        }
        let bytes = fs::read(file).unwrap();
        let make = || make(&extension(file));
        let name = file.display().to_string();
        let chunks = decode(&name, make(), [bytes.as_slice()]);
        let text: String = chunks.iter().map(|chunk| chunk.to_json() + "\n").collect();
        let expected = PathBuf::from(format!("{}.{CHUNKS}", file.display()));
        if update {
            fs::write(&expected, &text).unwrap();
        }
        let known = fs::read_to_string(&expected)
            .unwrap_or_else(|_| panic!("{} is missing: UPDATE_GOLDEN=1 writes it", expected.display()));
        assert!(text == known, "{} is stale:\n{text}", expected.display());
        check_splits(&name, &bytes, &chunks, &make);
    }
    check_arbitrary(wires, make);
}

fn check_splits(name: &str, bytes: &[u8], chunks: &[Chunk], make: &dyn Fn() -> Decoder) {
    let whole = merge(chunks.to_vec());
    assert_eq!(merge(decode(name, make(), bytes.chunks(1))), whole, "{name}, byte by byte");
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(merge(decode(name, make(), [head, tail])), whole, "{name}, cut at {cut}");
    }
    let places = prop::collection::vec(0..=bytes.len(), 0..12);
    TestRunner::new(runs(64))
        .run(&places, |mut places| {
            places.sort_unstable();
            places.insert(0, 0);
            places.push(bytes.len());
            let slices = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(merge(decode(name, make(), slices)), whole.clone());
            Ok(())
        })
        .unwrap();
}

/// Bytes that nobody meant: no panic, and exactly one terminal chunk. Half of
/// them are shaped like the wire, so that they come further.
fn check_arbitrary(wires: &[&str], make: MakeDecoder) {
    let noise = prop::collection::vec(any::<u8>(), 0..600).boxed();
    let words = prop::sample::select(vec![
        "data: ",
        "event: token\n",
        "event: error\n",
        "\n",
        "\n\n",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "null",
        "0",
        "-1e9",
        "true",
        "[DONE]",
        "\"type\":",
        "\"error\"",
        "\"data\":",
        "\"delta\":",
        "\"choices\"",
        "\"text-delta\"",
        "\"finish\"",
        "\"id\":",
        "\"response.completed\"",
        "\"result\"",
        "\"token\"",
        "\"content\":",
        "{\"type\":\"error\"}",
        "\u{20ac}",
        "\u{1f642}",
        "\\ud83d",
        "\\u0000",
    ]);
    let shaped = prop::collection::vec(words, 0..40).prop_map(|words| words.concat().into_bytes()).boxed();
    let bytes = prop_oneof![noise, shaped];
    for wire in wires {
        TestRunner::new(runs(400))
            .run(&(bytes.clone(), 1..50_usize), |(bytes, size)| {
                decode(wire, make(wire), bytes.chunks(size));
                Ok(())
            })
            .unwrap();
    }
}

fn runs(cases: u32) -> Runs {
    Runs { cases, failure_persistence: None, ..Runs::default() }
}
