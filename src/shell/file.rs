//! Files that the visitor has chosen, and those of messages: what the engine
//! knows by names only. How they travel is told in `npm/lazy/upload.js`, which
//! is fetched with the first of them.

use std::cell::{Cell, RefCell};

use chinwag_protocol::{FromFields as _, StoredFile};
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, Response, Url};

use super::store::Store;
use super::transport::{read_error, set, text_of};
use crate::engine::{Chosen, Event, FileId, SentFile, TransportError};

/// Most files that are looked at of what was dropped at once.
const MOST_AT_ONCE: u32 = 100;

/// The files of one widget. Dropping it ends their uploads and frees their
/// memory.
#[derive(Debug, Default)]
pub struct Files {
    held: RefCell<Vec<Held>>,
    /// Addresses in the browser that were made for pictures.
    made: RefCell<Vec<String>>,
    last: Cell<u32>,
}

#[derive(Debug)]
struct Held {
    id: FileId,
    file: JsValue,
    preview: Option<String>,
    upload: Option<AbortController>,
}

/// A request for a file, ready but for what is asked of it.
#[derive(Debug)]
pub struct Errand {
    /// Where to.
    pub url: String,
    /// What carries it: see `npm/lazy/upload.js`. Absent in a page that mounts
    /// the module without the JavaScript face.
    pub carrier: Option<Function>,
    /// The page's own `fetch`.
    pub fetch: Option<Function>,
    /// The page's headers and the token.
    pub headers: Vec<(String, String)>,
}

impl Errand {
    fn options(&self) -> Object {
        let (options, headers) = (Object::new(), Object::new());
        for (name, value) in &self.headers {
            set(&headers, name, &JsValue::from_str(value));
        }
        set(&options, "url", &JsValue::from_str(&self.url));
        set(&options, "headers", &headers);
        if let Some(fetch) = &self.fetch {
            set(&options, "fetch", fetch);
        }
        options
    }

    async fn run(self, verb: &str, options: &Object) -> Option<JsValue> {
        let answer = self.carrier?.call2(&JsValue::UNDEFINED, &JsValue::from_str(verb), options).ok()?;
        JsFuture::from(Promise::resolve(&answer)).await.ok()
    }
}

impl Files {
    /// Takes files in: a list of them, as inputs and drags have it.
    pub fn take(&self, list: &JsValue) -> Vec<Chosen> {
        let files = Array::from(list);
        (0..files.length().min(MOST_AT_ONCE)).filter_map(|index| self.hold(files.get(index))).collect()
    }

    fn hold(&self, file: JsValue) -> Option<Chosen> {
        let member = |name: &str| Reflect::get(&file, &JsValue::from_str(name)).ok();
        let text = |name: &str| member(name)?.as_string();
        let (name, media_type) = (text("name")?, text("type").unwrap_or_default());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes of files")]
        let bytes = member("size")?.as_f64()? as u64;
        let id = FileId(self.last.get() + 1);
        self.last.set(id.0);
        let is_picture = media_type.starts_with("image/") && media_type != "image/svg+xml";
        let preview =
            is_picture.then(|| Url::create_object_url_with_blob(file.unchecked_ref()).ok()).flatten();
        self.held.borrow_mut().push(Held { id, file, preview: preview.clone(), upload: None });
        Some(Chosen { id, name, media_type, bytes, preview })
    }

    /// Sends one, and tells the engine how it goes.
    pub fn upload(&self, id: FileId, errand: Errand, store: Store) {
        let mut all = self.held.borrow_mut();
        let Some(held) = all.iter_mut().find(|held| held.id == id) else { return };
        let options = errand.options();
        set(&options, "file", &held.file);
        let progress = Closure::<dyn FnMut(f64)>::new(move |percent: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
            store.dispatch(Event::FileProgressed { id, percent: percent as u8 });
        });
        set(&options, "progress", progress.as_ref());
        held.upload = AbortController::new().ok();
        if let Some(controller) = &held.upload {
            set(&options, "signal", &controller.signal());
        }
        spawn_local(async move {
            let answer = match errand.run("send", &options).await {
                Some(response) => read(response).await,
                None => Err(TransportError::Network),
            };
            drop(progress);
            store.dispatch(match answer {
                Ok(answer) => Event::FileStored { id, answer },
                Err(error) => Event::FileFailed { id, error },
            });
        });
    }

    /// Lets go of one.
    pub fn forget(&self, id: FileId) {
        let (gone, kept) = self.held.take().into_iter().partition(|held| held.id == id);
        self.held.replace(kept);
        let gone: Vec<Held> = gone;
        gone.into_iter().for_each(Held::end);
    }

    /// Brings one of a message: into the browser's memory, or to be saved.
    pub fn fetch(file: SentFile, saves: bool, errand: Errand, store: Store) {
        let options = errand.options();
        set(&options, "name", &JsValue::from_str(&file.name));
        set(&options, "saves", &JsValue::from_bool(saves));
        spawn_local(async move {
            let answer = errand.run("receive", &options).await;
            if let Some(address) = answer.and_then(|address| address.as_string()) {
                store.keep_picture(&address);
                store.dispatch(Event::PictureFetched { url: file.url, address });
            }
        });
    }

    /// Frees an address with the widget.
    pub fn keep(&self, address: &str) {
        self.made.borrow_mut().push(address.to_owned());
    }
}

impl Held {
    fn end(self) {
        if let Some(controller) = self.upload {
            controller.abort();
        }
        if let Some(preview) = self.preview {
            let _ = Url::revoke_object_url(&preview);
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.held.take().into_iter().for_each(Held::end);
        for address in self.made.take() {
            let _ = Url::revoke_object_url(&address);
        }
    }
}

async fn read(answer: JsValue) -> Result<StoredFile, TransportError> {
    // Of the page's own `fetch` it may be no instance of this class.
    let response: Response = answer.unchecked_into();
    if !response.ok() {
        return Err(read_error(&response).await);
    }
    let text = text_of(&response).await.ok_or(TransportError::Network)?;
    StoredFile::from_json(&text).map_err(|_| TransportError::Protocol)
}
