//! Markdown as a page. Whatever is not understood becomes text; HTML in a
//! document is shown, never obeyed.

use std::collections::HashMap;
use std::fmt::Write as _;

use pulldown_cmark::{Alignment, BlockQuoteKind, CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::upstream::docs::corpus::{Corpus, Target, served_path};
use crate::upstream::docs::markdown::{Document, options};

/// A document with fewer sections than this needs no list of them.
const LEAST_SECTIONS_LISTED: usize = 4;

/// The page of a document.
pub(super) fn document(corpus: &Corpus, agent: &str, document: &Document) -> String {
    let mut page = Page::new(&format!("{} \u{b7} {agent}", document.title));
    let out = &mut page.out;
    out.push_str("<nav class=\"trail\" aria-label=\"Documents\"><a href=\"");
    escape_into(out, &list_path(agent));
    out.push_str("\">All documents</a> <span aria-hidden=\"true\">/</span> <span>");
    escape_into(out, &document.path);
    out.push_str("</span></nav><main><article>");
    let mut writer = Writer::new(corpus, agent, document);
    for event in Parser::new_ext(&document.text, options()) {
        writer.write(event);
    }
    if !writer.has_title {
        out.push_str("<h1>");
        escape_into(out, &document.title);
        out.push_str("</h1>");
    }
    contents_into(out, &writer.contents);
    out.push_str(&writer.out);
    out.push_str("</article></main>");
    page.end()
}

/// The page that lists all documents of an agent.
pub(super) fn list(corpus: &Corpus, agent: &str) -> String {
    let mut page = Page::new(&format!("Documents \u{b7} {agent}"));
    let out = &mut page.out;
    out.push_str("<main><h1>Documents</h1>");
    if corpus.documents().is_empty() {
        out.push_str("<p>There are none yet.</p>");
    } else {
        out.push_str("<p class=\"lead\">What <b>");
        escape_into(out, agent);
        out.push_str("</b> answers from.</p><ul class=\"documents\">");
        for document in corpus.documents() {
            out.push_str("<li><a href=\"");
            escape_into(out, &served_path(agent, &document.path, None));
            out.push_str("\">");
            escape_into(out, &document.title);
            out.push_str("</a> <span>");
            escape_into(out, &document.path);
            out.push_str("</span></li>");
        }
        out.push_str("</ul>");
    }
    out.push_str("</main>");
    page.end()
}

/// A page that says one thing.
pub(super) fn notice(title: &str, text: &str, back: Option<&str>) -> String {
    let mut page = Page::new(title);
    let out = &mut page.out;
    out.push_str("<main><h1>");
    escape_into(out, title);
    out.push_str("</h1><p>");
    escape_into(out, text);
    out.push_str("</p>");
    if let Some(back) = back {
        out.push_str("<p><a href=\"");
        escape_into(out, back.trim_end_matches('/'));
        // The root itself has nothing left after the slash.
        out.push_str(if back == "/" { "/\">Start page</a></p>" } else { "\">All documents</a></p>" });
    }
    out.push_str("</main>");
    page.end()
}

fn list_path(agent: &str) -> String {
    served_path(agent, "", None).trim_end_matches('/').to_owned()
}

struct Page {
    out: String,
}

impl Page {
    fn new(title: &str) -> Self {
        let mut out = String::with_capacity(8 * 1024);
        out.push_str(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\"><title>",
        );
        escape_into(&mut out, title);
        out.push_str("</title><link rel=\"stylesheet\" href=\"/docs.css\"></head><body>");
        Self { out }
    }

    fn end(mut self) -> String {
        self.out.push_str("</body></html>\n");
        self.out
    }
}

fn contents_into(out: &mut String, contents: &[(String, String)]) {
    if contents.len() < LEAST_SECTIONS_LISTED {
        return;
    }
    out.push_str("<details class=\"contents\"><summary>On this page</summary><ul>");
    for (anchor, text) in contents {
        out.push_str("<li><a href=\"#");
        escape_into(out, anchor);
        out.push_str("\">");
        escape_into(out, text);
        out.push_str("</a></li>");
    }
    out.push_str("</ul></details>");
}

/// Writes the events of one document.
struct Writer<'a> {
    corpus: &'a Corpus,
    agent: &'a str,
    document: &'a Document,
    anchors: std::slice::Iter<'a, String>,
    out: String,
    /// Anchor and text of each heading below the title.
    contents: Vec<(String, String)>,
    heading: Option<(String, String)>,
    has_title: bool,
    /// For each open link, whether it leads anywhere.
    links: Vec<bool>,
    /// An image that is open: where from, its text, how many are inside.
    image: Option<(Option<String>, String, usize)>,
    alignments: Vec<Alignment>,
    column: usize,
    in_table_head: bool,
    footnotes: HashMap<String, usize>,
}

