//! The text of a PDF. The files that programs write are often wrong, and those
//! of strangers may be on purpose: what breaks the parser breaks one source.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Unreadable, unmarked};

/// The text of every page, each under a heading with its number.
pub(super) fn text(bytes: &[u8]) -> Result<String, Unreadable> {
    let pages = match catch_unwind(AssertUnwindSafe(|| pdf_extract::extract_text_from_mem_by_pages(bytes))) {
        Ok(Ok(pages)) => pages,
        Ok(Err(error)) => return Err(Unreadable::Pdf(error.to_string())),
        Err(_) => return Err(Unreadable::Pdf("it is broken".to_owned())),
    };
    let has_text = pages.iter().any(|page| !page.trim().is_empty());
    if !has_text {
        return Err(Unreadable::Pdf("it has no text; pictures of text are not read".to_owned()));
    }
    let mut text = String::new();
    for (place, page) in pages.iter().enumerate().filter(|(_, page)| !page.trim().is_empty()) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "## Page {}\n\n{}", place + 1, unmarked(page.trim()));
    }
    Ok(text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PDF of one page that says `words`.
    pub(crate) fn pdf(words: &str) -> Vec<u8> {
        let content = format!("BT /F1 12 Tf 72 700 Td ({words}) Tj ET");
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
             /Resources << /Font << /F1 5 0 R >> >> >>"
                .to_owned(),
            format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        ];
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

    #[test]
    fn the_text_of_a_pdf_is_read_page_by_page() {
        let text = text(&pdf("Parcels take four days.")).unwrap();
        assert!(text.starts_with("## Page 1\n\n") && text.contains("Parcels take four days."), "{text:?}");
    }

    #[test]
    fn a_broken_pdf_is_an_error_and_no_panic() {
        let whole = pdf("Parcels take four days.");
        for end in (0..whole.len()).step_by(37) {
            let _ = text(&whole[..end]);
        }
        for at in (0..whole.len()).step_by(11) {
            let mut broken = whole.clone();
            broken[at] ^= 0x55;
            let _ = text(&broken);
        }
        assert!(matches!(text(b"not a PDF"), Err(Unreadable::Pdf(_))));
        assert!(matches!(text(&pdf("")), Err(Unreadable::Pdf(_))), "there is no text in it");
    }
}
