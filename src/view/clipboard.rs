//! Copying. The clipboard exists only in pages served over TLS (and on the
//! developer's own machine); elsewhere the old way through a selection serves.

use js_sys::Reflect;
use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Clipboard, HtmlTextAreaElement, Node};

use super::dom;

/// Copies a text, and says later whether it worked. `beside` is a node of the
/// widget: the old way needs a place in the same tree.
pub(super) fn copy(text: String, beside: Node, done: impl FnOnce(bool) + 'static) {
    let navigator = window().navigator();
    let clipboard: Option<Clipboard> = Reflect::get(&navigator, &JsValue::from_str("clipboard"))
        .ok()
        .filter(JsValue::is_object)
        .map(JsCast::unchecked_into);
    spawn_local(async move {
        let copied = match clipboard {
            Some(clipboard) => JsFuture::from(clipboard.write_text(&text)).await.is_ok(),
            None => false,
        };
        done(copied || copy_by_selection(&text, &beside));
    });
}

fn copy_by_selection(text: &str, beside: &Node) -> bool {
    let root = beside.get_root_node();
    let had_focus = root.dyn_ref::<web_sys::ShadowRoot>().and_then(web_sys::ShadowRoot::active_element);
    let Some(parent) = beside.parent_node() else { return false };
    let area: HtmlTextAreaElement = dom::el("textarea", "cw-hidden").html().unchecked_into();
    area.set_value(text);
    dom::append(&parent, &area);
    area.select();
    // Not in the typed interface of documents: browsers call it obsolete, and
    // have nothing else for pages without TLS.
    let copied = Reflect::get(&document(), &JsValue::from_str("execCommand"))
        .ok()
        .and_then(|command| command.dyn_into::<js_sys::Function>().ok())
        .and_then(|command| command.call1(&document(), &JsValue::from_str("copy")).ok())
        .is_some_and(|answer| answer.is_truthy());
    area.remove();
    if let Some(element) = had_focus.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
    copied
}
