//! The corpus of a target, and bytes that are made from it.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The files of a target's corpus, in the order of their names.
pub fn read(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs a body with the corpus, and with `cases` further inputs: noise, and
/// files with a piece taken out, put in or replaced.
pub fn run(target: &str, cases: u32, body: fn(&[u8])) {
    let seeds = read(target);
    for seed in &seeds {
        body(seed);
    }
    let noise = prop::collection::vec(any::<u8>(), 0..400);
    let piece = prop::collection::vec(any::<u8>(), 0..4);
    let near = (prop::sample::select(seeds), any::<prop::sample::Index>(), 0..12_usize, piece).prop_map(
        |(mut seed, place, gone, piece)| {
            let begin = place.index(seed.len() + 1);
            let end = (begin + gone).min(seed.len());
            seed.splice(begin..end, piece);
            seed
        },
    );
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop_oneof![1 => noise.boxed(), 4 => near.boxed()], |bytes| {
            body(&bytes);
            Ok(())
        })
        .unwrap();
}
