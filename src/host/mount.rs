//! Puts a widget into a page: its element, its shadow root, its styles, and the
//! view inside.

use std::cell::Cell;
use std::rc::Rc;

use chinwag_protocol::Json;
use gloo_events::EventListener;
use js_sys::{Array, Function, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CssStyleSheet, Document, Element, HtmlElement, ShadowRoot, ShadowRootInit, ShadowRootMode};

use super::context;
use super::options::check::refused;
use super::options::{GivenOptions, Options, OptionsError, Scheme, TARGET, Wrong, relay};
use super::scheme::Following;
use super::tool::GivenTools;
use super::value::Given;
use super::{speech, theme};
use crate::engine::{Event, Mode, Model, Part};
use crate::shell::kiosk::Companion;
use crate::shell::lent::Lent;
use crate::shell::outside::Outside;
use crate::shell::storage::SavedPlace;
use crate::shell::store::Store;
use crate::shell::{page, part};
use crate::view::Widget;
use crate::view::strings::{Speech, Table, Text};

/// Why a widget could not be mounted.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The options are wrong.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// Nothing says where the relay is.
    #[error(
        "option \"relay\" is missing: the relay's origin; it can be left out only where the script comes from the relay"
    )]
    NoRelay,
    /// The script comes from a place where no relay can be.
    #[error(
        "option \"relay\" is missing: the script comes from {0}, and a relay is at https://host[:port], or http:// on localhost"
    )]
    NotRelay(String),
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
    language: Language,
    memory: Object,
    draft: Option<String>,
    part: Option<Function>,
    kiosk: JsValue,
    files: Option<Function>,
}

impl Environment {
    fn read(value: &JsValue) -> Self {
        let member = |name: &str| Reflect::get(value, &JsValue::from_str(name)).unwrap_or_default();
        Self {
            css: member("css").as_string().unwrap_or_default(),
            base: member("base").as_string(),
            element: member("host").dyn_into().ok(),
            language: Language::read(&member("language")),
            memory: member("memory").dyn_into().unwrap_or_default(),
            draft: member("draft").as_string(),
            part: member("part").dyn_into().ok(),
            kiosk: member("kiosk"),
            files: member("files").dyn_into().ok(),
        }
    }
}

/// A language that the JavaScript face has fetched.
#[derive(Debug, Clone, Default)]
struct Language {
    /// The tag for times, numbers and direction; empty for English.
    locale: String,
    /// The texts; none for English, which is built in.
    texts: Table,
}

impl Language {
    /// Reads `{locale, file}`.
    fn read(value: &JsValue) -> Self {
        let member =
            |name: &str| Reflect::get(value, &JsValue::from_str(name)).ok().and_then(|text| text.as_string());
        let file = member("file").unwrap_or_default();
        // A file that cannot be read leaves English, which everybody has.
        let texts = speech::parse(&file).unwrap_or_default();
        Self { locale: member("locale").unwrap_or_default(), texts }
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
    speech: Speech,
    language: Language,
    own_tokens: CssStyleSheet,
    following: Option<Following>,
    _summoning: Option<EventListener>,
    view: Option<UnmountHandle<<() as Render>::State>>,
    is_taken_over: bool,
}

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mounted").field("given", &self.given).finish_non_exhaustive()
    }
}

