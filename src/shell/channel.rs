//! What the tabs of one visitor say to each other: over a `BroadcastChannel`, or
//! by writing into the storage that they share, where a browser has none.

use gloo_events::EventListener;
use js_sys::Reflect;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{BroadcastChannel, MessageEvent, Storage};

/// A channel to the other tabs. Dropping it closes it.
#[derive(Debug)]
pub struct Channel {
    way: Way,
    _listener: EventListener,
}

#[derive(Debug)]
enum Way {
    Broadcast(BroadcastChannel),
    Storage { storage: Storage, key: String },
}

impl Channel {
    /// Opens the channel of this name and hears what the others say. `None` in
    /// a browser that has neither way.
    pub fn open(name: &str, heard: impl Fn(&str) + 'static) -> Option<Self> {
        let heard: Box<dyn Fn(&str)> = Box::new(heard);
        if let Some(channel) = broadcast(name) {
            let listener = EventListener::new(&channel, "message", move |event| {
                if let Some(text) = event.unchecked_ref::<MessageEvent>().data().as_string() {
                    heard(&text);
                }
            });
            return Some(Self { way: Way::Broadcast(channel), _listener: listener });
        }
        let window = web_sys::window()?;
        let storage = window.local_storage().ok()??;
        let mut key = String::from(name);
        key.push_str(":tabs");
        let own_key = key.clone();
        let listener = EventListener::new(&window, "storage", move |event| {
            let member = |name: &str| Reflect::get(event, &JsValue::from_str(name)).ok()?.as_string();
            if let (Some(_), Some(text)) = (member("key").filter(|key| *key == own_key), member("newValue")) {
                heard(&text);
            }
        });
        Some(Self { way: Way::Storage { storage, key }, _listener: listener })
    }

    /// Says something to the others.
    pub fn say(&self, text: &str) {
        match &self.way {
            // Refused only by a channel that was closed.
            Way::Broadcast(channel) => drop(channel.post_message(&JsValue::from_str(text))),
            Way::Storage { storage, key } => {
                // Taken out at once: the event carries it, and the same word
                // said twice is two events.
                let _ = storage.set_item(key, text);
                let _ = storage.remove_item(key);
            }
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Way::Broadcast(channel) = &self.way {
            channel.close();
        }
    }
}

/// The constructor throws where the class is not there, and in some sandboxes.
fn broadcast(name: &str) -> Option<BroadcastChannel> {
    let window = web_sys::window()?;
    let class = Reflect::get(&window, &JsValue::from_str("BroadcastChannel")).ok()?;
    if class.is_function() { BroadcastChannel::new(name).ok() } else { None }
}
