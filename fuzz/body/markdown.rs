// Any text, growing by any steps, settles to what the whole text is.

use chinwag::engine::markdown::{Document, parse};

/// The first byte says how many characters come at once.
pub fn run(bytes: &[u8]) {
    let Some((&size, bytes)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    let whole = parse(&text);
    let mut growing = Document::new();
    let characters: Vec<char> = text.chars().collect();
    for piece in characters.chunks(usize::from(size).max(1)) {
        growing.push(&piece.iter().collect::<String>());
    }
    growing.finish();
    assert_eq!(growing.settled(), whole);
}
