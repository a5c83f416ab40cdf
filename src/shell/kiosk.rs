//! A screen in a hall, as far as the browser goes: most of it is done by a
//! companion in JavaScript, which only kiosks fetch (`npm/lazy/kiosk.js`).

use chinwag_protocol::{FromFields as _, SiteKey, TokenAnswer, TokenRequest};
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;

use super::body;
use super::lent::Lent;
use super::store::Store;
use super::transport::Call;
use crate::engine::kiosk::Leftover;
use crate::engine::{Event, KioskEvent, KioskOrder, TransportError};

/// The companion; none where there is no kiosk.
#[derive(Debug, Clone, Default)]
pub struct Companion(Option<Object>);

impl Companion {
    /// What the JavaScript face brought along.
    pub fn new(value: JsValue) -> Self {
        Self(value.dyn_into().ok())
    }

    /// Whether this is a kiosk.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Carries out an order.
    pub fn carry_out(&self, order: KioskOrder, relay: &str, lent: Lent, store: Store) {
        match order {
            KioskOrder::Forget { leftover, device, site } => {
                let (relay, request) = (relay.to_owned(), leftover.request);
                spawn_local(async move {
                    let is_done = forget(&relay, &lent, leftover, device, &site).await;
                    store.dispatch(Event::Kiosk(KioskEvent::Forgotten { request, is_done }));
                });
            }
            KioskOrder::Probe => {
                let mut url = relay.to_owned();
                url.push_str("/healthz");
                Call::new("GET", url, None, None).then(lent, move |answer| {
                    // Whatever answers is there; what it says comes out when it is asked.
                    let is_there = !matches!(answer, Err(TransportError::Network | TransportError::Timeout));
                    store.dispatch(Event::Kiosk(KioskEvent::Probed { is_there }));
                });
            }
            KioskOrder::Wipe => self.call("wipe", &[]),
            KioskOrder::Renew => self.call("renew", &[]),
            KioskOrder::Beat { state, uptime_s } => {
                self.call("beat", &[JsValue::from_str(state), JsValue::from(uptime_s)]);
            }
            KioskOrder::Reload => self.call("reload", &[]),
        }
    }

    /// Puts a keyboard on the screen, for a text field.
    pub fn draw_keyboard(&self, place: &Element, input: &Element) {
        self.call("keyboard", &[place.into(), input.into()]);
    }

    /// Draws an address as a code.
    pub fn draw_code(&self, place: &Element, address: &str) {
        self.call("code", &[place.into(), JsValue::from_str(address)]);
    }

    /// Says why the relay does not want this screen, once that is known.
    pub fn draw_trouble(&self, place: &Element) {
        self.call("trouble", &[place.into()]);
    }

    fn call(&self, name: &str, given: &[JsValue]) {
        let member = self.0.as_ref().and_then(|object| Reflect::get(object, &JsValue::from_str(name)).ok());
        if let Some(function) = member.and_then(|member| member.dyn_into::<Function>().ok()) {
            // It catches what goes wrong in it.
            let _ = function.apply(&JsValue::UNDEFINED, &given.iter().cloned().collect::<Array>());
        }
    }
}

/// Has the relay forget a visitor. Whether it has, or whether there is nothing
/// more that could be done.
async fn forget(relay: &str, lent: &Lent, leftover: Leftover, device: Option<String>, site: &str) -> bool {
    let url = |path: &str| [relay, path].concat();
    let erase = async |token: String| {
        let mut call = Call::new("DELETE", url("/v1/visitor"), Some(token), None);
        call.outlives_page = true;
        call.fetch(lent).await
    };
    if let Some(token) = leftover.token {
        match erase(token).await {
            Ok(_) => return true,
            Err(error) if error.is_unauthenticated() => {}
            Err(_) => return false,
        }
    }
    let (Some(visitor), Ok(site)) = (leftover.visitor, SiteKey::parse(site)) else { return true };
    let request = TokenRequest { site, visitor: Some(visitor), identity: None, device };
    let answer = Call::post(url("/v1/token"), None, body::token(&request)).fetch(lent).await;
    match answer.map(|text| TokenAnswer::from_json(&text)) {
        Ok(Ok(answer)) => erase(answer.token).await.is_ok(),
        // Refused for good: the device's key was revoked, and its tokens with it.
        Err(TransportError::Http { status: 400..=403, .. }) => true,
        Ok(Err(_)) | Err(_) => false,
    }
}