impl Mounted {
    /// Mounts a widget.
    pub fn new(options: &JsValue, environment: &JsValue) -> Result<Self, MountError> {
        let raw = options;
        let given = GivenOptions::new(Given::read(options))?;
        let (tools, context) = (GivenTools::of_options(options)?, context::read(options)?.flatten());
        let lent = lent_by(options, Lent::default());
        let mut options = given.parse()?;
        options.config.context.clone_from(&context);
        let environment = Environment::read(environment);
        part::provide(environment.part);
        let base = match &options.api {
            Some(api) => api.clone(),
            None => relay_of(&options, environment.base)?,
        };
        let place = place_for(&options, target_of(raw)?)?;
        let element = element_in(&place, &options, environment.element)?;
        let root = shadow_root(&element)?;
        let own_tokens = adopt(&root, &environment.css)?;
        show_looks(&element, &own_tokens, &options);
        let following = follow(&element, &options);
        let language = environment.language;
        speech::show_direction(&element, &options, &language.locale);
        let words = speech::words(&options, &language.locale, language.texts.clone());
        let selector = options.launcher_selector.clone();
        let wrapper = wrapper_in(&root)?;
        let saved_place = SavedPlace::new(
            options.config.persist,
            &name_of(&options),
            options.namespace.as_deref(),
            environment.memory,
        );
        let mut saved = saved_place.load();
        if let Some(draft) = environment.draft {
            // What stood in the composer when the module ended.
            saved.get_or_insert_default().draft = draft;
        }
        let is_direct = options.config.is_direct;
        let model = Model::new(options.config);
        let lent = Lent { headers: options.headers, files: environment.files, ..lent };
        let outside = Outside::new(
            base,
            element.clone(),
            saved_place,
            lent,
            Companion::new(environment.kiosk),
            is_direct,
        );
        let made = Rc::new(Cell::new(None));
        let view = leptos::mount::mount_to(wrapper.clone(), {
            let (made, root) = (Rc::clone(&made), wrapper.clone());
            move || {
                let (store, speech) = (Store::new(model, outside), Speech::new(words));
                made.set(Some((store, speech)));
                Widget(root.into(), store, speech);
            }
        });
        let Some((store, speech)) = made.get() else { return Err(MountError::Unsupported("a working page")) };
        store.watch_tabs();
        let waits = saved.as_ref().is_some_and(|saved| !saved.waiting.is_empty());
        store.dispatch(Event::Mounted { saved });
        if waits {
            store.dispatch(Event::Recalled);
        }
        if let Some(tools) = tools {
            tools.apply(store);
        }
        store.watch_browser();
        // The loader's launcher has kept the place until now.
        remove_others(&root, &wrapper);
        page::emit_ready(&element);
        let summoning = selector.map(|selector| summon_by(selector, store)).transpose()?;
        Ok(Self {
            element,
            store,
            given,
            context,
            speech,
            language,
            own_tokens,
            following,
            _summoning: summoning,
            view: Some(view),
            is_taken_over: false,
        })
    }

    /// Merges changed options in.
    pub fn update(&mut self, changes: &JsValue) -> Result<(), OptionsError> {
        let given = self.given.merged(Given::read(changes))?;
        let (tools, context) = (GivenTools::of_options(changes)?, context::read(changes)?);
        let mut options = given.parse()?;
        let lent = lent_by(changes, self.store.lent());
        self.store.lend(Lent { headers: options.headers.clone(), ..lent });
        self.context = context.unwrap_or_else(|| self.context.take());
        options.config.context.clone_from(&self.context);
        if let Some(tools) = tools {
            tools.apply(self.store);
        }
        show_looks(&self.element, &self.own_tokens, &options);
        self.following.take();
        self.following = follow(&self.element, &options);
        self.given = given;
        self.speak(&options);
        self.store.dispatch(Event::Configured { config: options.config });
        Ok(())
    }

    /// The parts of the widget that have to be there before `update` with these
    /// changes, and are not.
    pub fn needs(&self, changes: &JsValue) -> Vec<String> {
        let merged = self.given.merged(Given::read(changes));
        needed_by(merged).into_iter().filter(|part| !part::is_here(*part)).map(name_of_part).collect()
    }

    /// Ends it, and leaves its element to the one that has taken it over.
    pub fn leave(mut self) {
        self.is_taken_over = true;
    }

    /// Speaks another language, `{locale, file}`, which the face has fetched.
    pub fn set_language(&mut self, language: &JsValue) {
        self.language = Language::read(language);
        if let Ok(options) = self.given.parse() {
            self.speak(&options);
        }
    }

