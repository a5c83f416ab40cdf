//! Locks that all tabs of an origin share (Web Locks). A tab that ends, however
//! it does, lets go of its locks.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::AbortController;

/// A place in the queue for a lock, and then the lock. Dropping it gives up
/// either.
#[derive(Debug)]
pub struct Claim {
    controller: AbortController,
    release: Rc<RefCell<Option<Function>>>,
    _granted: Closure<dyn FnMut() -> Promise>,
}

impl Claim {
    /// Queues for a lock and runs something once it is held. `None` where the
    /// browser has no locks: old ones, and pages that are not secure.
    pub fn queue(name: &str, granted: impl FnOnce() + 'static) -> Option<Self> {
        let navigator = web_sys::window()?.navigator();
        let member = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
        let locks = member(&navigator, "locks").filter(JsValue::is_object)?;
        let request: Function = member(&locks, "request")?.dyn_into().ok()?;
        let controller = AbortController::new().ok()?;
        let options = Object::new();
        Reflect::set(&options, &JsValue::from_str("signal"), &controller.signal()).ok()?;
        let release = Rc::new(RefCell::new(None));
        let held = Rc::clone(&release);
        let mut granted = Some(granted);
        let on_granted = Closure::<dyn FnMut() -> Promise>::new(move || {
            let promise = Promise::new(&mut |resolve, _| {
                held.replace(Some(resolve));
            });
            if let Some(granted) = granted.take() {
                granted();
            }
            promise
        });
        let queued = request.call3(&locks, &JsValue::from_str(name), &options, on_granted.as_ref()).ok()?;
        // It is refused when the claim is given up, which needs no answer.
        wasm_bindgen_futures::spawn_local(async move {
            let _ = wasm_bindgen_futures::JsFuture::from(Promise::resolve(&queued)).await;
        });
        Some(Self { controller, release, _granted: on_granted })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        match self.release.take() {
            Some(release) => {
                let _ = release.call0(&JsValue::UNDEFINED);
            }
            None => self.controller.abort(),
        }
    }
}
