// What a decoder makes of bytes that come in slices.

use chinwag_protocol::Chunk;
use chinwag_relay::upstream::decode::Decoder;

/// All chunks of bytes that come in these slices and then end: exactly one of
/// them is terminal, and it is the last.
pub fn decode<'b>(
    name: &str,
    mut decoder: Decoder,
    slices: impl IntoIterator<Item = &'b [u8]>,
) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = slices.into_iter().flat_map(|slice| decoder.feed(slice)).collect();
    chunks.extend(decoder.finish());
    let terminals = chunks.iter().filter(|chunk| chunk.is_terminal()).count();
    assert!(terminals == 1 && chunks.last().is_some_and(Chunk::is_terminal), "{name}: {chunks:?}");
    chunks
}

/// Neighbouring pieces of one block are one: where a text is cut is not part of
/// what it says.
pub fn merge(chunks: Vec<Chunk>) -> Vec<Chunk> {
    let mut merged: Vec<Chunk> = Vec::new();
    for chunk in chunks {
        match (merged.last_mut(), &chunk) {
            (Some(Chunk::TextDelta { id, delta }), Chunk::TextDelta { id: same, delta: more })
            | (Some(Chunk::ReasoningDelta { id, delta }), Chunk::ReasoningDelta { id: same, delta: more })
                if id == same =>
            {
                delta.push_str(more);
            }
            _ => merged.push(chunk),
        }
    }
    merged
}
