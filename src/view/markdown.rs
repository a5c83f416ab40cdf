//! Draws a Markdown document as nodes, and keeps them while it grows.
//!
//! A settled block is drawn once and never touched again. The blocks of the
//! tail are compared with what they were, and only the nodes that differ are
//! changed, text by appending where it only grew: a selection survives, nothing
//! flickers, and a chunk costs the same however long the reply is.
//!
//! What can be drawn is what the types can say: there is no markup text here,
//! and an address comes only as a checked [`Href`].

use std::collections::VecDeque;

use wasm_bindgen::JsCast as _;
use web_sys::{CharacterData, Element, Node};

use super::dom::{El, append, append_data, child, count_children, el, icon, remove_from, replace, set, text};
use super::icon::Icon;
use super::kiosk::lead_along;
use super::listing::Listing;
use super::scene::Scene;
use super::strings::Text;
use crate::engine::markdown::highlight::display_name;
use crate::engine::markdown::{
    Alignment, Block, Cell, Document, Href, Inline, Item, bring_up, still_settled,
};
use crate::engine::{Links, Mode, Source};

/// A document that is on the screen.
#[derive(Debug)]
pub(super) struct Drawing {
    root: Element,
    settled: usize,
    tail: VecDeque<(Block, Node)>,
    /// How far the first block of the tail was settled inside.
    frontier: Vec<usize>,
    is_revised: bool,
    pen: Pen,
}

/// What is known beside the nodes.
#[derive(Debug)]
struct Pen {
    /// Whose words are drawn.
    scene: Scene,
    /// Citation marks that wait for their sources.
    waiting: Vec<(usize, El)>,
    /// The code block that was drawn last: the one that may still grow.
    listing: Option<Listing>,
}

impl Drawing {
    /// Draws into an element that nobody else touches.
    pub(super) fn new(scene: Scene, root: Element) -> Self {
        let pen = Pen { scene, waiting: Vec::new(), listing: None };
        Self { root, settled: 0, tail: VecDeque::new(), frontier: Vec::new(), is_revised: false, pen }
    }

    /// Shows the document as it is now.
    pub(super) fn show(&mut self, document: &Document) {
        let Self { root, settled, tail, frontier, pen, .. } = self;
        let mut shown = std::mem::take(tail);
        for block in document.settled().iter().skip(*settled) {
            place(root, block, shown.pop_front(), &[], pen);
        }
        let same = still_settled(frontier, document.frontier());
        // Of what is open still, only what was open inside is looked at.
        let mut inner = match same.split_first() {
            Some((&index, inner)) if index == document.settled().len() => inner,
            _ => &[],
        };
        *settled = document.settled().len();
        frontier.clear();
        frontier.extend_from_slice(document.frontier());
        for block in document.tail() {
            tail.push_back(place(root, block, shown.pop_front(), inner, pen));
            inner = &[];
        }
        remove_from(root, shown.pop_front().map(|(_, node)| node));
        self.revise(document);
    }

    /// Draws the few settled blocks anew that a late definition has changed,
    /// which can be only once: at the end.
    fn revise(&mut self, document: &Document) {
        if std::mem::replace(&mut self.is_revised, !document.revised().is_empty()) {
            return;
        }
        for &index in document.revised() {
            if let (Some(node), Some(block)) = (child(&self.root, index), document.settled().get(index)) {
                replace(&self.root, &node, &draw_block(block, &mut self.pen));
            }
        }
    }

    /// Turns the citation marks whose source is known into links to it.
    pub(super) fn link(&mut self, sources: &[Source]) {
        let scene = self.pen.scene;
        self.pen.waiting.retain(|(number, mark)| {
            let source = number.checked_sub(1).and_then(|index| sources.get(index));
            let Some(source) = source else { return true };
            cite(scene, mark, *number, source);
            false
        });
    }
}

/// Shows a block in the place of what stood there, of which the parts before
/// the indices in `same` are as they were; gives it back with its node.
fn place(
    root: &Node,
    block: &Block,
    before: Option<(Block, Node)>,
    same: &[usize],
    pen: &mut Pen,
) -> (Block, Node) {
    let Some((mut old, node)) = before else {
        let fresh = draw_block(block, pen);
        append(root, &fresh);
        return (block.clone(), fresh);
    };
    let is_same = same.is_empty() && old == *block;
    if is_same || patch_block(&node, &old, block, same, pen) {
        bring_up(&mut old, block, same);
        return (old, node);
    }
    let fresh = draw_block(block, pen);
    replace(root, &node, &fresh);
    (block.clone(), fresh)
}

