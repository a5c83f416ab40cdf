// Any bytes, cut anywhere, are the same events.

/// The first byte says how long the slices are.
pub fn run(bytes: &[u8]) {
    let Some((&size, bytes)) = bytes.split_first() else { return };
    let whole = decode([bytes]);
    let cut = decode(bytes.chunks(usize::from(size).max(1)));
    assert_eq!(whole, cut);
}

fn decode<'b>(slices: impl IntoIterator<Item = &'b [u8]>) -> Vec<(Option<String>, String, String)> {
    let mut decoder = chinwag_protocol::sse::Decoder::default();
    let mut frames = Vec::new();
    for slice in slices {
        let fed = decoder.feed(slice, |frame| {
            let chunk = chinwag_protocol::Chunk::from_json(&frame.data);
            // What was read can be written and read again.
            if let Ok(chunk) = chunk {
                let _ = chinwag_protocol::Chunk::from_json(&chunk.to_json()).expect("our own chunk");
            }
            frames.push((frame.id, frame.event, frame.data));
        });
        if fed.is_err() {
            break;
        }
    }
    frames
}
