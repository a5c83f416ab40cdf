//! What only a browser can show: mounting, isolation, storage, and that nothing
//! is left behind. The relay is not there: its absence is part of the tests.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

use chinwag::host::mount::{MountError, Mounted};
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::*;
use web_sys::{Element, HtmlElement, ShadowRoot};

wasm_bindgen_test_configure!(run_in_browser);

const SITE: &str = "site_test";

fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &(*name).into(), value).unwrap();
    }
    object.into()
}

/// A relay that nobody runs: port 9 is "discard".
fn environment() -> JsValue {
    object(&[("css", ":host { all: initial }".into()), ("base", "http://127.0.0.1:9".into())])
}

fn mount(members: &[(&str, JsValue)]) -> Result<Mounted, MountError> {
    let mut all = vec![("site", JsValue::from(SITE))];
    all.extend_from_slice(members);
    Mounted::new(&object(&all), &environment())
}

fn root(widget: &Mounted) -> ShadowRoot {
    widget.element.shadow_root().expect("an open root")
}

fn part(widget: &Mounted, name: &str) -> Option<Element> {
    root(widget).query_selector(&format!("[part~=\"{name}\"]")).unwrap()
}

fn is_open(widget: &Mounted) -> bool {
    part(widget, "panel").is_some_and(|panel| !panel.has_attribute("hidden"))
}

fn document() -> web_sys::Document {
    web_sys::window().unwrap().document().unwrap()
}

fn storage() -> web_sys::Storage {
    web_sys::window().unwrap().local_storage().unwrap().unwrap()
}

async fn wait(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().unwrap();
        window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds).unwrap();
    });
    wasm_bindgen_futures::JsFuture::from(promise).await.unwrap();
}

fn click(element: Element) {
    element.unchecked_into::<HtmlElement>().click();
}

fn forget() {
    storage().clear().unwrap();
}

#[wasm_bindgen_test]
async fn it_lives_in_an_open_shadow_root_with_its_own_sheets() {
    forget();
    let widget = mount(&[]).unwrap();
    assert_eq!(widget.element.get_attribute("data-chinwag").as_deref(), Some(SITE));
    // Its rules, and the values that the page gave its tokens.
    assert_eq!(root(&widget).adopted_style_sheets().length(), 2);
    assert_eq!(root(&widget).query_selector_all("style, [style]").unwrap().length(), 0);
    assert!(part(&widget, "launcher").is_some());
    wait(20).await;
    assert!(!is_open(&widget), "closed until asked for");
}

#[wasm_bindgen_test]
async fn the_launcher_opens_the_panel_and_closes_it() {
    forget();
    let widget = mount(&[]).unwrap();
    click(part(&widget, "launcher").unwrap());
    wait(50).await;
    assert!(is_open(&widget));
    let panel = part(&widget, "panel").expect("open");
    assert_eq!(panel.get_attribute("role").as_deref(), Some("dialog"));
    assert!(widget.store.peek(|model| model.open).unwrap());
    widget.store.dispatch(chinwag::engine::Event::Closed);
    wait(50).await;
    assert!(!is_open(&widget));
}

#[wasm_bindgen_test]
async fn it_is_open_again_after_a_reload() {
    forget();
    let widget = mount(&[]).unwrap();
    widget.store.dispatch(chinwag::engine::Event::Opened);
    drop(widget);
    let widget = mount(&[]).unwrap();
    wait(20).await;
    assert!(is_open(&widget));
}

#[wasm_bindgen_test]
async fn what_cannot_be_read_is_put_aside_and_a_fresh_start_made() {
    forget();
    storage().set_item("cw:site_test", "{\"v\":1,\"open\":").unwrap();
    let widget = mount(&[]).unwrap();
    assert!(!widget.store.peek(|model| model.open).unwrap());
    assert_eq!(storage().get_item("cw:site_test:unreadable").unwrap().as_deref(), Some("{\"v\":1,\"open\":"));
    assert_eq!(storage().get_item("cw:site_test").unwrap(), None);
}

#[wasm_bindgen_test]
async fn nothing_is_stored_before_the_visitor_acts() {
    forget();
    let _widget = mount(&[]).unwrap();
    wait(20).await;
    assert_eq!(storage().length().unwrap(), 0);
}

#[wasm_bindgen_test]
async fn memory_means_memory() {
    forget();
    let widget = mount(&[("persist", "memory".into())]).unwrap();
    widget.store.dispatch(chinwag::engine::Event::Opened);
    widget.store.send("Hello");
    wait(20).await;
    assert_eq!(storage().length().unwrap(), 0);
}

