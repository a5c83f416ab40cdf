//! Webhooks as the API takes and gives them.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::Url;

use super::PageQuery;
use super::agent::{page, page_size};
use super::source::Desk;
use super::{Refusal, new_id};
use crate::outward::Outward;
use crate::store::{Delivery, StoreError, WebhookRecord};
use crate::webhook::{EVENTS, SECRET_PREFIX};

/// Longest URL, in bytes.
const MAX_URL_BYTES: usize = 2_000;

/// How long a signing key is, in bytes.
const KEY_BYTES: usize = 24;

impl Desk<'_> {
    /// Every webhook, the newest first.
    pub async fn webhooks(&self) -> Result<Value, Refusal> {
        let all = self.store.webhooks(self.mode).await?;
        let data: Vec<Value> = all.iter().map(show).collect();
        Ok(json!({ "data": data, "has_more": false, "next_cursor": null }))
    }

    /// Makes a webhook; the answer alone has its secret. A `ping` is on its way.
    pub async fn add_webhook(&self, outward: &Outward, body: &Value) -> Result<Value, Refusal> {
        let body = object(body)?;
        if !body.contains_key("url") {
            return Err(Refusal::missing("url"));
        }
        let mut key = [0_u8; KEY_BYTES];
        rand::fill(&mut key).map_err(|_| Refusal::from(StoreError::Random))?;
        let mut new = WebhookRecord {
            id: new_id("wh"),
            mode: self.mode,
            url: String::new(),
            events: EVENTS.iter().map(|&event| event.to_owned()).collect(),
            secret: format!("{SECRET_PREFIX}{}", STANDARD.encode(key)),
            is_paused: false,
            created_at: String::new(),
            updated_at: String::new(),
        };
        apply(&mut new, outward, body)?;
        let kept = self.store.add_webhook(&new).await?;
        self.store.tell_one(&kept, "ping", &json!({ "webhook_id": kept.id })).await?;
        let mut shown = show(&kept);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("secret".to_owned(), kept.secret.as_str().into());
        }
        Ok(shown)
    }

    /// One webhook.
    pub async fn webhook(&self, id: &str) -> Result<Value, Refusal> {
        Ok(show(&self.find_webhook(id).await?))
    }

    /// Changes what is sent, and nothing else.
    pub async fn change_webhook(&self, outward: &Outward, id: &str, body: &Value) -> Result<Value, Refusal> {
        let mut webhook = self.find_webhook(id).await?;
        apply(&mut webhook, outward, object(body)?)?;
        Ok(show(&self.store.change_webhook(&webhook).await.map_err(missing)?))
    }

    /// Removes a webhook and its deliveries.
    pub async fn delete_webhook(&self, id: &str) -> Result<(), Refusal> {
        self.store.delete_webhook(self.mode, id).await.map_err(missing)
    }

    /// Sends a `ping` to a webhook.
    pub async fn ping(&self, id: &str) -> Result<Value, Refusal> {
        let webhook = self.find_webhook(id).await?;
        let told = self.store.tell_one(&webhook, "ping", &json!({ "webhook_id": webhook.id })).await?;
        Ok(show_delivery(&told))
    }

    /// A page of a webhook's deliveries, the newest first.
    pub async fn deliveries(&self, id: &str, query: &PageQuery) -> Result<Value, Refusal> {
        let webhook = self.find_webhook(id).await?;
        let status = query.status.as_deref();
        if status.is_some_and(|status| !["pending", "delivered", "failed"].contains(&status)) {
            return Err(Refusal::invalid("status", "status is pending, delivered or failed"));
        }
        let limit = page_size(query.page_size.as_deref())?;
        let listed = self.store.deliveries(&webhook.id, status, query.cursor.as_deref(), limit).await?;
        Ok(page(listed, |delivery| show_delivery(&delivery)))
    }

    /// Sends a delivery again.
    pub async fn resend(&self, id: &str, delivery: &str) -> Result<Value, Refusal> {
        let webhook = self.find_webhook(id).await?;
        let again = self.store.send_again(&webhook.id, delivery).await.map_err(|error| match error {
            StoreError::Missing => Refusal::not_found("delivery"),
            error => error.into(),
        })?;
        Ok(show_delivery(&again))
    }

    async fn find_webhook(&self, id: &str) -> Result<WebhookRecord, Refusal> {
        self.store.webhook(self.mode, id).await.map_err(missing)
    }
}

fn apply(webhook: &mut WebhookRecord, outward: &Outward, body: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(value) = body.get("url") {
        let text = value.as_str().ok_or_else(|| Refusal::invalid("url", "url is a text"))?;
        let url = Url::parse(text).ok().filter(|url| url.has_host() && text.len() <= MAX_URL_BYTES);
        let url = url.ok_or_else(|| {
            Refusal::unprocessable("url", format!("url is an http(s) URL of at most {MAX_URL_BYTES} bytes"))
        })?;
        outward.check(&url).map_err(|error| Refusal::unprocessable("url", error.to_string()))?;
        webhook.url = url.into();
    }
    if let Some(value) = body.get("events") {
        let known = || format!("events lists some of {}", EVENTS.join(", "));
        let names = value.as_array().ok_or_else(|| Refusal::invalid("events", known()))?;
        let mut events: Vec<String> = Vec::new();
        for name in names {
            let name = name.as_str().ok_or_else(|| Refusal::invalid("events", known()))?;
            if !EVENTS.contains(&name) {
                return Err(Refusal::unprocessable("events", known()));
            }
            if !events.iter().any(|event| event == name) {
                events.push(name.to_owned());
            }
        }
        if events.is_empty() {
            return Err(Refusal::unprocessable("events", known()));
        }
        webhook.events = events;
    }
    if let Some(value) = body.get("status") {
        webhook.is_paused = match value.as_str() {
            Some("active") => false,
            Some("paused") => true,
            Some(_) => return Err(Refusal::unprocessable("status", "status is active or paused")),
            None => return Err(Refusal::invalid("status", "status is a text")),
        };
    }
    Ok(())
}

/// A webhook as callers see it: without its secret.
fn show(webhook: &WebhookRecord) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "status": if webhook.is_paused { "paused" } else { "active" },
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    })
}

fn show_delivery(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "event_id": delivery.event,
        "type": delivery.kind,
        "status": delivery.status,
        "tries": delivery.tries,
        "answer_status": delivery.answer_status,
        "answer_error": delivery.answer_error,
        "created_at": delivery.created_at,
        "next_at": delivery.next_at,
        "delivered_at": delivery.delivered_at,
    })
}

fn missing(error: StoreError) -> Refusal {
    match error {
        StoreError::Missing => Refusal::not_found("webhook"),
        error => error.into(),
    }
}

fn object(body: &Value) -> Result<&Map<String, Value>, Refusal> {
    const KNOWN: &[&str] = &["url", "events", "status"];
    let body = body.as_object().ok_or_else(|| Refusal::invalid("body", "the body is a JSON object"))?;
    match body.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        Some(unknown) => {
            let message = format!("a webhook has no field {unknown}; there are {}", KNOWN.join(", "));
            Err(Refusal::invalid(unknown, message))
        }
        None => Ok(body),
    }
}