impl<'a> Writer<'a> {
    fn new(corpus: &'a Corpus, agent: &'a str, document: &'a Document) -> Self {
        Self {
            corpus,
            agent,
            document,
            anchors: document.anchors.iter(),
            out: String::with_capacity(document.text.len() * 2),
            contents: Vec::new(),
            heading: None,
            has_title: false,
            links: Vec::new(),
            image: None,
            alignments: Vec::new(),
            column: 0,
            in_table_head: false,
            footnotes: HashMap::new(),
        }
    }

    fn write(&mut self, event: Event<'_>) {
        if self.image.is_some() {
            self.inside_image(&event);
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                if let Some((_, heading)) = &mut self.heading {
                    heading.push_str(&text);
                }
                self.text(&text);
            }
            Event::Code(text) => {
                if let Some((_, heading)) = &mut self.heading {
                    heading.push_str(&text);
                }
                self.raw("<code>");
                self.text(&text);
                self.raw("</code>");
            }
            // A comment was never meant to be read.
            Event::Html(html) | Event::InlineHtml(html) if html.trim_start().starts_with("<!--") => {}
            Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::SoftBreak => self.raw("\n"),
            Event::HardBreak => self.raw("<br>"),
            Event::Rule => self.raw("<hr>"),
            Event::TaskListMarker(is_done) => self.raw(if is_done {
                "<input type=\"checkbox\" disabled checked aria-label=\"done\"> "
            } else {
                "<input type=\"checkbox\" disabled aria-label=\"to do\"> "
            }),
            Event::FootnoteReference(label) => {
                let number = self.footnote(&label);
                // Writing into a String cannot fail.
                let _ = write!(self.out, "<sup><a href=\"#footnote:{number}\">{number}</a></sup>");
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.raw("<p>"),
            Tag::Heading { level, .. } => {
                let anchor = self.anchors.next().cloned().unwrap_or_default();
                self.has_title |= level as u8 == 1;
                let _ = write!(self.out, "<h{} id=\"", level as u8);
                self.text(&anchor);
                self.raw("\">");
                self.heading = Some((anchor, String::new()));
            }
            Tag::BlockQuote(kind) => {
                self.raw("<blockquote>");
                if let Some(kind) = kind {
                    self.raw("<p class=\"kind\">");
                    self.raw(alert(kind));
                    self.raw("</p>");
                }
            }
            // It scrolls, so it must be reachable by keyboard.
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.raw("<pre tabindex=\"0\"><code>");
            }
            Tag::List(Some(first)) => {
                let _ = write!(self.out, "<ol start=\"{first}\">");
            }
            Tag::List(None) => self.raw("<ul>"),
            Tag::Item => self.raw("<li>"),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>");
            }
            Tag::TableHead => {
                (self.in_table_head, self.column) = (true, 0);
                self.raw("<thead><tr>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.raw("<tr>");
            }
            Tag::TableCell => {
                let class = match self.alignments.get(self.column) {
                    Some(Alignment::Right) => " class=\"right\"",
                    Some(Alignment::Center) => " class=\"center\"",
                    _ => "",
                };
                self.column += 1;
                let name = if self.in_table_head { "th scope=\"col\"" } else { "td" };
                let _ = write!(self.out, "<{name}{class}>");
            }
            Tag::Emphasis => self.raw("<em>"),
            Tag::Strong => self.raw("<strong>"),
            Tag::Strikethrough => self.raw("<del>"),
            Tag::Link { dest_url, .. } => self.open_link(&dest_url),
            Tag::Image { dest_url, .. } => {
                let source = match self.corpus.follow(self.document, &dest_url) {
                    Some(Target::Image(path)) => Some(served_path(self.agent, path, None)),
                    _ => None,
                };
                self.image = Some((source, String::new(), 1));
            }
            Tag::FootnoteDefinition(label) => {
                let number = self.footnote(&label);
                let _ =
                    write!(self.out, "<aside class=\"footnote\" id=\"footnote:{number}\"><b>{number}</b> ");
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.raw("</p>\n"),
            TagEnd::Heading(level) => {
                let _ = writeln!(self.out, "</h{}>", level as u8);
                if let Some(heading) = self.heading.take().filter(|_| level as u8 == 2) {
                    self.contents.push(heading);
                }
            }
            TagEnd::BlockQuote(_) => self.raw("</blockquote>\n"),
            TagEnd::CodeBlock => self.raw("</code></pre>\n"),
            TagEnd::List(true) => self.raw("</ol>\n"),
            TagEnd::List(false) => self.raw("</ul>\n"),
            TagEnd::Item => self.raw("</li>"),
            TagEnd::Table => self.raw("</tbody></table></div>\n"),
            TagEnd::TableHead => {
                self.in_table_head = false;
                self.raw("</tr></thead><tbody>");
            }
            TagEnd::TableRow => self.raw("</tr>"),
            TagEnd::TableCell => self.raw(if self.in_table_head { "</th>" } else { "</td>" }),
            TagEnd::Emphasis => self.raw("</em>"),
            TagEnd::Strong => self.raw("</strong>"),
            TagEnd::Strikethrough => self.raw("</del>"),
            TagEnd::Link if self.links.pop() == Some(true) => self.raw("</a>"),
            TagEnd::FootnoteDefinition => self.raw("</aside>\n"),
            _ => {}
        }
    }

