//! Puts a widget into a page: its element, its shadow root, its styles, and the
//! view inside.

use std::cell::Cell;
use std::rc::Rc;

use chinwag_protocol::Json;
use js_sys::{Array, Reflect};
use leptos::prelude::*;
use leptos::tachys::view::any_view::AnyViewState;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CssStyleSheet, HtmlElement, ShadowRoot, ShadowRootInit, ShadowRootMode};

use super::context;
use super::options::{GivenOptions, Options, OptionsError, relay};
use super::theme;
use super::tool::GivenTools;
use super::value::Given;
use crate::engine::{Event, Model};
use crate::shell::outside::Outside;
use crate::shell::page;
use crate::shell::storage::SavedPlace;
use crate::shell::store::Store;
use crate::view::Widget;

/// Why a widget could not be mounted.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The options are wrong.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The page is not one to mount into.
    #[error("the page has no body to put the chat into: call init() when the document is ready")]
    NoBody,
    /// The browser lacks something that the widget cannot do without.
    #[error("this browser cannot show the chat: it lacks {0}")]
    Unsupported(&'static str),
    /// The element that was brought along cannot be used.
    #[error("the element brought along has a closed shadow root")]
    ClosedRoot,
}

/// What the JavaScript face brings along.
struct Environment {
    css: String,
    base: Option<String>,
    element: Option<HtmlElement>,
}

impl Environment {
    fn read(value: &JsValue) -> Self {
        let member = |name: &str| Reflect::get(value, &JsValue::from_str(name)).unwrap_or_default();
        Self {
            css: member("css").as_string().unwrap_or_default(),
            base: member("base").as_string(),
            element: member("host").dyn_into().ok(),
        }
    }
}

/// A widget that is in a page. Dropping it takes it out without a trace.
pub struct Mounted {
    /// Its element in the page.
    pub element: HtmlElement,
    /// Its state.
    pub store: Store,
    given: GivenOptions,
    context: Option<Json>,
    view: Option<UnmountHandle<AnyViewState>>,
}

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mounted").field("given", &self.given).finish_non_exhaustive()
    }
}

impl Mounted {
    /// Mounts a widget.
    pub fn new(options: &JsValue, environment: &JsValue) -> Result<Self, MountError> {
        let given = GivenOptions::new(Given::read(options))?;
        let (tools, context) = (GivenTools::of_options(options)?, context::read(options)?.flatten());
        let mut options = given.parse()?;
        options.config.context.clone_from(&context);
        let environment = Environment::read(environment);
        let relay = relay_of(&options, environment.base)?;
        let element = element_for(&options, environment.element)?;
        let root = shadow_root(&element)?;
        adopt(&root, &environment.css)?;
        theme::apply(&element, &options);
        let wrapper = wrapper_in(&root)?;
        let saved_place =
            SavedPlace::new(options.config.persist, &options.config.site, options.namespace.as_deref());
        let saved = saved_place.load();
        let model = Model::new(options.config);
        let outside = Outside::new(relay, element.clone(), saved_place);
        let made = Rc::new(Cell::new(None));
        let view = leptos::mount::mount_to(wrapper.clone(), {
            let made = Rc::clone(&made);
            move || {
                let store = Store::new(model, outside);
                made.set(Some(store));
                Widget(store).into_any()
            }
        });
        let Some(store) = made.get() else { return Err(MountError::Unsupported("a working page")) };
        store.dispatch(Event::Mounted { saved });
        tools.apply(store);
        store.watch_browser();
        // The loader's launcher has kept the place until now.
        remove_others(&root, &wrapper);
        page::emit_ready(&element);
        Ok(Self { element, store, given, context, view: Some(view) })
    }

    /// Merges changed options in.
    pub fn update(&mut self, changes: &JsValue) -> Result<(), OptionsError> {
        let given = self.given.merged(Given::read(changes))?;
        let (tools, context) = (GivenTools::of_options(changes)?, context::read(changes)?);
        let mut options = given.parse()?;
        theme::apply(&self.element, &options);
        self.given = given;
        self.context = context.unwrap_or_else(|| self.context.take());
        options.config.context.clone_from(&self.context);
        tools.apply(self.store);
        self.store.dispatch(Event::Configured { config: options.config });
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.view.take();
        self.element.remove();
    }
}

fn relay_of(options: &Options, base: Option<String>) -> Result<String, MountError> {
    if let Some(relay) = &options.relay {
        return Ok(relay.clone());
    }
    let missing = OptionsError::Missing {
        key: "relay",
        allowed: "the relay's origin; it can be left out only where the script comes from the relay",
    };
    let base = base.ok_or(missing)?;
    Ok(relay(&Given::Text(base))?)
}

fn element_for(options: &Options, brought: Option<HtmlElement>) -> Result<HtmlElement, MountError> {
    if let Some(element) = brought {
        return Ok(element);
    }
    let document = web_sys::window().and_then(|window| window.document()).ok_or(MountError::NoBody)?;
    let body = document.body().ok_or(MountError::NoBody)?;
    let element = document
        .create_element("div")
        .ok()
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
        .ok_or(MountError::NoBody)?;
    let _ = element.set_attribute("data-chinwag", &options.config.site);
    body.append_child(&element).map_err(|_| MountError::NoBody)?;
    Ok(element)
}

fn shadow_root(element: &HtmlElement) -> Result<ShadowRoot, MountError> {
    if let Some(root) = element.shadow_root() {
        return Ok(root);
    }
    element.attach_shadow(&ShadowRootInit::new(ShadowRootMode::Open)).map_err(|_| MountError::ClosedRoot)
}

/// A constructable sheet: a `<style>` element would need the page's CSP to
/// allow inline styles.
fn adopt(root: &ShadowRoot, css: &str) -> Result<(), MountError> {
    let lacking = |_| MountError::Unsupported("constructable style sheets");
    let sheet = CssStyleSheet::new().map_err(lacking)?;
    sheet.replace_sync(css).map_err(lacking)?;
    root.set_adopted_style_sheets(&Array::of1(&sheet));
    Ok(())
}

/// Leptos looks for parents that are elements, which a shadow root is not.
fn wrapper_in(root: &ShadowRoot) -> Result<HtmlElement, MountError> {
    let document = root.owner_document().ok_or(MountError::NoBody)?;
    let wrapper = document
        .create_element("div")
        .ok()
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
        .ok_or(MountError::NoBody)?;
    let _ = wrapper.set_attribute("part", "root");
    root.append_child(&wrapper).map_err(|_| MountError::NoBody)?;
    Ok(wrapper)
}

fn remove_others(root: &ShadowRoot, wrapper: &HtmlElement) {
    while let Some(first) = root.first_child().filter(|first| !first.is_same_node(Some(wrapper))) {
        if root.remove_child(&first).is_err() {
            break;
        }
    }
}
