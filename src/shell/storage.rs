//! What is kept between visits. Storage throws in private windows, in sandboxed
//! frames and when it is full; the widget then works without it.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;
use web_sys::Storage;

use crate::engine::{Persist, Saved};

/// Texts under names: the browser's storage, or an object that lives as long as
/// the page.
#[derive(Debug, Clone)]
pub enum Shelf {
    /// `localStorage` or `sessionStorage`.
    Browser(Storage),
    /// The page's memory.
    Page(Object),
}

impl Shelf {
    /// The shelf for what outlives a visit, if the browser allows it.
    pub fn of(persist: Persist, memory: &Object) -> Option<Self> {
        let window = web_sys::window()?;
        match persist {
            Persist::Local => window.local_storage().ok()?.map(Self::Browser),
            Persist::Session => Self::of_tab(),
            Persist::Memory => Some(Self::Page(memory.clone())),
        }
    }

    /// The shelf of this tab, which survives a reload of it.
    fn of_tab() -> Option<Self> {
        web_sys::window()?.session_storage().ok()?.map(Self::Browser)
    }

    /// What is kept under a name.
    pub fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::Browser(storage) => storage.get_item(name).ok()?,
            Self::Page(memory) => Reflect::get(memory, &JsValue::from_str(name)).ok()?.as_string(),
        }
    }

    /// Keeps a text; whether there was room for it.
    pub fn set(&self, name: &str, text: &str) -> bool {
        match self {
            Self::Browser(storage) => storage.set_item(name, text).is_ok(),
            Self::Page(memory) => {
                Reflect::set(memory, &JsValue::from_str(name), &JsValue::from_str(text)).unwrap_or_default()
            }
        }
    }

    /// Drops what is kept under a name.
    pub fn remove(&self, name: &str) {
        match self {
            Self::Browser(storage) => drop(storage.remove_item(name)),
            Self::Page(memory) => drop(Reflect::delete_property(memory, &JsValue::from_str(name))),
        }
    }
}

/// The place where one widget keeps what it has to keep.
#[derive(Debug)]
pub struct SavedPlace {
    persist: Persist,
    key: String,
    memory: Object,
}

impl SavedPlace {
    /// The place of a site. A namespace keeps several widgets of one site apart.
    /// `memory` is where `persist: "memory"` keeps things: it outlives the
    /// module, should that crash.
    pub fn new(persist: Persist, site: &str, namespace: Option<&str>, memory: Object) -> Self {
        let mut key = String::from("cw:");
        if let Some(namespace) = namespace {
            key.push_str(namespace);
            key.push(':');
        }
        key.push_str(site);
        Self { persist, key, memory }
    }

    /// The name under which things are kept.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether all tabs share what is kept here, the visitor among it.
    pub fn is_shared(&self) -> bool {
        self.persist == Persist::Local
    }

    /// The shelf on which this widget keeps what all tabs share.
    pub fn shelf(&self) -> Option<Shelf> {
        Shelf::of(self.persist, &self.memory)
    }

    /// The shelf for what is this tab's own, where that is another one.
    fn tab_shelf(&self) -> Option<Shelf> {
        if self.persist == Persist::Local { Shelf::of_tab() } else { None }
    }

    /// What earlier visits left, and this tab's own draft.
    pub fn load(&self) -> Option<Saved> {
        let shared = self.read(&self.shelf()?);
        let Some(own) = self.tab_shelf().and_then(|shelf| self.read(&shelf)) else { return shared };
        let shared = shared.unwrap_or_default();
        Some(Saved { open: own.open, draft: own.draft, ..shared })
    }

    /// Keeps this in place of what was kept before. The visitor token that is
    /// there stays: another tab may have been given a newer one.
    pub fn save(&self, saved: &Saved) {
        let Some(common) = self.shelf() else { return };
        let visitor = self.read(&common).and_then(|kept| kept.visitor);
        let mut shared = Saved { visitor: visitor.or_else(|| saved.visitor.clone()), ..saved.clone() };
        if let Some(own_shelf) = self.tab_shelf() {
            // A draft belongs to the tab in which it is written.
            let draft = std::mem::take(&mut shared.draft);
            let own = Saved::new(None, None, saved.open, draft);
            own_shelf.set(&self.key, &own.to_json());
        }
        // Full or forbidden: the conversation goes on, and only a reload would
        // not find it.
        common.set(&self.key, &shared.to_json());
    }

    /// The newest visitor token of all tabs.
    pub fn visitor(&self) -> Option<String> {
        self.read(&self.shelf()?)?.visitor
    }

    /// Keeps the newest visitor token.
    pub fn keep_visitor(&self, visitor: String) {
        let Some(common) = self.shelf() else { return };
        let kept = self.read(&common).unwrap_or_else(|| Saved::new(None, None, false, String::new()));
        let _ = common.set(&self.key, &Saved { visitor: Some(visitor), ..kept }.to_json());
    }

    /// Drops all of it.
    pub fn forget(&self) {
        for shelf in self.shelf().into_iter().chain(self.tab_shelf()) {
            shelf.remove(&self.key);
        }
    }

    /// What cannot be read is put aside under `<key>:unreadable`, so that
    /// nothing is lost and nothing is in the way.
    fn read(&self, place: &Shelf) -> Option<Saved> {
        let text = place.get(&self.key)?;
        let saved = Saved::parse(&text).ok();
        if saved.is_none() {
            let mut aside = self.key.clone();
            aside.push_str(":unreadable");
            place.set(&aside, &text);
            place.remove(&self.key);
        }
        saved
    }
}
