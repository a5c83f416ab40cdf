//! The sources of a reply: each told once, numbered, and none that a browser
//! should not open.

use chinwag_protocol::Chunk;

/// Most sources of one reply.
const MAX_SOURCES: usize = 100;

/// The sources of one reply, each told once, numbered from 1.
#[derive(Debug, Default)]
pub struct Sources {
    told: Vec<String>,
}

impl Sources {
    /// A cited page. What is no http(s) address is left out.
    pub fn add(&mut self, url: &str, title: Option<&str>, out: &mut Vec<Chunk>) {
        let is_web = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_web || self.told.len() >= MAX_SOURCES || self.told.iter().any(|told| told == url) {
            return;
        }
        self.told.push(url.to_owned());
        out.push(Chunk::SourceUrl {
            source_id: self.told.len().to_string(),
            url: url.to_owned(),
            title: title.filter(|title| !title.is_empty()).map(str::to_owned),
        });
    }

    /// A cited document without an address, of a kind that the provider does not
    /// tell.
    pub fn add_document(&mut self, id: &str, title: &str, out: &mut Vec<Chunk>) {
        self.add_document_of(id, "text/plain", title, out);
    }

    /// A cited document without an address.
    pub fn add_document_of(&mut self, id: &str, media_type: &str, title: &str, out: &mut Vec<Chunk>) {
        if title.is_empty() || self.told.len() >= MAX_SOURCES || self.told.iter().any(|told| told == id) {
            return;
        }
        self.told.push(id.to_owned());
        out.push(Chunk::SourceDocument {
            source_id: self.told.len().to_string(),
            media_type: media_type.to_owned(),
            title: title.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_told_once_and_only_if_it_is_a_page() {
        let (mut sources, mut out) = (Sources::default(), Vec::new());
        sources.add("https://a.example/x", Some("A"), &mut out);
        sources.add("https://a.example/x", None, &mut out);
        for bad in ["javascript:alert(1)", "data:text/html,x", "x", "", "file:///etc/passwd"] {
            sources.add(bad, None, &mut out);
        }
        sources.add_document("src_1", "Contact", &mut out);
        sources.add_document("src_1", "Contact", &mut out);
        sources.add_document("src_2", "", &mut out);
        assert_eq!(out.len(), 2, "{out:?}");
    }
}
