//! Files: checked when they are chosen, sent before the message, and part of it.

use chinwag::engine::*;
use chinwag_protocol::{ErrorCode, Part, StoredFile};

use crate::stage::Stage;

fn chosen(id: u32, name: &str, media_type: &str, bytes: u64) -> Chosen {
    Chosen { id: FileId(id), name: name.into(), media_type: media_type.into(), bytes, preview: None }
}

fn store(stage: &mut Stage, id: u32) {
    let answer = StoredFile {
        url: format!("/v1/files/f{id}"),
        media_type: "image/png".into(),
        filename: format!("{id}.png"),
        size: 5,
    };
    stage.tell(Event::FileStored { id: FileId(id), answer });
}

fn uploads(stage: &Stage) -> Vec<u32> {
    let id = |effect: &Effect| match effect {
        Effect::UploadFile { id, .. } => Some(id.0),
        _ => None,
    };
    stage.asked.iter().filter_map(id).collect()
}

fn sent_parts(stage: &Stage) -> Vec<Part> {
    let body = stage.asked.iter().rev().find_map(|effect| match effect {
        Effect::OpenStream { body, .. } => Some(body.messages.last()?.parts.clone()),
        _ => None,
    });
    body.unwrap_or_default()
}

#[test]
fn a_message_waits_for_its_files_and_takes_them_along() {
    let mut stage = Stage::ready();
    let files = vec![chosen(1, "1.png", "image/png", 5), chosen(2, "2.png", "image/png", 5)];
    stage.tell(Event::FilesChosen { files });
    assert_eq!(uploads(&stage), [1, 2]);
    store(&mut stage, 1);
    stage.send("Look");
    assert_eq!(stage.sends(), 0, "the second is on its way");
    store(&mut stage, 2);
    stage.send("Look");
    let file = |id: u32| Part::File {
        url: format!("/v1/files/f{id}"),
        media_type: "image/png".into(),
        filename: Some(format!("{id}.png")),
    };
    assert_eq!(sent_parts(&stage), [Part::Text { text: "Look".into() }, file(1), file(2)]);
    assert!(stage.model.tray.attachments.is_empty());
}

#[test]
fn a_file_alone_is_a_message_and_nothing_is_none() {
    let mut stage = Stage::ready();
    stage.send("");
    assert_eq!(stage.sends(), 0);
    stage.tell(Event::FilesChosen { files: vec![chosen(1, "1.png", "image/png", 5)] });
    store(&mut stage, 1);
    stage.send("");
    assert_eq!(sent_parts(&stage).len(), 1);
}

#[test]
fn what_cannot_go_is_let_go_of_and_said() {
    let mut stage = Stage::ready();
    let files = vec![
        chosen(1, "large.png", "image/png", 1_001),
        chosen(2, "empty.png", "image/png", 0),
        chosen(3, "page.html", "text/html", 5),
        chosen(4, "ok.png", "image/png", 5),
    ];
    stage.tell(Event::FilesChosen { files });
    let why: Vec<Objection> = stage.model.tray.left_out.iter().map(|(_, why)| *why).collect();
    assert_eq!(why, [Objection::TooLarge(1_000), Objection::Empty, Objection::Kind]);
    assert_eq!(uploads(&stage), [4]);
    let forgotten = stage.asked.iter().filter(|effect| matches!(effect, Effect::ForgetFile(_))).count();
    assert_eq!(forgotten, 3);
    stage.tell(Event::FilesChosen { files: (5..25).map(|id| chosen(id, "n.png", "image/png", 5)).collect() });
    assert_eq!(stage.model.tray.attachments.len(), 3, "as many as the relay said");
    assert!(stage.model.tray.left_out.iter().all(|(_, why)| *why == Objection::TooMany(3)));
}

#[test]
fn a_file_that_did_not_get_there_is_kept_and_can_be_sent_again() {
    let mut stage = Stage::ready();
    stage.tell(Event::FilesChosen { files: vec![chosen(1, "1.png", "image/png", 5)] });
    stage.tell(Event::FileFailed { id: FileId(1), error: TransportError::Network });
    stage.send("Look");
    assert_eq!(stage.sends(), 0);
    stage.tell(Event::FileRetried { id: FileId(1) });
    assert_eq!(uploads(&stage), [1, 1]);
    store(&mut stage, 1);
    stage.send("Look");
    assert_eq!(stage.sends(), 1);
}

#[test]
fn an_old_token_is_replaced_once_for_a_file() {
    let mut stage = Stage::ready();
    let refused = || TransportError::Http {
        status: 401,
        code: ErrorCode::TokenExpired,
        retry_after_ms: None,
        request_id: None,
    };
    stage.tell(Event::FilesChosen { files: vec![chosen(1, "1.png", "image/png", 5)] });
    stage.tell(Event::FileFailed { id: FileId(1), error: refused() });
    stage.grant_token();
    assert_eq!(uploads(&stage), [1, 1]);
    stage.tell(Event::FileFailed { id: FileId(1), error: refused() });
    assert!(matches!(stage.model.tray.attachments[0].progress, Progress::Failed(_)));
}

#[test]
fn an_upload_that_ends_after_the_file_was_taken_out_changes_nothing() {
    let mut stage = Stage::ready();
    stage.tell(Event::FilesChosen { files: vec![chosen(1, "1.png", "image/png", 5)] });
    stage.tell(Event::FileRemoved { id: FileId(1) });
    assert!(stage.asked.contains(&Effect::ForgetFile(FileId(1))));
    store(&mut stage, 1);
    assert!(stage.model.tray.attachments.is_empty());
}

#[test]
fn a_new_conversation_begins_without_files() {
    let mut stage = Stage::ready();
    stage.tell(Event::FilesChosen { files: vec![chosen(1, "1.png", "image/png", 5)] });
    stage.tell(Event::ConversationStarted { conversation_id: "c9".into() });
    assert!(stage.model.tray.attachments.is_empty());
    assert!(stage.asked.contains(&Effect::ForgetFile(FileId(1))));
}

#[test]
fn before_consent_no_file_is_taken() {
    let config = Config { consent: Consent::Required, ..Config::default() };
    let mut stage = Stage::configured(config, None);
    stage.tell(Event::FilesChosen { files: vec![chosen(1, "1.png", "image/png", 5)] });
    assert!(uploads(&stage).is_empty() && stage.model.tray.attachments.is_empty());
}

#[test]
fn a_picture_is_asked_for_once_and_a_download_each_time() {
    let mut stage = Stage::ready();
    let file = SentFile { url: "/v1/files/f1".into(), name: "1.png".into(), media_type: "image/png".into() };
    let fetches = |stage: &Stage| {
        stage.asked.iter().filter(|effect| matches!(effect, Effect::FetchFile { .. })).count()
    };
    for _ in 0..2 {
        stage.tell(Event::FileAsked { file: file.clone(), saves: false });
    }
    assert_eq!(fetches(&stage), 1);
    for _ in 0..2 {
        stage.tell(Event::FileAsked { file: file.clone(), saves: true });
    }
    assert_eq!(fetches(&stage), 3);
    stage.tell(Event::PictureFetched { url: file.url.clone(), address: "blob:1".into() });
    assert_eq!(stage.model.picture(&file.url), Some(Some("blob:1")));
}
