//! However a stream's bytes are cut, the same frames and chunks come out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use chinwag_protocol::sse::{self, Decoder, Frame};
use chinwag_protocol::{Chunk, EventId};
use proptest::prelude::*;

fn decode(slices: &[&[u8]]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut decoder = Decoder::default();
    for slice in slices {
        decoder.feed(slice, |frame| frames.push(frame)).unwrap();
    }
    frames
}

fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut from = 0;
    let mut slices = Vec::new();
    for place in places {
        slices.push(&bytes[from..place]);
        from = place;
    }
    slices.push(&bytes[from..]);
    slices
}

/// Pieces from which most of the grammar's corners arise.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"data: ".to_vec()),
        Just(b"data".to_vec()),
        Just(b"event: token".to_vec()),
        Just(b"id: e:1".to_vec()),
        Just(b"retry: 10".to_vec()),
        Just(b": ping".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just("\u{FEFF}".as_bytes().to_vec()),
        Just("äöü 日本 👩‍👩‍👧".as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(
        pieces in prop::collection::vec(piece(), 0..40),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = pieces.concat();
        let whole = decode(&[&bytes]);
        prop_assert_eq!(&decode(&cut(&bytes, &places)), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&decode(&single), &whole);
    }

    #[test]
    fn what_is_encoded_is_decoded(
        deltas in prop::collection::vec(any::<String>(), 1..20),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let chunks: Vec<Chunk> =
            deltas.into_iter().map(|delta| Chunk::TextDelta { id: "t".into(), delta }).collect();
        let mut wire = String::new();
        for (seq, chunk) in (1..).zip(&chunks) {
            sse::encode(&mut wire, Some(&EventId { epoch: "e1".into(), seq }), &chunk.to_json());
            wire.push_str(sse::HEARTBEAT);
        }
        let frames = decode(&cut(wire.as_bytes(), &places));
        let read: Vec<Chunk> = frames.iter().map(|f| Chunk::from_json(&f.data).unwrap()).collect();
        prop_assert_eq!(read, chunks);
        prop_assert_eq!(frames.last().unwrap().id.clone(), Some(format!("e1:{}", frames.len())));
    }

    #[test]
    fn no_json_makes_the_chunk_reader_panic(text in ".{0,200}") {
        let _ = Chunk::from_json(&text);
    }
}
