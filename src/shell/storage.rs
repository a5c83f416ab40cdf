//! What is kept between visits. Storage throws in private windows, in sandboxed
//! frames and when it is full; the widget then works without it.

use web_sys::Storage;

use crate::engine::{Persist, Saved};

/// The place where one widget keeps what it has to keep.
#[derive(Debug)]
pub struct SavedPlace {
    persist: Persist,
    key: String,
}

impl SavedPlace {
    /// The place of a site. A namespace keeps several widgets of one site apart.
    pub fn new(persist: Persist, site: &str, namespace: Option<&str>) -> Self {
        let mut key = String::from("cw:");
        if let Some(namespace) = namespace {
            key.push_str(namespace);
            key.push(':');
        }
        key.push_str(site);
        Self { persist, key }
    }

    /// What earlier visits left. What cannot be read is put aside under
    /// `<key>:unreadable`, so that nothing is lost and nothing is in the way.
    pub fn load(&self) -> Option<Saved> {
        let storage = self.storage()?;
        let text = storage.get_item(&self.key).ok()??;
        let saved = Saved::parse(&text).ok();
        if saved.is_none() {
            let mut aside = self.key.clone();
            aside.push_str(":unreadable");
            let _ = storage.set_item(&aside, &text);
            let _ = storage.remove_item(&self.key);
        }
        saved
    }

    /// Keeps this in place of what was kept before.
    pub fn save(&self, saved: &Saved) {
        if let Some(storage) = self.storage() {
            // Full or forbidden: the conversation goes on, and only a reload
            // would not find it.
            let _ = storage.set_item(&self.key, &saved.to_json());
        }
    }

    fn storage(&self) -> Option<Storage> {
        let window = web_sys::window()?;
        match self.persist {
            Persist::Local => window.local_storage().ok()?,
            Persist::Session => window.session_storage().ok()?,
            Persist::Memory => None,
        }
    }
}
