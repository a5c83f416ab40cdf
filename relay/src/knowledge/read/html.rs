//! A web page as Markdown: its main part, without what surrounds it on every
//! page, with absolute links; and what else a walk through a site wants of it.

use std::rc::Rc;

use htmd::{HtmlToMarkdown, Node};
use markup5ever_rcdom::NodeData;
use url::Url;

use super::Unreadable;

/// Elements within elements. Browsers stop at 512; converting needs a frame of
/// the stack for each.
const MAX_DEPTH: usize = 256;

/// What is never part of what a page says.
const LEFT_OUT: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "embed", "form",
    "button", "input", "select", "textarea", "dialog", "nav", "footer", "aside", "img", "picture", "video",
    "audio", "head", "link", "meta",
];

/// What is left out by its role, whatever element it is.
const ROLES_LEFT_OUT: &[&str] =
    &["navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog", "menu"];

/// A page as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html {
    /// Its title, or its first heading.
    pub title: Option<String>,
    /// What it says.
    pub markdown: String,
    /// Where its links lead: http(s), without fragment, in order, each once.
    pub links: Vec<Url>,
    /// Where it says that it really is.
    pub canonical: Option<Url>,
    /// Whether it asks not to be indexed.
    pub is_unlisted: bool,
    /// Whether it asks that its links are not followed.
    pub is_dead_end: bool,
}

/// Reads a page. `base` is where it was found; without it relative links become
/// their text.
pub fn read(html: &str, base: Option<&Url>) -> Result<Html, Unreadable> {
    if is_deep(html) {
        return Err(Unreadable::Deep(MAX_DEPTH));
    }
    let converter = HtmlToMarkdown::builder().skip_tags(LEFT_OUT.to_vec()).build();
    let tree = converter.html_to_tree(html).map_err(|_| Unreadable::Empty)?;
    let mut page = Page { base: base.cloned(), ..Page::default() };
    page.look(&tree)?;
    // After the look: links in what surrounds the content lead on all the same.
    // The tree is held to the end: its own end empties every node of it.
    let main = page.main.take().or(page.body.take()).unwrap_or_else(|| Rc::clone(&tree));
    prune(&main);
    let markdown = converter.tree_to_markdown(&main);
    drop(tree);
    let mut found = page.found;
    found.title = found.title.or(page.heading).filter(|title| !title.is_empty());
    found.markdown = markdown;
    Ok(found)
}

/// Whether elements are opened far more often than closed. To parse such a page
/// takes time by the square of its depth, so it has to be known before.
fn is_deep(html: &str) -> bool {
    let (mut depth, mut rest) = (0_usize, html);
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        let (is_end, from) = after.strip_prefix('/').map_or((false, after), |from| (true, from));
        let name_end = from.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(from.len());
        let name = from.get(..name_end).unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() || FLAT.contains(&name.as_str()) {
            continue;
        }
        if is_end {
            depth = depth.saturating_sub(1);
            continue;
        }
        depth += 1;
        if depth > MAX_OPEN {
            return true;
        }
        // What a script says in its strings opens nothing.
        if matches!(name.as_str(), "script" | "style" | "textarea" | "template") {
            let is_close = |at: usize| {
                let tag = rest.get(at + 2..at + 2 + name.len());
                tag.is_some_and(|tag| tag.eq_ignore_ascii_case(&name))
            };
            let close = rest.match_indices("</").map(|(at, _)| at).find(|at| is_close(*at));
            rest = match close.and_then(|at| rest.get(at..)) {
                Some(rest) => rest,
                None => return false,
            };
        }
    }
    false
}

/// Elements that may be open at once before a page is not looked at.
const MAX_OPEN: usize = 1_000;

/// Elements that hold no others, or that end by themselves when the next begins.
const FLAT: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "rp", "rt", "html", "head", "body", "path", "circle", "rect", "line", "use", "polygon",
    "polyline", "ellipse", "stop",
];

