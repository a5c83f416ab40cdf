//! `/v1/hooks/{agent}`: what a provider tells of its own accord, signed.

use std::time::SystemTime;

use aws_lc_rs::digest;
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::caller::parse;
use super::error::ManageError;
use crate::app::App;
use crate::config::Provider;
use crate::manage::Refusal;
use crate::store::{Heard, TakenIn};
use crate::upstream::chatsby::{self, event};
use crate::{hex, incoming};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/hooks/{agent}", post(hear))
}

/// Takes an event in. Whatever becomes of one that is signed, the provider is
/// told that it arrived: sent again it would be no other.
async fn hear(
    State(app): State<App>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ManageError> {
    let section = app.config().agents.get(&agent);
    let found = section.and_then(|section| match &section.provider {
        Provider::Chatsby(settings) => Some((settings, section.webhook.as_ref()?)),
        _ => None,
    });
    let (settings, signed) = found.ok_or_else(|| Refusal::not_found("path"))?;
    let now = SystemTime::now();
    incoming::verify(signed, &headers, &body, now).map_err(|forged| {
        tracing::warn!(agent, reason = %forged, "a webhook that is not the provider's was refused");
        Refusal::forged(forged.to_string())
    })?;
    let told = event::read(&parse(&body)?).ok_or_else(|| Refusal::missing("type"))?;
    if told.at.as_deref().is_some_and(|at| incoming::is_stale(at, now)) {
        return Err(Refusal::forged("the event is older than is remembered here").into());
    }
    let outcome = match &told.conversation {
        Some(conversation) if told.message.is_some() || told.state.is_some() => {
            let agents = match (&told.agent, &settings.agent_id) {
                (Some(agent), _) => vec![agent.clone()],
                (None, own) => {
                    let made = app.store().provider_agents(&agent).await?;
                    own.iter().cloned().chain(made).collect()
                }
            };
            let scopes: Vec<String> = agents.iter().map(|agent| chatsby::scope(settings, agent)).collect();
            let id = told.id.as_deref().map_or(body.as_ref(), str::as_bytes);
            let heard = Heard {
                agent: &agent,
                event: &hex::encode(digest::digest(&digest::SHA256, id).as_ref()),
                conversation,
                scopes: &scopes,
                message: told.message.as_ref().map(|written| (written.text.as_str(), written.is_by_person)),
                state: told.state,
            };
            let taken = app.store().hear(&heard).await?;
            if matches!(taken, TakenIn::Now { has_message: true }) {
                app.postman().wake();
            }
            match taken {
                TakenIn::Now { .. } => "taken_in",
                TakenIn::Before => "repeated",
                TakenIn::Stranger => "ignored",
            }
        }
        _ => "ignored",
    };
    tracing::info!(agent, event = told.kind, outcome, "a provider's webhook arrived");
    Ok(Json(json!({ "received": true, "outcome": outcome })))
}
