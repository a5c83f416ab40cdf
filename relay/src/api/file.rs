//! `/v1/files`: what visitors send along with their messages. A file is read by
//! its visitor alone, and never as a page: not even a picture is shown inline.

use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bytes::{Bytes, BytesMut};
use chinwag_protocol::{ErrorCode, FileLimits};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::caller::Caller;
use super::error::ApiError;
use crate::app::App;
use crate::config::Limits;
use crate::file::{FileKind, safe_name};
use crate::store::{NewFile, StoreError};

/// The field of the form that holds the file.
const FIELD: &str = "file";

/// What the form around a file may take, in bytes.
const FORM_BYTES: usize = 16 * 1024;

/// What RFC 5987 lets stand in a name; all else is escaped.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

pub(super) fn routes(limits: &Limits) -> Router<App> {
    let most = DefaultBodyLimit::max(limits.file_bytes.saturating_add(FORM_BYTES));
    Router::new().route("/files", post(upload).layer(most)).route("/files/{id}", get(download).delete(remove))
}

/// What a page is told before it sends any.
pub(super) fn told(limits: &Limits) -> FileLimits {
    FileLimits {
        max_bytes: limits.file_bytes as u64,
        max_count: limits.message_files as u64,
        types: limits.file_types.iter().map(|kind| kind.media_type().to_owned()).collect(),
    }
}

async fn upload(
    State(app): State<App>,
    caller: Caller,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, ApiError> {
    let standing = app.limits().file(caller.asker())?;
    let takes_files =
        app.agent(&caller.agent).await?.is_some_and(|agent| agent.upstream.features().attachments);
    if !takes_files {
        return Err(ApiError::unsupported(FIELD, "this agent does not take files"));
    }
    let mut form = form.map_err(|_| {
        ApiError::invalid("content-type", "send the file as multipart/form-data, in a field \"file\"")
    })?;
    let limits = &app.config().server.limits;
    let (name, claimed, body) = read(&mut form, limits.file_bytes).await?;
    if body.is_empty() {
        return Err(ApiError::invalid(FIELD, "the file is empty"));
    }
    let kind =
        FileKind::of(&body, &claimed).filter(|kind| limits.file_types.contains(kind)).ok_or_else(|| {
            let known: Vec<&str> = limits.file_types.iter().map(|kind| kind.media_type()).collect();
            ApiError::invalid(FIELD, format!("by its bytes this is none of {}", known.join(", ")))
        })?;
    let file = NewFile { name: safe_name(&name), media_type: kind.media_type(), body };
    let stored = app.store().keep_file(&caller.owner, file, limits.visitor_file_bytes).await;
    let stored = stored.map_err(|error| match error {
        StoreError::NoRoom => {
            let most = limits.visitor_file_bytes;
            ApiError::too_large(
                FIELD,
                format!("the files of one visitor are at most {most} bytes; delete a conversation"),
            )
        }
        error => error.into(),
    })?;
    Ok((Extension(standing), Json(stored)).into_response())
}

/// The name, the type that the browser took it for, and the bytes.
async fn read(form: &mut Multipart, most: usize) -> Result<(String, String, Bytes), ApiError> {
    while let Some(mut field) = form.next_field().await.map_err(|error| cut(&error))? {
        if field.name() != Some(FIELD) {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let claimed = field.content_type().unwrap_or_default().to_owned();
        let mut body = BytesMut::new();
        while let Some(bytes) = field.chunk().await.map_err(|error| cut(&error))? {
            if body.len() + bytes.len() > most {
                return Err(ApiError::too_large(FIELD, format!("a file is at most {most} bytes")));
            }
            body.extend_from_slice(&bytes);
        }
        return Ok((name, claimed, body.freeze()));
    }
    Err(ApiError::invalid(FIELD, "the form has no field \"file\""))
}

fn cut(error: &MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::too_large(FIELD, "the file is too large")
    } else {
        ApiError::invalid(FIELD, "the file did not arrive whole")
    }
}

async fn download(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let file = app.store().file(&caller.owner, &id).await?;
    let name = utf8_percent_encode(&file.name, NAME);
    let disposition = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{name}"));
    let kind = HeaderValue::from_str(&file.media_type);
    let (Ok(disposition), Ok(kind)) = (disposition, kind) else {
        return Err(ApiError::new(ErrorCode::Internal, "this file's name cannot be written"));
    };
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)], file.body).into_response())
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.store().drop_file(&caller.owner, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