/// Brings the children of a node, from the place `offset` on, from one sequence
/// to the next. `patch` changes a node in place, or says that it cannot.
fn patch_sequence<T: PartialEq>(
    parent: &Node,
    offset: usize,
    (old, new): (&[T], &[T]),
    same: &[usize],
    patch: fn(&Node, &T, &T, &[usize], &mut Pen) -> bool,
    draw: fn(&T, &mut Pen) -> Node,
    pen: &mut Pen,
) {
    let (settled, inner) = same.split_first().map_or((0, &[][..]), |(&settled, inner)| (settled, inner));
    let first = if inner.is_empty() {
        let rest = old.iter().zip(new).skip(settled);
        settled + rest.take_while(|(before, after)| before == after).count()
    } else {
        settled
    };
    let mut next = if first < old.len() { child(parent, offset + first) } else { None };
    for (index, item) in new.iter().enumerate().skip(first) {
        match (old.get(index), next.take()) {
            (Some(before), Some(node)) => {
                next = node.next_sibling();
                let inner = if index == settled { inner } else { &[] };
                let is_same = inner.is_empty() && before == item;
                if !is_same && !patch(&node, before, item, inner, pen) {
                    replace(parent, &node, &draw(item, pen));
                }
            }
            _ => append(parent, &draw(item, pen)),
        }
    }
    remove_from(parent, next);
}

fn patch_block(node: &Node, old: &Block, new: &Block, same: &[usize], pen: &mut Pen) -> bool {
    match (old, new) {
        (Block::Paragraph(before), Block::Paragraph(after)) => patch_inlines(node, before, after, same, pen),
        (Block::Heading { level: was, children: before }, Block::Heading { level: is, children: after })
            if was == is =>
        {
            patch_inlines(node, before, after, &[], pen)
        }
        (
            Block::CodeBlock { language: was, text: before },
            Block::CodeBlock { language: is, text: after },
        ) if was == is => {
            let settled = same.first().copied().unwrap_or_default();
            patch_code(node, is.as_deref(), (before, after), settled, pen)
        }
        (
            Block::List { start: was, tight: was_tight, items: before },
            Block::List { start: is, tight, items: after },
        ) if was == is => {
            if was_tight != tight {
                set_tight(node, *tight);
            }
            patch_sequence(node, 0, (before, after), same, patch_item, draw_item, pen);
            true
        }
        (Block::Quote(before), Block::Quote(after)) => {
            patch_sequence(node, 0, (before, after), same, patch_block, draw_block, pen);
            true
        }
        (
            Block::Table { alignments: was, head: old_head, rows: before },
            Block::Table { alignments: is, head, rows: after },
        ) if was == is && old_head == head => match table_body(node) {
            Some(body) => {
                patch_sequence(&body, 0, (before, after), same, patch_row, draw_row, pen);
                align(&body, is);
                true
            }
            None => false,
        },
        _ => false,
    }
}

fn draw_block(block: &Block, pen: &mut Pen) -> Node {
    match block {
        Block::Paragraph(children) => with_inlines(el("p", ""), children, pen),
        Block::Heading { level, children } => {
            // The panel's own title is the second level, so a reply begins at the third.
            let tag = match level {
                1 => "h3",
                2 => "h4",
                3 => "h5",
                _ => "h6",
            };
            with_inlines(el(tag, ""), children, pen)
        }
        Block::CodeBlock { language, text } => draw_code(language.as_deref(), text, pen),
        Block::List { start, tight, items } => {
            let list = el(if start.is_some() { "ol" } else { "ul" }, "");
            if let Some(first) = start.filter(|first| *first != 1) {
                set(&list, "start", &first.to_string());
            }
            set_tight(&list, *tight);
            for item in items {
                append(&list, &draw_item(item, pen));
            }
            list.into()
        }
        Block::Quote(blocks) => {
            let quote = el("blockquote", "");
            for block in blocks {
                append(&quote, &draw_block(block, pen));
            }
            quote.into()
        }
        Block::Table { alignments, head, rows } => draw_table(alignments, head, rows, pen),
        Block::Rule => el("hr", "").into(),
    }
}

fn set_tight(list: &Node, tight: bool) {
    let Some(list) = list.dyn_ref::<Element>() else { return };
    list.set_class_name(if tight { "cw-tight" } else { "" });
}

