//! What happens when the folder changes, and with files that are no documents.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use chinwag_relay::upstream::docs::DocsAgent;

use crate::{agent, ask};

/// Far more than reading a changed folder takes.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks until the answer has, or has no more, a source that ends so.
async fn until(agent: &DocsAgent, question: &str, ending: &str, is_cited: bool) {
    let began = Instant::now();
    loop {
        let reply = ask(agent, question).await;
        if reply.sources().iter().any(|(url, _)| url.ends_with(ending)) == is_cited {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{question}: {:?}, wanted {ending} {is_cited}", reply.sources());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn write(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder is made");
    fs::write(path, text).expect("the file is written");
}

const ZEBRA: &str = "# Animals\n\n## Zebra\n\nThe zebra is striped.\n";
const OKAPI: &str = "# Animals\n\n## Okapi\n\nThe okapi hides in the forest.\n";

#[tokio::test]
async fn a_changed_folder_is_indexed_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(root, "a.md", ZEBRA);
    let agent = agent("zoo", root).await;
    until(&agent, "What is a zebra?", "a.md#zebra", true).await;

    // Written over.
    write(root, "a.md", OKAPI);
    until(&agent, "What is an okapi?", "a.md#okapi", true).await;
    until(&agent, "What is a zebra?", "a.md#zebra", false).await;

    // Added, in a folder that was not there.
    write(root, "more/deep/b.md", ZEBRA);
    until(&agent, "What is a zebra?", "more/deep/b.md#zebra", true).await;
    // And changed there: the new folder is watched too.
    write(root, "more/deep/b.md", "# Animals\n\n## Quagga\n\nThe quagga is extinct.\n");
    until(&agent, "What is a quagga?", "more/deep/b.md#quagga", true).await;

    // Saved as editors do: a new file is moved over the old one.
    write(root, ".a.md.swp", ZEBRA);
    fs::rename(root.join(".a.md.swp"), root.join("a.md")).expect("the file is moved");
    until(&agent, "What is a zebra?", "a.md#zebra", true).await;

    // Removed, with its folder.
    fs::remove_dir_all(root.join("more")).expect("the folder is removed");
    until(&agent, "What is a quagga?", "b.md#quagga", false).await;
}

#[tokio::test]
async fn a_folder_that_is_replaced_is_followed() {
    let parent = tempfile::tempdir().expect("a folder");
    let root = parent.path().join("docs");
    write(&root, "a.md", ZEBRA);
    let agent = agent("zoo", &root).await;
    until(&agent, "What is a zebra?", "a.md#zebra", true).await;
    fs::remove_dir_all(&root).expect("the folder is removed");
    // Gone: what was indexed stays.
    tokio::time::sleep(Duration::from_millis(400)).await;
    until(&agent, "What is a zebra?", "a.md#zebra", true).await;
    write(&root, "b.md", OKAPI);
    until(&agent, "What is an okapi?", "b.md#okapi", true).await;
    write(&root, "c.md", "# Animals\n\n## Quagga\n\nThe quagga is extinct.\n");
    until(&agent, "What is a quagga?", "c.md#quagga", true).await;
}

#[tokio::test]
async fn files_that_are_no_documents_cost_the_others_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(
        root,
        "windows.md",
        "\u{feff}---\r\ntitle: Wildtiere\r\n---\r\n\r\n## Ph\u{f6}nix\r\n\r\nDer Ph\u{f6}nix brennt.\r\n",
    );
    write(root, "japanese.md", "# 動物\n\n## 縞馬\n\n縞馬は縞模様です。\n");
    write(root, "empty.md", "");
    write(root, "blank.md", " \n\n");
    write(root, "binary.md", b"\x7fELF\0\0zebra");
    write(root, "broken.md", b"# Zebra\n\n## Zebra\n\nzebra \xff\xfe");
    write(root, "huge.md", format!("# Zebra\n\n## Zebra\n\n{}", "zebra ".repeat(300_000)));
    write(root, ".hidden.md", ZEBRA);
    write(root, "node_modules/x/README.md", ZEBRA);
    write(root, "page.html", "zebra");
    let agent = agent("zoo", root).await;
    let reply = ask(&agent, "wer ist phonix").await;
    assert_eq!(
        reply.sources(),
        [("https://relay.example/docs/zoo/windows.md#ph%C3%B6nix", "Wildtiere: Ph\u{f6}nix")]
    );
    let reply = ask(&agent, "縞馬").await;
    assert_eq!(reply.sources().len(), 1, "{reply:?}");
    assert!(ask(&agent, "zebra").await.sources().is_empty());
}

#[tokio::test]
async fn a_folder_without_documents_is_answered_for_honestly() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = agent("zoo", folder.path()).await;
    for question in ["What is a zebra?", "hello"] {
        let reply = ask(&agent, question).await;
        assert!(reply.text().contains("no documents here yet"), "{}", reply.text());
    }
    write(folder.path(), "a.md", ZEBRA);
    until(&agent, "What is a zebra?", "a.md#zebra", true).await;
}
