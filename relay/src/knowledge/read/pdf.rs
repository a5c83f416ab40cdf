//! The text of a PDF. The files that programs write are often wrong, and those
//! of strangers may be on purpose: what breaks the parser breaks one page, or
//! else one source. What it may cost is bounded by [`super::apart`].

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, PlainTextOutput, output_doc_page};
use serde::{Deserialize, Serialize};

use super::{Unreadable, unmarked};

/// Most pages that are read.
pub(super) const MAX_PAGES: usize = 2_000;

/// What was read of a PDF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PdfText {
    /// The text of every page, each under a heading with its number.
    pub text: String,
    /// What was left out, if anything.
    pub note: Option<String>,
}

/// Reads up to [`MAX_PAGES`] pages, and no more than `most` bytes of text.
///
/// It may take any time and memory: strangers have to be read by
/// [`super::apart::pdf`].
pub(super) fn text(bytes: &[u8], most: usize) -> Result<PdfText, Unreadable> {
    let opening = || {
        let mut document = Document::load_mem(bytes).map_err(|error| error.to_string())?;
        // Many are encrypted under no password, to forbid printing.
        if document.is_encrypted() && document.decrypt("").is_err() {
            return Err("it needs a password".to_owned());
        }
        Ok(document)
    };
    let document = guarded(opening).unwrap_or_else(|| Err(BROKEN.to_owned())).map_err(Unreadable::Pdf)?;
    let numbers: Vec<u32> = guarded(|| document.get_pages().into_keys().collect()).unwrap_or_default();
    let (mut text, mut unread) = (String::new(), BTreeSet::new());
    let mut is_cut = numbers.len() > MAX_PAGES;
    for number in numbers.iter().copied().take(MAX_PAGES) {
        let mut page = String::new();
        let reading = || output_doc_page(&document, &mut PlainTextOutput::new(&mut page), number);
        if !matches!(guarded(reading), Some(Ok(()))) {
            unread.insert(number);
        }
        let page = page.trim();
        if page.is_empty() {
            continue;
        }
        if text.len() + page.len() > most {
            is_cut = true;
            break;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "## Page {number}\n\n{}", unmarked(page));
    }
    match (text.is_empty(), unread.first()) {
        (true, None) => Err(Unreadable::Pdf("it has no text; pictures of text are not read".to_owned())),
        (true, Some(_)) => Err(Unreadable::Pdf(BROKEN.to_owned())),
        (false, first) => {
            let broken = first.map(|first| match unread.len() {
                1 => format!("page {first} is broken and was not read whole"),
                count => {
                    format!("{count} pages are broken and were not read whole, the first of them {first}")
                }
            });
            let cut = is_cut.then(|| format!("only {MAX_PAGES} pages and {most} bytes of text are read"));
            let notes: Vec<String> = broken.into_iter().chain(cut).collect();
            Ok(PdfText { text, note: (!notes.is_empty()).then(|| notes.join("; ")) })
        }
    }
}

const BROKEN: &str = "it is broken";

/// What a parser makes of a file that may be meant to break it.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1_000_000;

    /// A PDF with these contents of pages.
    fn pdf(pages: &[&str]) -> Vec<u8> {
        let first = 4;
        let kids: Vec<String> = (0..pages.len()).map(|place| format!("{} 0 R", first + 2 * place)).collect();
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        ];
        for (place, content) in pages.iter().enumerate() {
            objects.push(format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
                 /Resources << /Font << /F1 3 0 R >> >> >>",
                first + 2 * place + 1
            ));
            objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
        }
        let mut file = "%PDF-1.4\n".to_owned();
        let mut places = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            places.push(file.len());
            writeln!(file, "{} 0 obj\n{object}\nendobj", number + 1).unwrap();
        }
        let table = file.len();
        writeln!(file, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1).unwrap();
        for place in places {
            writeln!(file, "{place:010} 00000 n ").unwrap();
        }
        writeln!(file, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF", objects.len() + 1)
            .unwrap();
        file.into_bytes()
    }

    fn says(words: &str) -> String {
        format!("BT /F1 12 Tf 72 700 Td ({words}) Tj ET")
    }

    #[test]
    fn the_text_of_a_pdf_is_read_page_by_page() {
        let (one, two) = (says("Parcels take four days."), says("Returns are free."));
        let read = text(&pdf(&[&one, &two]), MOST).unwrap();
        assert_eq!(read.note, None);
        assert!(read.text.starts_with("## Page 1\n\nParcels take four days."), "{read:?}");
        assert!(read.text.contains("## Page 2\n\nReturns are free."), "{read:?}");
    }

    #[test]
    fn a_broken_page_is_left_out_and_the_others_are_read() {
        let (one, three) = (says("Parcels take four days."), says("Returns are free."));
        // A font that is nowhere.
        let broken = "BT /F9 12 Tf 72 700 Td (Lost) Tj ET";
        let read = text(&pdf(&[&one, broken, &three]), MOST).unwrap();
        assert!(read.text.contains("four days") && read.text.contains("## Page 3"), "{read:?}");
        assert_eq!(read.note.as_deref(), Some("page 2 is broken and was not read whole"));
    }

    #[test]
    fn no_more_text_is_read_than_there_is_room_for() {
        let page: &str = &says("Parcels take four days.");
        let read = text(&pdf(&[page; 50]), 200).unwrap();
        assert!(read.text.len() < 600, "{}", read.text.len());
        assert!(read.note.unwrap().contains("200 bytes of text are read"));
    }

    #[test]
    fn a_broken_pdf_is_an_error_and_no_panic() {
        let whole = pdf(&[&says("Parcels take four days.")]);
        for end in (0..whole.len()).step_by(37) {
            let _ = text(&whole[..end], MOST);
        }
        for at in (0..whole.len()).step_by(11) {
            let mut broken = whole.clone();
            broken[at] ^= 0x55;
            let _ = text(&broken, MOST);
        }
        assert!(matches!(text(b"not a PDF", MOST), Err(Unreadable::Pdf(_))));
        assert!(matches!(text(&pdf(&[""]), MOST), Err(Unreadable::Pdf(_))), "there is no text in it");
    }
}