    /// The words for a key of the language files.
    pub fn say(&self, key: &str) -> Option<String> {
        Some(self.speech.words().text(Text::named(key)?).to_owned())
    }

    fn speak(&self, options: &Options) {
        let Language { locale, texts } = &self.language;
        speech::show_direction(&self.element, options, locale);
        self.speech.set(speech::words(options, locale, texts.clone()));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.view.take();
        if !self.is_taken_over {
            self.element.remove();
        }
    }
}

/// The parts of the widget that have to be there before one with these options is
/// mounted.
pub fn needs(options: &JsValue) -> Vec<String> {
    needed_by(GivenOptions::new(Given::read(options))).into_iter().map(name_of_part).collect()
}

fn needed_by(given: Result<GivenOptions, OptionsError>) -> Vec<Part> {
    let setting = || vec![Part::Setting];
    let Ok(given) = given else { return setting() };
    if !given.needs_setting() {
        return Vec::new();
    }
    let mut needed = setting();
    // No event of a kiosk has to wait for its part.
    if given.is_text("mode", "kiosk") {
        needed.push(Part::Kiosk);
    }
    // Without a relay, what was said is kept by a part.
    if given.has("api") {
        needed.push(Part::Past);
    }
    needed
}

fn name_of_part(part: Part) -> String {
    part.name().to_owned()
}

/// What the page lends, with what it lent before in the place of what it does
/// not name.
fn lent_by(options: &JsValue, before: Lent) -> Lent {
    let own = |name: &str, before: Option<Function>| {
        let name = JsValue::from_str(name);
        let is_own = options.dyn_ref::<Object>().is_some_and(|options| Object::has_own(options, &name));
        if is_own {
            Reflect::get(options, &name).ok().and_then(|given| given.dyn_into().ok())
        } else {
            before
        }
    };
    Lent {
        fetch: own("fetch", before.fetch),
        get_token: own("getToken", before.get_token),
        identity: own("identity", before.identity),
        files: before.files,
        headers: before.headers,
    }
}

/// What the widget is called in storage and in the page.
fn name_of(options: &Options) -> String {
    match (&options.api, options.config.site.as_str()) {
        (None, "") => String::from("page"),
        (Some(api), "") => {
            // Two endpoints of one page are two histories (FNV-1a).
            let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            let mut name = String::from("direct-");
            name.push_str(&api.bytes().fold(0x811c_9dc5, step).to_string());
            name
        }
        (_, site) => site.to_owned(),
    }
}

fn relay_of(options: &Options, base: Option<String>) -> Result<String, MountError> {
    if let Some(relay) = &options.relay {
        return Ok(relay.clone());
    }
    let base = base.ok_or(MountError::NoRelay)?;
    relay(&Given::Text(base.clone())).map_err(|_| MountError::NotRelay(base))
}

/// The element that `target` names, if it is given.
fn target_of(options: &JsValue) -> Result<Option<HtmlElement>, MountError> {
    let target = Reflect::get(options, &JsValue::from_str("target")).unwrap_or_default();
    if target.is_null_or_undefined() {
        return Ok(None);
    }
    let found = match target.as_string() {
        Some(selector) => document()?.query_selector(&selector).ok().flatten(),
        None => Some(target.clone().unchecked_into::<Element>()),
    };
    // An element of a frame is of another class, so it is asked what it is.
    let found = found.filter(|element| element.is_connected()).map(JsCast::unchecked_into);
    if found.is_none() {
        let given = Given::read(&target).describe();
        return Err(refused("target", &given, TARGET).into());
    }
    Ok(found)
}

/// The element of the page that the widget is put into: the one that the page
/// named, or else the body.
fn place_for(options: &Options, target: Option<HtmlElement>) -> Result<HtmlElement, MountError> {
    match target {
        None if options.config.mode == Mode::Inline => {
            Err(OptionsError::from(Wrong::Missing { key: "target", allowed: TARGET }).into())
        }
        // An element of the page that is named "body" hides it from `document.body`.
        None => {
            let body = document()?.query_selector("body").ok().flatten();
            body.and_then(|body| body.dyn_into().ok()).ok_or(MountError::NoBody)
        }
        Some(target) => Ok(target),
    }
}

