//! Webhooks: takes what is queued in the store to the endpoints that want to
//! hear of it, signed, until they accept it or a day is over.
//!
//! The signature is that of the Standard Webhooks specification: HMAC-SHA256
//! over id, time and body. Events of one conversation arrive in order: the next
//! one waits until the one before was accepted, or given up.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use http::Method;
use http::header::CONTENT_TYPE;
use tokio::sync::Notify;
use url::Url;

use crate::edge::Shutdown;
use crate::outward::{Outward, describe};
use crate::store::{Delivery, Store, StoreError, Tried, WebhookRecord};

/// What a secret begins with; the rest is base64 of the key.
pub const SECRET_PREFIX: &str = "whsec_";

/// Every event that a webhook can hear of.
pub const EVENTS: &[&str] =
    &["conversation.created", "message.created", "feedback.created", "source.trained", "source.failed"];

/// How long an endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an event is tried.
const LIFE: Duration = Duration::from_hours(24);

/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Deliveries that are taken out of the queue at once, and that go to one
/// endpoint at once.
const BATCH: i64 = 256;
const AT_ONCE: usize = 8;

/// Bytes of an answer that are kept when it is no success.
const MAX_ERROR_BYTES: usize = 300;

/// Takes events to their webhooks. Clones share it.
#[derive(Debug, Clone)]
pub struct Postman {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    outward: Outward,
    first_pause: Duration,
    /// Webhooks to which something is on its way.
    busy: Mutex<HashSet<String>>,
    wake: Notify,
}

impl Postman {
    /// With the first pause after a try that failed; it doubles with each.
    pub fn new(store: Store, outward: Outward, first_pause: Duration) -> Self {
        let shared = Shared { store, outward, first_pause, busy: Mutex::default(), wake: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Says that something is queued; it is found within a second anyway.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Delivers for as long as the relay runs.
    pub async fn work(self, shutdown: Shutdown) {
        loop {
            match self.hand_out().await {
                Ok(()) => {}
                Err(StoreError::Query(sqlx::Error::PoolClosed)) => return,
                Err(error) => {
                    tracing::warn!(%error, "the queue of webhooks cannot be read; it is tried again");
                }
            }
            tokio::select! {
                () = shutdown.begun() => return,
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Looks before the next look would come.
    fn wake_after(&self, pause: Duration) {
        let postman = self.clone();
        tokio::spawn(async move {
            // Times are kept in whole milliseconds.
            tokio::time::sleep(pause + Duration::from_millis(2)).await;
            postman.wake();
        });
    }

    /// Starts a task for each webhook that something is due for.
    async fn hand_out(&self) -> Result<(), StoreError> {
        let mut due = self.shared.store.due_deliveries(BATCH).await?;
        while let Some((_, webhook)) = due.first() {
            let id = webhook.id.clone();
            let (own, others) = due.into_iter().partition::<Vec<_>, _>(|(_, webhook)| webhook.id == id);
            due = others;
            // One that is busy is looked at again when it is done.
            if self.shared.busy().insert(id.clone()) {
                let postman = self.clone();
                tokio::spawn(async move {
                    stream::iter(own)
                        .for_each_concurrent(AT_ONCE, |(delivery, webhook)| {
                            let postman = postman.clone();
                            async move {
                                let again = postman.shared.deliver(&delivery, &webhook).await;
                                if let Some(pause) = again.filter(|pause| *pause < LOOK_EVERY) {
                                    postman.wake_after(pause);
                                }
                            }
                        })
                        .await;
                    postman.shared.busy().remove(&id);
                    postman.wake();
                });
            }
        }
        Ok(())
    }
}

impl Shared {
    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One try; after which time the next one is due, if there is one.
    async fn deliver(&self, delivery: &Delivery, webhook: &WebhookRecord) -> Option<Duration> {
        let mut tried = self.send(delivery, webhook).await;
        if tried.error.is_some() && delivery.age < LIFE {
            tried.again = Some(pause(self.first_pause, delivery.tries));
        }
        let (status, error) = (tried.status, tried.error.as_deref().unwrap_or_default());
        tracing::info!(webhook = webhook.id, delivery = delivery.id, status, error, "a webhook was called");
        if let Err(error) = self.store.end_try(delivery, &tried).await {
            tracing::warn!(delivery = delivery.id, %error, "how a delivery ended is not kept; it is sent again");
        }
        tried.again
    }

    async fn send(&self, delivery: &Delivery, webhook: &WebhookRecord) -> Tried {
        let failed = |error: String| Tried { status: None, error: Some(error), again: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let Some(signature) = sign(&webhook.secret, &delivery.event, now, &delivery.body) else {
            return failed("the webhook's secret cannot be read".to_owned());
        };
        let request = match Url::parse(&webhook.url) {
            Ok(url) => self.outward.request(Method::POST, &url),
            Err(error) => return failed(error.to_string()),
        };
        let request = match request {
            Ok(request) => request
                .timeout(PATIENCE)
                .header(CONTENT_TYPE, "application/json")
                .header("webhook-id", &delivery.event)
                .header("webhook-timestamp", now)
                .header("webhook-signature", signature)
                .body(delivery.body.clone()),
            Err(error) => return failed(error.to_string()),
        };
        let mut answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return failed(describe(&error)),
        };
        let status = Some(answer.status().as_u16());
        if answer.status().is_success() {
            return Tried { status, error: None, again: None };
        }
        // The beginning of what it says helps whoever runs the endpoint.
        let said = answer.chunk().await.ok().flatten().unwrap_or_default();
        let said = String::from_utf8_lossy(said.get(..MAX_ERROR_BYTES).unwrap_or(&said)).into_owned();
        let error = if said.trim().is_empty() { "no success".to_owned() } else { said };
        Tried { status, error: Some(error), again: None }
    }
}

/// The pause after so many tries: twice as long each time, up to an hour, and a
/// little longer by chance, so that not all come back at once.
fn pause(first: Duration, tries: i64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(u32::try_from(tries).unwrap_or(0).min(20)));
    let pause = doubled.min(LONGEST_PAUSE);
    pause + pause.mul_f64(fastrand::f64() * 0.1)
}

/// The value of `webhook-signature`; `None` if the secret is none.
pub fn sign(secret: &str, id: &str, timestamp: u64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of the specification's own libraries.
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign("no secret", "a", 1, "b"), None);
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let first = Duration::from_secs(5);
        let within = |tries, seconds: u64| {
            let pause = pause(first, tries).as_secs_f64();
            let least = Duration::from_secs(seconds).as_secs_f64();
            assert!(pause >= least && pause <= least * 1.1, "{tries}: {pause}");
        };
        within(0, 5);
        within(3, 40);
        within(30, 3_600);
    }
}