#[derive(Default)]
struct Page {
    base: Option<Url>,
    found: Html,
    heading: Option<String>,
    main: Option<Rc<Node>>,
    body: Option<Rc<Node>>,
}

impl Page {
    /// Looks at every element once.
    fn look(&mut self, tree: &Rc<Node>) -> Result<(), Unreadable> {
        // A list in place of a call for each depth: the page decides how deep.
        let mut waiting = vec![(Rc::clone(tree), 0_usize)];
        while let Some((node, depth)) = waiting.pop() {
            if depth > MAX_DEPTH {
                return Err(Unreadable::Deep(MAX_DEPTH));
            }
            self.element(&node);
            for child in node.children.borrow().iter().rev() {
                waiting.push((Rc::clone(child), depth + 1));
            }
        }
        Ok(())
    }

    fn element(&mut self, node: &Rc<Node>) {
        match name(node) {
            "base" => {
                if let Some(href) = attribute(node, "href") {
                    self.base = self.resolve(&href).or(self.base.take());
                }
            }
            "title" if self.found.title.is_none() => self.found.title = Some(text(node)),
            "h1" if self.heading.is_none() => self.heading = Some(text(node)),
            "main" | "article" if self.main.is_none() => self.main = Some(Rc::clone(node)),
            "body" => self.body = Some(Rc::clone(node)),
            "meta" => self.meta(node),
            "link" if attribute(node, "rel").as_deref() == Some("canonical") => {
                self.found.canonical = attribute(node, "href").and_then(|href| self.resolve(&href));
            }
            "a" => self.link(node),
            _ if attribute(node, "role").as_deref() == Some("main") && self.main.is_none() => {
                self.main = Some(Rc::clone(node));
            }
            _ => {}
        }
    }

    fn meta(&mut self, node: &Rc<Node>) {
        let is_for_robots = attribute(node, "name").is_some_and(|name| name.eq_ignore_ascii_case("robots"));
        if let Some(content) = attribute(node, "content").filter(|_| is_for_robots) {
            let content = content.to_ascii_lowercase();
            let has = |word: &str| content.split(',').any(|part| part.trim() == word);
            self.found.is_unlisted |= has("noindex") || has("none");
            self.found.is_dead_end |= has("nofollow") || has("none");
        }
    }

    fn link(&mut self, node: &Rc<Node>) {
        let Some(href) = attribute(node, "href") else { return };
        let resolved = self.resolve(&href);
        if let NodeData::Element { attrs, .. } = &node.data {
            let mut attrs = attrs.borrow_mut();
            match &resolved {
                Some(url) => {
                    for attr in attrs.iter_mut().filter(|attr| &*attr.name.local == "href") {
                        attr.value = url.as_str().into();
                    }
                }
                // A link that leads nowhere is its text.
                None => attrs.retain(|attr| &*attr.name.local != "href"),
            }
        }
        let is_followed = !attribute(node, "rel").is_some_and(|rel| rel.contains("nofollow"));
        if let Some(mut url) = resolved.filter(|_| is_followed) {
            url.set_fragment(None);
            if !self.found.links.contains(&url) && self.found.links.len() < MAX_LINKS {
                self.found.links.push(url);
            }
        }
    }

    fn resolve(&self, href: &str) -> Option<Url> {
        let url = match &self.base {
            Some(base) => base.join(href.trim()).ok()?,
            None => Url::parse(href.trim()).ok()?,
        };
        matches!(url.scheme(), "http" | "https").then_some(url)
    }
}

/// Links of one page that are looked at.
const MAX_LINKS: usize = 2_000;

/// Takes out what surrounds the content.
fn prune(tree: &Rc<Node>) {
    let mut waiting = vec![Rc::clone(tree)];
    while let Some(node) = waiting.pop() {
        node.children.borrow_mut().retain(|child| !is_furniture(child));
        waiting.extend(node.children.borrow().iter().cloned());
    }
}