fn draw_item(item: &Item, pen: &mut Pen) -> Node {
    let line = el("li", if item.task.is_some() { "cw-todo" } else { "" });
    if let Some(done) = item.task {
        let (class, label) =
            if done { ("cw-task cw-task-done", Text::TaskDone) } else { ("cw-task", Text::TaskOpen) };
        append(&line, &el("span", class).set("role", "img").set("aria-label", &pen.scene.text(label)));
    }
    for block in &item.blocks {
        append(&line, &draw_block(block, pen));
    }
    line.into()
}

fn patch_item(node: &Node, old: &Item, new: &Item, same: &[usize], pen: &mut Pen) -> bool {
    if old.task != new.task {
        return false;
    }
    let offset = usize::from(new.task.is_some());
    patch_sequence(node, offset, (&old.blocks, &new.blocks), same, patch_block, draw_block, pen);
    true
}

fn draw_table(alignments: &[Alignment], head: &[Cell], rows: &[Vec<Cell>], pen: &mut Pen) -> Node {
    let (top, body, line) = (el("thead", ""), el("tbody", ""), el("tr", ""));
    for cell in head {
        append(&line, &with_inlines(el("th", "").set("scope", "col"), cell, pen));
    }
    append(&top, &line);
    for row in rows {
        append(&body, &draw_row(row, pen));
    }
    align(&top, alignments);
    align(&body, alignments);
    let table = el("table", "").add(&top).add(&body);
    scrolls(el("div", "cw-table"), &pen.scene.text(Text::Table)).add(&table).into()
}

/// What is wider than the panel scrolls in its own box, which the keyboard can
/// reach.
fn scrolls(area: El, label: &str) -> El {
    area.set("tabindex", "0").set("role", "group").set("aria-label", label)
}

fn table_body(area: &Node) -> Option<Node> {
    area.first_child()?.last_child()
}

fn draw_row(cells: &Vec<Cell>, pen: &mut Pen) -> Node {
    let line = el("tr", "");
    for cell in cells {
        append(&line, &draw_cell(cell, pen));
    }
    line.into()
}

#[expect(clippy::ptr_arg, reason = "it stands where a function of the items' own type is asked for")]
fn patch_row(node: &Node, old: &Vec<Cell>, new: &Vec<Cell>, same: &[usize], pen: &mut Pen) -> bool {
    patch_sequence(node, 0, (old, new), same, patch_cell, draw_cell, pen);
    true
}

fn draw_cell(cell: &Cell, pen: &mut Pen) -> Node {
    with_inlines(el("td", ""), cell, pen)
}

fn patch_cell(node: &Node, old: &Cell, new: &Cell, same: &[usize], pen: &mut Pen) -> bool {
    patch_inlines(node, old, new, same, pen)
}

/// Gives the cells of the last rows their class, as far as they have none: a
/// row is drawn before it is known which column a cell is in.
fn align(part: &Node, alignments: &[Alignment]) {
    if alignments.iter().all(|alignment| *alignment == Alignment::Unset) {
        return;
    }
    let mut row = part.last_child();
    while let Some(line) = row {
        let mut cell = line.first_child();
        let is_done = cell
            .as_ref()
            .and_then(|cell| cell.dyn_ref::<Element>())
            .is_some_and(|cell| cell.has_attribute("data-a"));
        if is_done {
            return;
        }
        for alignment in alignments {
            let Some(node) = cell.take() else { break };
            cell = node.next_sibling();
            if let Some(element) = node.dyn_ref::<Element>() {
                set(element, "data-a", name_of(*alignment));
            }
        }
        row = line.previous_sibling();
    }
}

const fn name_of(alignment: Alignment) -> &'static str {
    match alignment {
        Alignment::Unset => "",
        Alignment::Left => "left",
        Alignment::Center => "center",
        Alignment::Right => "right",
    }
}

fn draw_code(language: Option<&str>, content: &str, pen: &mut Pen) -> Node {
    let name = language.map_or_else(|| pen.scene.text(Text::Code), |name| display_name(name).to_owned());
    // Pressed through the listener of the whole text: see view/reply.rs.
    let copy = el("button", "cw-copy")
        .set("type", "button")
        .set("aria-label", &pen.scene.text(Text::CopyCode))
        .add(&icon(Icon::COPY))
        .text(&pen.scene.text(Text::Copy));
    let head = el("div", "cw-code-head").add(&el("span", "").text(&name)).add(&copy);
    let code = el("code", "");
    let mut listing = Listing::new(&code, language);
    listing.show(content);
    pen.listing = Some(listing);
    let area = scrolls(el("pre", ""), &pen.scene.text(Text::CodeArea)).add(&code);
    el("div", "cw-code").set("dir", "ltr").add(&head).add(&area).into()
}