fn document() -> Result<Document, MountError> {
    web_sys::window().and_then(|window| window.document()).ok_or(MountError::NoBody)
}

fn element_in(
    place: &HtmlElement,
    options: &Options,
    brought: Option<HtmlElement>,
) -> Result<HtmlElement, MountError> {
    let made = || document().ok()?.create_element("div").ok()?.dyn_into::<HtmlElement>().ok();
    let element = brought.or_else(made).ok_or(MountError::NoBody)?;
    let _ = element.set_attribute("data-chinwag", &name_of(options));
    // A place that has a height is filled; one that has none is given that of a panel.
    let has_room = options.config.mode == Mode::Inline && place.client_height() >= LEAST_INLINE_HEIGHT;
    let _ = element.toggle_attribute_with_force("data-fills", has_room);
    // One that was brought along may stand deeper in there, within a custom element.
    if !place.contains(Some(&element)) {
        place.append_child(&element).map_err(|_| MountError::NoBody)?;
    }
    Ok(element)
}

/// Least height of a place that is taken for one that the page has chosen, in
/// CSS pixels.
const LEAST_INLINE_HEIGHT: i32 = 200;

fn show_looks(element: &HtmlElement, own: &CssStyleSheet, options: &Options) {
    theme::apply(element, options);
    // Fails only for a sheet that was not made by a constructor.
    let _ = own.replace_sync(&theme::sheet(&options.theme));
}

fn follow(element: &HtmlElement, options: &Options) -> Option<Following> {
    if options.theme.scheme == Scheme::Auto { Following::new(element) } else { None }
}

/// Lets buttons of the page open and close the panel. One listener for all, on
/// the document: the page may draw them anew at any time.
fn summon_by(selector: String, store: Store) -> Result<EventListener, MountError> {
    let document = document()?;
    if document.query_selector(&selector).is_err() {
        let given = Given::Text(selector).describe();
        return Err(refused("launcher.selector", &given, "a CSS selector").into());
    }
    Ok(EventListener::new(&document, "click", move |event| {
        let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if pressed.and_then(|pressed| pressed.closest(&selector).ok().flatten()).is_some() {
            let is_open = store.peek(|model| model.open).unwrap_or_default();
            store.dispatch(if is_open { Event::Closed } else { Event::Opened });
        }
    }))
}

fn shadow_root(element: &HtmlElement) -> Result<ShadowRoot, MountError> {
    if let Some(root) = element.shadow_root() {
        return Ok(root);
    }
    element.attach_shadow(&ShadowRootInit::new(ShadowRootMode::Open)).map_err(|_| MountError::ClosedRoot)
}

/// Two constructable sheets, the widget's and the page's tokens: a `<style>` element would need the page's CSP to
/// allow inline styles.
fn adopt(root: &ShadowRoot, css: &str) -> Result<CssStyleSheet, MountError> {
    let lacking = |_| MountError::Unsupported("constructable style sheets");
    let sheet = CssStyleSheet::new().map_err(lacking)?;
    sheet.replace_sync(css).map_err(lacking)?;
    let own = CssStyleSheet::new().map_err(lacking)?;
    root.set_adopted_style_sheets(&Array::of2(&sheet, &own));
    Ok(own)
}

/// Leptos looks for parents that are elements, which a shadow root is not.
fn wrapper_in(root: &ShadowRoot) -> Result<HtmlElement, MountError> {
    let document = root.owner_document().ok_or(MountError::NoBody)?;
    let wrapper = document
        .create_element("div")
        .ok()
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
        .ok_or(MountError::NoBody)?;
    wrapper.set_class_name("cw-app");
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