    fn open_link(&mut self, destination: &str) {
        let (url, is_web) = match self.corpus.follow(self.document, destination) {
            Some(Target::Web(url)) => (url, true),
            Some(Target::Document(document, fragment)) => {
                (served_path(self.agent, &document.path, fragment), false)
            }
            Some(Target::Image(path)) => (served_path(self.agent, path, None), false),
            None => {
                self.links.push(false);
                return;
            }
        };
        self.raw("<a href=\"");
        self.text(&url);
        self.raw(if is_web { "\" rel=\"noopener noreferrer\">" } else { "\">" });
        self.links.push(true);
    }

    /// Between an image's brackets is its text, whatever else it looks like.
    fn inside_image(&mut self, event: &Event<'_>) {
        let Some((_, alt, depth)) = &mut self.image else { return };
        match event {
            Event::Text(text) | Event::Code(text) => alt.push_str(text),
            Event::SoftBreak | Event::HardBreak => alt.push(' '),
            Event::Start(Tag::Image { .. }) => *depth += 1,
            Event::End(TagEnd::Image) => *depth -= 1,
            _ => {}
        }
        if *depth > 0 {
            return;
        }
        if let Some((source, alt, _)) = self.image.take() {
            let Some(source) = source else {
                self.text(&alt);
                return;
            };
            self.raw("<img loading=\"lazy\" src=\"");
            self.text(&source);
            self.raw("\" alt=\"");
            self.text(&alt);
            self.raw("\">");
        }
    }

    fn footnote(&mut self, label: &str) -> usize {
        let next = self.footnotes.len() + 1;
        *self.footnotes.entry(label.to_owned()).or_insert(next)
    }

    fn raw(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn text(&mut self, text: &str) {
        escape_into(&mut self.out, text);
    }
}

fn alert(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "Note",
        BlockQuoteKind::Tip => "Tip",
        BlockQuoteKind::Important => "Important",
        BlockQuoteKind::Warning => "Warning",
        BlockQuoteKind::Caution => "Caution",
    }
}

/// Text as HTML, in elements and in quoted attributes alike.
fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