fn patch_code(
    block: &Node,
    language: Option<&str>,
    (old, new): (&str, &str),
    settled: usize,
    pen: &mut Pen,
) -> bool {
    let Some(code) = block.last_child().and_then(|area| area.first_child()) else { return false };
    let is_growing = match (old.get(settled..), new.get(settled..)) {
        (Some(old), Some(new)) => new.starts_with(old),
        _ => false,
    };
    match &mut pen.listing {
        Some(listing) if is_growing && listing.code.is_same_node(Some(&code)) => listing.show(new),
        _ => {
            remove_from(&code, code.first_child());
            let mut listing = Listing::new(&code, language);
            listing.show(new);
            pen.listing = Some(listing);
        }
    }
    true
}

/// A piece of running text that is one node. Citation marks are cut out of the
/// text around them.
#[derive(PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Mark(usize),
    Inline(&'a Inline),
}

fn pieces(inlines: &[Inline]) -> Vec<Piece<'_>> {
    let mut out = Vec::with_capacity(inlines.len());
    for inline in inlines {
        match inline {
            Inline::Text(content) => cut_marks(content, &mut out),
            Inline::SoftBreak => out.push(Piece::Text(" ")),
            other => out.push(Piece::Inline(other)),
        }
    }
    out
}

fn cut_marks<'a>(content: &'a str, out: &mut Vec<Piece<'a>>) {
    let mut from = 0;
    for (open, _) in content.match_indices('[') {
        let Some(inside) = content.get(open + 1..) else { break };
        let Some((digits, _)) = inside.split_once(']') else { break };
        // Two digits: no reply cites a hundred pages, and years are not marks.
        let is_number = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(number) = digits.parse().ok().filter(|number| is_number && *number > 0) {
            if let Some(before) = content.get(from..open).filter(|before| !before.is_empty()) {
                out.push(Piece::Text(before));
            }
            out.push(Piece::Mark(number));
            from = open + digits.len() + 2;
        }
    }
    if let Some(rest) = content.get(from..).filter(|rest| !rest.is_empty()) {
        out.push(Piece::Text(rest));
    }
}

fn with_inlines(parent: El, inlines: &[Inline], pen: &mut Pen) -> Node {
    for piece in pieces(inlines) {
        append(&parent, &draw_piece(&piece, pen));
    }
    parent.into()
}

fn patch_inlines(node: &Node, old: &[Inline], new: &[Inline], same: &[usize], pen: &mut Pen) -> bool {
    let settled = same.first().copied().unwrap_or_default();
    let old = pieces(old.get(settled..).unwrap_or_default());
    let new = pieces(new.get(settled..).unwrap_or_default());
    // What is open are the last nodes; how many the settled ones are is not kept.
    let offset = if settled == 0 { 0 } else { count_children(node).saturating_sub(old.len()) };
    patch_sequence(node, offset, (&old, &new), &[], patch_piece, draw_piece, pen);
    true
}

fn draw_piece(piece: &Piece<'_>, pen: &mut Pen) -> Node {
    match piece {
        Piece::Text(content) => text(content).into(),
        Piece::Mark(number) => {
            let mark = el("a", "").text("[").text(&number.to_string()).text("]");
            pen.waiting.push((*number, mark.clone()));
            mark.into()
        }
        Piece::Inline(inline) => draw_inline(inline, pen),
    }
}

fn draw_inline(inline: &Inline, pen: &mut Pen) -> Node {
    match inline {
        Inline::Text(content) => text(content).into(),
        Inline::Code(content) => el("code", "").text(content).into(),
        Inline::Emph(children) => with_inlines(el("em", ""), children, pen),
        Inline::Strong(children) => with_inlines(el("strong", ""), children, pen),
        Inline::Strike(children) => with_inlines(el("del", ""), children, pen),
        Inline::Link { href, title, children } => {
            with_inlines(link(pen.scene, href, title.as_deref()), children, pen)
        }
        Inline::Image { src, title, alt } => {
            // A picture that is fetched by itself can carry the conversation
            // away in its address; a link needs a click.
            let label = if alt.is_empty() { src.as_str() } else { alt };
            link(pen.scene, src, title.as_deref()).text(label).into()
        }
        Inline::SoftBreak => text(" ").into(),
        Inline::HardBreak => el("br", "").into(),
    }
}

