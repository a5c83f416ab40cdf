//! Files: from the visitor's hand to the relay, and back for a look.

use chinwag_protocol::StoredFile;

use super::{Effects, session};
use crate::engine::attachment::{Attachment, Chosen, FileId, Progress, SentFile, objection};
use crate::engine::effect::{Effect, Region};
use crate::engine::event::{Event, Moment};
use crate::engine::failure::{Failure, TransportError};
use crate::engine::model::Model;
use crate::engine::session::Call;

/// Most files that did not fit of which each is named.
const MOST_NAMED: usize = 5;

/// Takes in an event of a file.
pub(super) fn happened(model: &mut Model, event: Event, now: Moment, out: &mut Effects) {
    match event {
        Event::FilesChosen { files } => chosen(model, files, now, out),
        Event::FileProgressed { id, percent } => progressed(model, id, percent, out),
        Event::FileStored { id, answer } => stored(model, id, answer, out),
        Event::FileFailed { id, error } => failed(model, id, &error, now, out),
        Event::FileRemoved { id } => remove(model, id, out),
        Event::FileRetried { id } => retry(model, id, now, out),
        Event::LeftOutDismissed => dismiss(model, out),
        Event::FileAsked { file, saves } => asked(model, file, saves, now, out),
        Event::PictureFetched { url, address } => fetched(model, &url, address, out),
        _ => {}
    }
}

/// The order for a call that waited for its token.
pub(super) fn order(call: Call, token: String) -> Option<Effect> {
    match call {
        Call::Upload(id) => Some(Effect::UploadFile { id, token }),
        Call::Fetch { file, saves } => Some(Effect::FetchFile { file, saves, token }),
        _ => None,
    }
}

/// The visitor has chosen files. What cannot be sent is said, and let go of.
fn chosen(model: &mut Model, files: Vec<Chosen>, now: Moment, out: &mut Effects) {
    model.tray.left_out.clear();
    for file in files {
        let Some(limits) = model.file_limits.clone().filter(|_| model.takes_files()) else {
            out.push(Effect::ForgetFile(file.id));
            continue;
        };
        if let Some(why) = objection(&file, model.tray.attachments.len(), &limits) {
            out.push(Effect::ForgetFile(file.id));
            if model.tray.left_out.len() < MOST_NAMED {
                model.tray.left_out.push((file.name, why));
            }
            continue;
        }
        let id = file.id;
        model.tray.attachments.push(Attachment {
            file,
            progress: Progress::Sending(0),
            token_replaced: false,
        });
        session::call(model, Call::Upload(id), now, out);
    }
    redraw(out);
}

/// So much of a file has gone.
fn progressed(model: &mut Model, id: FileId, percent: u8, out: &mut Effects) {
    if let Some(attachment) = model.tray.find(id)
        && let Progress::Sending(before) = &mut attachment.progress
        && *before != percent
    {
        *before = percent;
        out.push(Effect::Redraw(Region::Files));
    }
}

fn stored(model: &mut Model, id: FileId, answer: StoredFile, out: &mut Effects) {
    let Some(attachment) = model.tray.find(id) else { return };
    attachment.progress = Progress::Stored(answer);
    redraw(out);
}

pub(super) fn failed(model: &mut Model, id: FileId, error: &TransportError, now: Moment, out: &mut Effects) {
    let Some(attachment) = model.tray.find(id) else { return };
    if error.is_unauthenticated() && !attachment.token_replaced {
        attachment.token_replaced = true;
        model.session.drop_token();
        session::call(model, Call::Upload(id), now, out);
        return;
    }
    attachment.progress = Progress::Failed(Failure::from_transport(error.clone(), now));
    redraw(out);
}

/// The visitor takes a file back out of the composer.
fn remove(model: &mut Model, id: FileId, out: &mut Effects) {
    model.tray.attachments.retain(|attachment| attachment.file.id != id);
    out.push(Effect::ForgetFile(id));
    redraw(out);
}

/// The visitor asks to send a file once more that did not get there.
fn retry(model: &mut Model, id: FileId, now: Moment, out: &mut Effects) {
    let Some(attachment) = model.tray.find(id) else { return };
    if let Progress::Failed(failure) = &attachment.progress
        && failure.can_retry(now)
    {
        attachment.progress = Progress::Sending(0);
        attachment.token_replaced = false;
        session::call(model, Call::Upload(id), now, out);
        redraw(out);
    }
}

/// What was said of files that were left out was read.
fn dismiss(model: &mut Model, out: &mut Effects) {
    model.tray.left_out.clear();
    out.push(Effect::Redraw(Region::Files));
}

/// The composer's files, to go with a message.
pub(super) fn take(model: &mut Model, out: &mut Effects) -> Vec<SentFile> {
    let attachments = std::mem::take(&mut model.tray).attachments;
    redraw(out);
    let sent = attachments.into_iter().filter_map(|attachment| match attachment.progress {
        Progress::Stored(file) => {
            if let Some(preview) = attachment.file.preview {
                model.pictures.push((file.url.clone(), Some(preview)));
            }
            Some(SentFile { url: file.url, name: file.filename, media_type: file.media_type })
        }
        _ => None,
    });
    sent.collect()
}

/// Empties the composer of files.
pub(super) fn clear(model: &mut Model, out: &mut Effects) {
    for attachment in std::mem::take(&mut model.tray).attachments {
        out.push(Effect::ForgetFile(attachment.file.id));
    }
    redraw(out);
}

/// A file of a message is to be shown, or saved.
fn asked(model: &mut Model, file: SentFile, saves: bool, now: Moment, out: &mut Effects) {
    if !saves {
        if model.picture(&file.url).is_some() {
            return;
        }
        // Asked for once, whatever comes of it.
        model.pictures.push((file.url.clone(), None));
    }
    session::call(model, Call::Fetch { file, saves }, now, out);
}

/// A picture has arrived.
fn fetched(model: &mut Model, url: &str, address: String, out: &mut Effects) {
    if let Some((_, shown)) = model.pictures.iter_mut().find(|(known, _)| known == url) {
        *shown = Some(address);
        out.push(Effect::Redraw(Region::Files));
    }
}

fn redraw(out: &mut Effects) {
    out.push(Effect::Redraw(Region::Files));
    out.push(Effect::Redraw(Region::Composer));
}