fn is_furniture(node: &Rc<Node>) -> bool {
    let role = attribute(node, "role");
    let is_hidden = attribute(node, "hidden").is_some()
        || attribute(node, "aria-hidden").is_some_and(|hidden| hidden == "true");
    LEFT_OUT.contains(&name(node))
        || role.is_some_and(|role| ROLES_LEFT_OUT.contains(&role.as_str()))
        || is_hidden
}

fn name(node: &Node) -> &str {
    match &node.data {
        NodeData::Element { name, .. } => &name.local,
        _ => "",
    }
}

fn attribute(node: &Node, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else { return None };
    attrs.borrow().iter().find(|attr| &*attr.name.local == wanted).map(|attr| attr.value.to_string())
}

/// The words in an element.
fn text(node: &Rc<Node>) -> String {
    let mut words = String::new();
    let mut waiting = vec![Rc::clone(node)];
    while let Some(node) = waiting.pop() {
        if let NodeData::Text { contents } = &node.data {
            words.push_str(&contents.borrow());
            words.push(' ');
        }
        waiting.extend(node.children.borrow().iter().rev().cloned());
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_main_part_with_absolute_links() {
        let base = Url::parse("https://shop.example/help/delivery").unwrap();
        let html = r#"<!doctype html><html><head><title> Delivery &amp; returns </title>
            <link rel="canonical" href="/help/delivery"></head><body>
            <nav><a href="/help/">Help</a><a href="/cart">Cart</a></nav>
            <main><h1>Delivery</h1><p>Four <b>days</b>, see <a href="malta#x">Malta</a>
            and <a href="javascript:alert(1)">this</a>.</p>
            <div role="navigation">menu</div><p hidden>secret</p>
            <table><tr><th>To</th><th>Days</th></tr><tr><td>Malta</td><td>6</td></tr></table>
            <script>let x = 1;</script><img src="a.png" alt="x"></main>
            <footer>All rights reserved <a href="https://other.example/">Other</a></footer></body></html>"#;
        let page = read(html, Some(&base)).unwrap();
        assert_eq!(page.title.as_deref(), Some("Delivery & returns"));
        assert_eq!(page.canonical.as_ref().map(Url::as_str), Some("https://shop.example/help/delivery"));
        let text = &page.markdown;
        assert!(text.starts_with("# Delivery") && text.contains("Four **days**"), "{text}");
        assert!(text.contains("[Malta](https://shop.example/help/malta#x)"), "{text}");
        assert!(text.contains("Malta") && text.contains('6'), "{text}");
        for gone in ["javascript:", "menu", "secret", "let x", "rights", "Cart", "a.png"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        let links: Vec<&str> = page.links.iter().map(Url::as_str).collect();
        assert_eq!(
            links,
            [
                "https://shop.example/help/",
                "https://shop.example/cart",
                "https://shop.example/help/malta",
                "https://other.example/",
            ]
        );
    }

    #[test]
    fn what_a_page_asks_of_robots_is_heard() {
        let page = read("<meta name=Robots content='noindex, nofollow'><p>x</p>", None).unwrap();
        assert!(page.is_unlisted && page.is_dead_end);
        let page = read("<p>x <a rel=nofollow href='https://a.example/'>y</a></p>", None).unwrap();
        assert!(page.links.is_empty() && !page.is_unlisted);
    }

    #[test]
    fn a_page_that_is_nested_without_end_is_refused() {
        let deep = "<div>".repeat(100_000);
        assert_eq!(read(&deep, None), Err(Unreadable::Deep(MAX_DEPTH)));
        assert_eq!(read(&"<div>".repeat(400), None), Err(Unreadable::Deep(MAX_DEPTH)));
        let flat = "<p>x<br><li><script>'<div>'</script><div><b>y</b></div>".repeat(3_000);
        assert!(read(&flat, None).is_ok());
        assert!(read(&format!("{}x", "<b>".repeat(100)), None).unwrap().markdown.contains('x'));
    }
}