fn patch_piece(node: &Node, old: &Piece<'_>, new: &Piece<'_>, _: &[usize], pen: &mut Pen) -> bool {
    let (old, new) = match (old, new) {
        (Piece::Text(before), Piece::Text(after)) => return patch_text(node, before, after),
        (Piece::Inline(old), Piece::Inline(new)) => (*old, *new),
        _ => return false,
    };
    match (old, new) {
        (Inline::Code(before), Inline::Code(after)) => {
            node.first_child().is_some_and(|inner| patch_text(&inner, before, after))
        }
        (Inline::Emph(before), Inline::Emph(after))
        | (Inline::Strong(before), Inline::Strong(after))
        | (Inline::Strike(before), Inline::Strike(after)) => patch_inlines(node, before, after, &[], pen),
        (
            Inline::Link { href: was, title: was_title, children: before },
            Inline::Link { href: is, title: is_title, children: after },
        ) if was == is && was_title == is_title => patch_inlines(node, before, after, &[], pen),
        _ => false,
    }
}

fn patch_text(node: &Node, old: &str, new: &str) -> bool {
    if let Some(more) = new.strip_prefix(old) {
        return append_data(node, more);
    }
    let Some(data) = node.dyn_ref::<CharacterData>() else { return false };
    data.set_data(new);
    true
}

fn link(scene: Scene, href: &Href, title: Option<&str>) -> El {
    let link = el("a", "");
    lead_to(scene, &link, href);
    // Without a title, the address itself: where a click leads is never hidden.
    link.set("title", title.unwrap_or(href.as_str()))
}

/// Makes an anchor lead to an address, in a new tab that learns nothing of the
/// page it was opened from; at a kiosk, where there are no tabs, to none.
pub(super) fn lead_to(scene: Scene, anchor: &Element, href: &Href) {
    let links =
        scene.store.peek(|model| (model.config.mode == Mode::Kiosk).then_some(model.config.kiosk.links));
    if let Some(links) = links.flatten() {
        return lead_along(anchor, href.as_str(), links == Links::Qr);
    }
    set(anchor, "href", href.as_str());
    set(anchor, "target", "_blank");
    set(anchor, "rel", "noopener noreferrer nofollow ugc");
}

fn cite(scene: Scene, mark: &El, number: usize, source: &Source) {
    let number = number.to_string();
    mark.set_class_name("cw-cite");
    mark.set_text_content(Some(&number));
    let mut label = scene.text_with(Text::Source, &number);
    label.push_str(": ");
    label.push_str(&source.title);
    set(mark, "title", &source.title);
    if let Some(href) = &source.href {
        lead_to(scene, mark, href);
        // What leads nowhere is a text, and has no label.
        if mark.has_attribute("href") || mark.has_attribute("role") {
            set(mark, "aria-label", &label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(content: &str) -> Vec<String> {
        let mut out = Vec::new();
        cut_marks(content, &mut out);
        let shown = |piece: Piece<'_>| match piece {
            Piece::Text(content) => content.to_owned(),
            Piece::Mark(number) => format!("<{number}>"),
            Piece::Inline(_) => String::new(),
        };
        out.into_iter().map(shown).collect()
    }

    #[test]
    fn citation_marks_are_cut_out_of_the_text_around_them() {
        assert_eq!(cut("fades first.[1] Keep[12][3]"), ["fades first.", "<1>", " Keep", "<12>", "<3>"]);
        assert_eq!(cut("[1]"), ["<1>"]);
    }

    #[test]
    fn other_brackets_stay_text() {
        for content in ["a[i] [0] [123] [x1] [] [ 1 ]", "half [1", "[", "]", "", "[+1] [²]"] {
            assert_eq!(cut(content).concat(), content);
            assert!(cut(content).len() <= 1, "{content}");
        }
    }

    #[test]
    fn nothing_is_lost_while_a_mark_arrives() {
        let whole = "a [b [1] c] [22] d";
        for end in 0..=whole.len() {
            let seen: String = cut(&whole[..end]).concat().replace('<', "[").replace('>', "]");
            assert_eq!(seen, whole[..end]);
        }
    }
}
