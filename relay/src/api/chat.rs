//! `/v1/chat`: questions in, replies out.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use chinwag_protocol::limits::MAX_CONTEXT_BYTES;
use chinwag_protocol::{
    ChatRequest, ConversationId, ErrorCode, EventId, Features, MessageId, Part, Role, Trigger, UiMessage,
};
use http::{HeaderMap, StatusCode};

use super::body::JsonBody;
use super::caller::Caller;
use super::error::ApiError;
use super::stream;
use crate::app::App;
use crate::config::DailyCap;
use crate::generation::Ask;
use crate::store::{Question, Results, StoreError, id_at};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/chat", post(chat))
        .route("/chat/{id}/stream", get(resume))
        .route("/chat/{id}/stop", post(stop))
}

async fn chat(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Response, ApiError> {
    let standing = app.limits().message(caller.asker())?;
    check_day(&app, &caller).await?;
    let upstream = app
        .agent(&caller.agent)
        .await?
        .map(|agent| agent.upstream)
        .ok_or_else(|| ApiError::internal(&format!("there is no agent {}", caller.agent)))?;
    let features = upstream.features();
    check_context(&request)?;
    let last = request.messages.last().ok_or_else(|| ApiError::invalid("messages", "there is no message"))?;
    let place = format!("messages[{}]", request.messages.len() - 1);
    // Taken before anything is stored: who is refused here has asked nothing.
    let permit = app.limits().stream(caller.asker())?;
    let claims = caller.claims;
    let ask = Ask {
        owner: caller.owner,
        conversation: request.id.clone(),
        tools: if features.tools { request.tools.clone() } else { Vec::new() },
        context: request.context.clone(),
        public_origin: caller.public_origin,
        agent: app.counted_as(&caller.agent),
        upstream: upstream.clone(),
        request_id: caller.request_id,
    };
    let reader = match request.trigger {
        Trigger::SubmitMessage if last.role == Role::Assistant => {
            let results = read_results(last, &place, features)?;
            let outcome = app.generations().go_on(ask, results).await;
            outcome.map_err(|error| ApiError::from(error).about(format!("{place}.parts")))?
        }
        Trigger::SubmitMessage => {
            let question = read_question(&app, &ask, last, &place, features).await?;
            app.generations().submit(ask, question).await?
        }
        Trigger::RegenerateMessage => match find_question(&app, &ask, &request, last).await? {
            Some(question) => app.generations().regenerate(ask, question).await?,
            // The relay never got it: the first try was lost on the way.
            None if last.role == Role::User && request.message_id.is_none() => {
                let question = read_question(&app, &ask, last, &place, features).await?;
                app.generations().submit(ask, question).await?
            }
            None => return Err(ApiError::not_found().about("messageId")),
        },
    };
    let response = stream::respond(&app, claims, reader, permit);
    Ok((Extension(standing), response).into_response())
}

async fn resume(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = read_id(&id)?;
    let last = match headers.get("last-event-id") {
        Some(value) => {
            let event = value.to_str().ok().and_then(|text| text.parse::<EventId>().ok());
            Some(event.ok_or_else(|| {
                ApiError::invalid("last-event-id", "an event id is <epoch>:<sequence number>")
            })?)
        }
        None => None,
    };
    let permit = app.limits().stream(caller.asker())?;
    Ok(match app.generations().resume(&caller.owner, &id, last.as_ref()).await? {
        Some(reader) => stream::respond(&app, caller.claims, reader, permit),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn stop(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = read_id(&id)?;
    if !app.store().has_conversation(&caller.owner, &id).await? {
        return Err(ApiError::not_found());
    }
    app.generations().stop(&caller.owner, &id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// A conversation's id from a path.
pub(super) fn read_id(unverified_id: &str) -> Result<ConversationId, ApiError> {
    ConversationId::parse(unverified_id).map_err(|error| ApiError::invalid("id", error.to_string()))
}

/// Whether the site may begin another reply today. Replies that begin in the same
/// moment may pass together; the next one does not.
async fn check_day(app: &App, caller: &Caller) -> Result<(), ApiError> {
    let cap = app.config().site(&caller.owner.site).map(|site| site.daily).unwrap_or_default();
    if cap == DailyCap::default() {
        return Ok(());
    }
    let spent = app.store().spent_today(&caller.owner.site).await?;
    if cap.messages.is_some_and(|most| spent.messages >= most) {
        app.metrics().limited("daily_messages");
        return Err(ApiError::day_is_spent("messages"));
    }
    if cap.tokens.is_some_and(|most| spent.tokens >= most) {
        app.metrics().limited("daily_tokens");
        return Err(ApiError::day_is_spent("tokens"));
    }
    Ok(())
}

fn check_context(request: &ChatRequest) -> Result<(), ApiError> {
    let Some(context) = &request.context else { return Ok(()) };
    if !context.is_object() {
        return Err(ApiError::invalid("context", "context is an object"));
    }
    if context.as_str().len() > MAX_CONTEXT_BYTES {
        return Err(ApiError::too_large("context", format!("context is at most {MAX_CONTEXT_BYTES} bytes")));
    }
    Ok(())
}

/// The results of the page's tools that the last message of a request brings.
fn read_results(last: &UiMessage, place: &str, features: Features) -> Result<Results, ApiError> {
    let results = Results::of(&last.parts);
    if results.is_empty() {
        return Err(ApiError::invalid(
            format!("{place}.role"),
            "the last message is the user's, or a reply with results of its tool calls",
        ));
    }
    if !features.tools {
        return Err(ApiError::unsupported(place, "this agent does not take results of the page's tools"));
    }
    Ok(results)
}

/// The question that the last message of a request is. `place` names it in
/// errors.
async fn read_question(
    app: &App,
    ask: &Ask,
    last: &UiMessage,
    place: &str,
    features: Features,
) -> Result<Question, ApiError> {
    let limits = &app.config().server.limits;
    let most_chars = limits.message_chars;
    match last.role {
        Role::User => {}
        Role::Assistant | Role::System => {
            return Err(ApiError::invalid(format!("{place}.role"), "the last message is the user's"));
        }
    }
    let id = MessageId::parse(&last.id)
        .map_err(|error| ApiError::invalid(format!("{place}.id"), error.to_string()))?;
    let param = || format!("{place}.parts");
    // What other clients add (`data-*` parts, for one) is not part of the
    // question.
    let is_kept = |part: &&Part| matches!(part, Part::Text { .. } | Part::File { .. });
    let mut parts: Vec<Part> = last.parts.iter().filter(is_kept).cloned().collect();
    let chars: usize =
        parts.iter().map(|part| if let Part::Text { text } = part { text.chars().count() } else { 0 }).sum();
    if chars > most_chars {
        return Err(ApiError::too_large(
            param(),
            format!("a message is at most {most_chars} characters; this one has {chars}"),
        ));
    }
    let has_file = parts.iter().any(|part| matches!(part, Part::File { .. }));
    if has_file && !features.attachments {
        return Err(ApiError::unsupported(param(), "this agent does not take files"));
    }
    if has_file {
        parts = own_files(app, ask, parts, &param).await?;
    }
    let message = UiMessage { id: last.id.clone(), role: Role::User, parts, metadata: None };
    if !has_file && message.text().trim().is_empty() {
        return Err(ApiError::invalid(param(), "the message has no text"));
    }
    Ok(Question::new(id, message)?)
}

/// The parts with what the store knows of their files, in place of what the page
/// says of them.
async fn own_files(
    app: &App,
    ask: &Ask,
    parts: Vec<Part>,
    param: &impl Fn() -> String,
) -> Result<Vec<Part>, ApiError> {
    let most = app.config().server.limits.message_files;
    let count = parts.iter().filter(|part| matches!(part, Part::File { .. })).count();
    if count > most {
        return Err(ApiError::too_large(
            param(),
            format!("a message has at most {most} files; this one has {count}"),
        ));
    }
    let mut known = Vec::with_capacity(parts.len());
    for part in parts {
        let Part::File { url, .. } = &part else {
            known.push(part);
            continue;
        };
        // Whoever sends an address of its own would have the provider fetch it.
        let missing = || {
            ApiError::invalid(
                param(),
                "a file is sent by the url that POST /v1/files answered with, in one conversation",
            )
        };
        let id = id_at(url).ok_or_else(missing)?;
        let found = app.store().file_part(&ask.owner, &ask.conversation, id).await;
        known.push(found.map_err(|error| match error {
            StoreError::Missing => missing(),
            error => error.into(),
        })?);
    }
    Ok(known)
}

/// The question whose reply is to be made anew: that of the named message, of
/// the last one in the request, or of the last one in the conversation.
async fn find_question(
    app: &App,
    ask: &Ask,
    request: &ChatRequest,
    last: &UiMessage,
) -> Result<Option<MessageId>, ApiError> {
    if let Some(named) = &request.message_id {
        return Ok(app.store().question_of(&ask.owner, &ask.conversation, Some(named)).await?);
    }
    let id = MessageId::parse(&last.id)
        .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error.to_string()).about("messages"))?;
    Ok(app.store().question_of(&ask.owner, &ask.conversation, Some(&id)).await?)
}
