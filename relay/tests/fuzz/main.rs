//! The bodies of the fuzz targets on stable: every file of the corpus, and
//! bytes that are near one of them or near nothing.

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "../../../fuzz/body/config.rs"]
mod config;
#[path = "corpus.rs"]
mod corpus;
#[path = "../../../fuzz/body/decoder.rs"]
mod decoder;
#[path = "../../../fuzz/body/sse.rs"]
mod sse;
#[path = "../../../fuzz/body/token.rs"]
mod token;

#[test]
fn events_do_not_depend_on_where_bytes_are_cut() {
    corpus::run("sse", 2_000, sse::run);
}

#[test]
fn no_bytes_are_a_token() {
    corpus::run("token", 500, token::run);
}

#[test]
fn a_configuration_is_read_or_refused_by_name() {
    corpus::run("config", 1_000, config::run);
}

#[test]
fn every_decoder_ends_any_bytes_once() {
    corpus::run("decoder", 6_000, decoder::run);
}

/// A decoder that the fuzzer never starts from would hardly be reached.
#[test]
fn every_decoder_has_a_corpus() {
    let seeds = corpus::read("decoder");
    for (place, (name, _)) in decoder::DECODERS.iter().enumerate() {
        let is_of = |seed: &Vec<u8>| seed.first().is_some_and(|first| usize::from(*first) == place);
        assert!(seeds.iter().any(is_of), "fuzz/corpus/decoder has nothing for {name}");
    }
}
