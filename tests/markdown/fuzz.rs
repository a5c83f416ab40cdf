//! The body of the fuzz target, with its corpus and with bytes near it.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::body;

#[test]
fn no_bytes_break_the_engine_and_growing_text_settles_to_the_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/markdown");
    let files = fs::read_dir(&folder).expect("the corpus is there");
    let seeds: Vec<Vec<u8>> =
        files.map(|file| fs::read(file.expect("a file").path()).expect("a file")).collect();
    assert!(!seeds.is_empty(), "{} is empty", folder.display());
    for seed in &seeds {
        body::run(seed);
    }
    let piece = prop::collection::vec(any::<u8>(), 0..6);
    let near = (prop::sample::select(seeds), any::<prop::sample::Index>(), 0..12_usize, piece).prop_map(
        |(mut seed, place, gone, piece)| {
            let begin = place.index(seed.len() + 1);
            let end = (begin + gone).min(seed.len());
            seed.splice(begin..end, piece);
            seed
        },
    );
    let config = Config { cases: 1_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&near, |bytes| {
        body::run(&bytes);
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}