#[wasm_bindgen_test]
async fn a_relay_that_cannot_be_reached_loses_nothing() {
    forget();
    let widget = mount(&[]).unwrap();
    widget.store.dispatch(chinwag::engine::Event::Opened);
    widget.store.send("Is anybody there?");
    let waits = || {
        widget.store.peek(|model| {
            matches!(&model.items()[0].1, chinwag::engine::Item::Question(question)
                if question.delivery == chinwag::engine::Delivery::Waiting)
        })
    };
    for _ in 0..50 {
        wait(100).await;
        if waits() == Some(true) {
            break;
        }
    }
    let log = part(&widget, "log").unwrap().text_content().unwrap();
    assert!(log.contains("Is anybody there?"), "{log}");
    let (is_kept, has_said) = (waits(), widget.store.peek(|model| model.trouble.is_some()));
    assert_eq!((is_kept, has_said), (Some(true), Some(true)), "it waits to be sent, and the visitor is told");
}

#[wasm_bindgen_test]
async fn the_page_may_change_or_cancel_a_message() {
    forget();
    let widget = mount(&[]).unwrap();
    let change = Closure::<dyn Fn(web_sys::CustomEvent)>::new(|event: web_sys::CustomEvent| {
        let detail = event.detail();
        let text = Reflect::get(&detail, &"text".into()).unwrap().as_string().unwrap();
        if text == "secret" {
            event.prevent_default();
        } else {
            Reflect::set(&detail, &"text".into(), &format!("{text}!").into()).unwrap();
        }
    });
    widget
        .element
        .add_event_listener_with_callback("chinwag:before:send", change.as_ref().unchecked_ref())
        .unwrap();
    widget.store.send("secret");
    assert_eq!(widget.store.peek(|model| model.items().len()), Some(0));
    widget.store.send("hello");
    let text = widget.store.peek(|model| match &model.items()[0].1 {
        chinwag::engine::Item::Question(question) => question.text.clone(),
        chinwag::engine::Item::Reply(_) => String::new(),
    });
    assert_eq!(text.as_deref(), Some("hello!"));
}

#[wasm_bindgen_test]
async fn a_wrong_option_is_named_and_nothing_is_left_in_the_page() {
    let before = document().query_selector_all("[data-chinwag]").unwrap().length();
    let wrong = object(&[("accnt", "#fff".into())]);
    let error = mount(&[("theme", wrong)]).unwrap_err().to_string();
    assert!(error.contains("\"theme.accnt\"") && error.contains("\"theme.accent\""), "{error}");
    let list = Array::of1(&1.into());
    let error = mount(&[("suggestions", list.into())]).unwrap_err().to_string();
    assert!(error.contains("suggestions[0]"), "{error}");
    assert_eq!(document().query_selector_all("[data-chinwag]").unwrap().length(), before);
}

#[wasm_bindgen_test]
async fn what_a_page_added_to_every_object_is_no_option() {
    let prototype = Reflect::get(&Object::new(), &"__proto__".into()).unwrap();
    Reflect::set(&prototype, &"surprise".into(), &1.into()).unwrap();
    let mounted = mount(&[]);
    Reflect::delete_property(&prototype.into(), &"surprise".into()).unwrap();
    assert!(mounted.is_ok(), "{mounted:?}");
}

#[wasm_bindgen_test]
async fn update_merges_and_shows() {
    forget();
    let mut widget = mount(&[("theme", object(&[("accent", "#ff0000".into())]))]).unwrap();
    let style = |widget: &Mounted, name: &str| widget.element.style().get_property_value(name).unwrap();
    assert_eq!(style(&widget, "--cw-accent"), "#ff0000");
    widget.update(&object(&[("theme", object(&[("radius", 4.into())]))])).unwrap();
    assert_eq!(style(&widget, "--cw-accent"), "#ff0000", "what was not named stays");
    assert_eq!(style(&widget, "--cw-radius"), "4px");
    assert!(widget.update(&object(&[("site", "site_other".into())])).is_err());
    widget.update(&object(&[("theme", JsValue::NULL)])).unwrap();
    assert_eq!(style(&widget, "--cw-accent"), "");
}

#[wasm_bindgen_test]
async fn two_widgets_are_strangers() {
    forget();
    let first = mount(&[("namespace", "a".into())]).unwrap();
    let second = mount(&[("namespace", "b".into())]).unwrap();
    first.store.dispatch(chinwag::engine::Event::Opened);
    wait(20).await;
    assert!(is_open(&first));
    assert!(!is_open(&second));
}

#[wasm_bindgen_test]
async fn fifty_mounts_leave_nothing_behind() {
    forget();
    let nodes = || document().query_selector_all("*").unwrap().length();
    let before = nodes();
    for _ in 0..50 {
        let widget = mount(&[]).unwrap();
        widget.store.dispatch(chinwag::engine::Event::Opened);
        widget.store.send("Hello");
        wait(0).await;
        let store = widget.store;
        drop(widget);
        assert_eq!(store.peek(|model| model.open), None, "the store ends with the widget");
        store.dispatch(chinwag::engine::Event::Closed);
    }
    assert_eq!(nodes(), before);
}
