//! A small pen for the parts of the view that are drawn node by node instead of
//! by leptos: Markdown, whose nodes have to outlive the next chunk. It makes
//! elements and text, never markup out of a string.

use leptos::prelude::document;
use web_sys::{Element, Node, Text};

/// An element with a class; an empty class is left out.
#[expect(clippy::expect_used, reason = "every name is a constant of this room and a valid one")]
pub(super) fn element(tag: &'static str, class: &'static str) -> Element {
    let made = document().create_element(tag).expect("the names of elements in this room are valid");
    if !class.is_empty() {
        made.set_class_name(class);
    }
    made
}

/// Sets an attribute. The names are constants and valid, which is all that
/// could fail.
pub(super) fn set(element: &Element, name: &'static str, value: &str) {
    let _ = element.set_attribute(name, value);
}

/// A text node.
pub(super) fn text(content: &str) -> Text {
    document().create_text_node(content)
}

/// Adds a child at the end. A node that was just made, or that belongs to the
/// same parent, always fits.
pub(super) fn append(parent: &Node, child: &Node) {
    let _ = parent.append_child(child);
}

/// Puts a node in the place of another.
pub(super) fn replace(parent: &Node, old: &Node, new: &Node) {
    let _ = parent.replace_child(new, old);
}

/// Takes a node and all that follow it away.
pub(super) fn remove_from(parent: &Node, first: Option<Node>) {
    let mut next = first;
    while let Some(node) = next {
        next = node.next_sibling();
        let _ = parent.remove_child(&node);
    }
}

/// The child at a place.
pub(super) fn child(parent: &Node, index: usize) -> Option<Node> {
    parent.child_nodes().item(u32::try_from(index).ok()?)
}

/// A live icon, drawn node by node.
pub(super) fn icon(icon: super::icon::Icon) -> Option<Element> {
    const SVG: Option<&str> = Some("http://www.w3.org/2000/svg");
    let svg = document().create_element_ns(SVG, "svg").ok()?;
    let path = document().create_element_ns(SVG, "path").ok()?;
    set(&svg, "class", "cw-icon");
    set(&svg, "viewBox", "0 0 24 24");
    set(&svg, "aria-hidden", "true");
    set(&path, "d", icon.path());
    append(&svg, &path);
    Some(svg)
}
