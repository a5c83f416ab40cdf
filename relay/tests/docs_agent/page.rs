//! The served documents: every citation opens, and nothing else does.

use std::fs;
use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use chinwag_relay::app::App;
use chinwag_relay::config::{Config, Overrides};
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

use crate::{agent, ask, corpus, project_docs};

/// The relay's router with one agent, `docs`, whose index is ready.
async fn router(folder: &Path, data: &Path) -> Router {
    let mut config = Config::demo(&Overrides { docs: Some(folder.to_owned()), ..Overrides::default() });
    config.server.data_dir = data.to_owned();
    let app = App::build(config).await.expect("the relay is set up");
    assert!(app.docs("docs").expect("the agent is there").ready().await);
    chinwag_relay::api::router(app)
}

async fn get(router: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 8 << 20).await.expect("a body");
    (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
}

/// The test's own decoding of `%C3%A9`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if let (b'%', [high, low, after @ ..]) = (first, after) {
            let digits = [*high, *low];
            let digits = std::str::from_utf8(&digits).expect("two digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn every_citation_of_the_tables_opens_at_its_heading() {
    let data = tempfile::tempdir().expect("a folder");
    for (table, folder) in
        [(include_str!("harbour.tsv"), corpus("harbour")), (include_str!("project.tsv"), project_docs())]
    {
        let agent = agent("docs", &folder).await;
        let router = router(&folder, &data.path().join(folder.file_name().expect("a name"))).await;
        let mut opened = 0;
        for line in table.lines() {
            let reply = ask(&agent, line.split('\t').next().unwrap_or_default()).await;
            for (url, title) in reply.sources() {
                let path = url.strip_prefix(crate::ORIGIN).expect("the public origin");
                let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
                let (status, _, page) = get(&router, path).await;
                assert_eq!(status, StatusCode::OK, "{url}");
                let anchor = decoded(fragment);
                assert!(
                    anchor.is_empty() || page.contains(&format!(" id=\"{anchor}\">")),
                    "{url} ({title}) has no heading of that id"
                );
                opened += 1;
            }
        }
        assert!(opened > 30, "only {opened} citations");
    }
}

#[tokio::test]
async fn a_page_is_calm_and_harmless() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::create_dir(root.join("deep")).expect("a folder");
    fs::write(
        root.join("deep/a page.md"),
        "# Title & more\n\n<script>alert(1)</script>\n\nA <b onclick=x>word</b>, [up](../b.md#two), [bad](javascript:alert(1)), [gone](gone.md), [web](https://e.example/?a=1&b=2).\n\n![alt \"text\"](pic.png) ![far](https://e.example/x.png)\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n- [x] done\n\n> [!NOTE]\n> Mind.\n\nFoot[^1].\n\n[^1]: Note.\n\n## Title & more\n\n```html\n<i>\n```\n",
    )
    .expect("a file");
    fs::write(root.join("b.md"), "# B\n\n## Two\n\nx\n").expect("a file");
    fs::write(root.join("deep/pic.png"), b"\x89PNG").expect("a file");
    let data = tempfile::tempdir().expect("a folder");
    let router = router(root, data.path()).await;
    let (status, headers, page) = get(&router, "/docs/docs/deep/a%20page.md").await;
    assert_eq!(status, StatusCode::OK);
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!policy.contains("script-src") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    for wanted in [
        "<h1 id=\"title--more\">Title &amp; more</h1>",
        "<h2 id=\"title--more-1\">",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;b onclick=x&gt;word&lt;/b&gt;",
        "<a href=\"/docs/docs/b.md#two\">up</a>",
        ", bad, gone,",
        "<a href=\"https://e.example/?a=1&amp;b=2\" rel=\"noopener noreferrer\">web</a>",
        "<img loading=\"lazy\" src=\"/docs/docs/deep/pic.png\" alt=\"alt &quot;text&quot;\">",
        "> far</p>",
        "<th scope=\"col\" class=\"right\">b</th>",
        "<p class=\"kind\">Note</p>",
        "<pre tabindex=\"0\"><code>&lt;i&gt;\n</code></pre>",
        "<sup><a href=\"#footnote:1\">1</a></sup>",
    ] {
        assert!(page.contains(wanted), "{wanted}\nin {page}");
    }
    for unwanted in ["<script", "style=", "javascript:", "chinwag.js", " onclick=x>w"] {
        assert!(!page.contains(unwanted), "{unwanted}\nin {page}");
    }
    let (status, headers, _) = get(&router, "/docs/docs/deep/pic.png").await;
    assert_eq!((status, headers["content-type"].to_str().ok()), (StatusCode::OK, Some("image/png")));
    let (status, headers, _) = get(&router, "/docs.css").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "text/css; charset=utf-8");
    let (status, _, list) = get(&router, "/docs/docs").await;
    assert_eq!(status, StatusCode::OK);
    assert!(list.contains("<a href=\"/docs/docs/deep/a%20page.md\">Title &amp; more</a>"), "{list}");
    assert_eq!(get(&router, "/docs/docs/").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_page_that_did_not_change_is_not_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.md"), "# A\n\nx\n").expect("a file");
    let data = tempfile::tempdir().expect("a folder");
    let router = router(folder.path(), data.path()).await;
    let (_, headers, _) = get(&router, "/docs/docs/a.md").await;
    let request = Request::get("/docs/docs/a.md").header("if-none-match", &headers["etag"]);
    let response = router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_served() {
    let parent = tempfile::tempdir().expect("a folder");
    let root = parent.path().join("docs");
    fs::create_dir_all(root.join(".git")).expect("a folder");
    fs::write(root.join("a.md"), "# A\n\nx\n").expect("a file");
    fs::write(root.join("notes.txt"), "secret").expect("a file");
    fs::write(root.join("pic.png"), "png").expect("a file");
    fs::write(root.join(".git/config.md"), "secret").expect("a file");
    fs::write(parent.path().join("secret.md"), "secret").expect("a file");
    fs::write(parent.path().join("secret.png"), "secret").expect("a file");
    let data = tempfile::tempdir().expect("a folder");
    let router = router(&root, data.path()).await;
    assert_eq!(get(&router, "/docs/docs/pic.png").await.0, StatusCode::OK);
    // An image that was found, and has since become a link that leads out.
    #[cfg(unix)]
    {
        fs::remove_file(root.join("pic.png")).expect("removed");
        std::os::unix::fs::symlink(parent.path().join("secret.png"), root.join("pic.png")).expect("a link");
    }
    for path in [
        "/docs/docs/../secret.md",
        "/docs/docs/..%2fsecret.md",
        "/docs/docs/%2e%2e/secret.md",
        "/docs/docs/..%5csecret.md",
        "/docs/docs//a.md",
        "/docs/docs/./a.md",
        "/docs/docs/a.md/",
        "/docs/docs/a.md%00.png",
        "/docs/docs/notes.txt",
        "/docs/docs/.git/config.md",
        "/docs/docs/pic.png",
        "/docs/docs/%ff.md",
        "/docs/other/a.md",
        "/docs/other",
        "/docs/",
    ] {
        let (status, _, body) = get(&router, path).await;
        assert!(status.is_client_error(), "{path}: {status}");
        assert!(!body.contains("secret"), "{path}: {body}");
    }
}
