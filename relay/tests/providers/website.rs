//! Sources that are websites: a real server, good and bad, on a local port.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::server::World;

/// A shop with a menu on every page, what robots may not read, and traps.
struct Site {
    url: String,
    asked: Arc<AtomicUsize>,
}

async fn page(State(asked): State<Arc<AtomicUsize>>, request: Request) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path().to_owned();
    let html = |title: &str, body: &str| {
        let text = format!(
            "<html><head><title>{title}</title></head><body><div><a href='/'>Home</a> <a href='/delivery'>Delivery</a></div>\
             <h1>{title}</h1>{body}<div>All rights reserved by the shop</div></body></html>"
        );
        ([(CONTENT_TYPE, "text/html")], text).into_response()
    };
    match path.as_str() {
        "/robots.txt" => "User-agent: *\nDisallow: /private\n".into_response(),
        "/" => html(
            "Shop",
            "<p>A shop for tea.</p><a href='/tea'>Tea</a> <a href='/old'>x</a> <a href='/away'>x</a> <a href='/private/x'>x</a>\
             <a href='/loop/1'>x</a> <a href='/calendar?day=1'>x</a> <a href='/picture.png'>x</a> <a href='/huge'>x</a>\
             <a href='/endless'>x</a> <a href='/gone'>x</a> <a href='/deep/0'>x</a> <a href='http://10.0.0.1/'>x</a> <a href='/round'>x</a>",
        ),
        "/delivery" => html("Delivery", "<p>Parcels to Malta take six working days.</p>"),
        "/tea" => html("Tea", "<p>Green tea wants water of eighty degrees.</p>"),
        "/old" => Redirect::permanent("/returns").into_response(),
        "/returns" => html("Returns", "<p>Returns are free for thirty days.</p>"),
        "/away" => Redirect::temporary("http://169.254.169.254/latest/meta-data/").into_response(),
        "/round" => Redirect::temporary("/round").into_response(),
        "/private/x" => html("Private", "<p>Nobody should read this secret.</p>"),
        "/picture.png" => ([(CONTENT_TYPE, "image/png")], "PNG").into_response(),
        "/huge" => {
            let length =
                [(CONTENT_TYPE, "text/html".to_owned()), (CONTENT_LENGTH, (1_u64 << 30).to_string())];
            (length, Body::from_stream(gigabyte())).into_response()
        }
        "/endless" => ([(CONTENT_TYPE, "text/html")], Body::from_stream(gigabyte())).into_response(),
        path if path.starts_with("/loop/") => {
            // Every page leads to a longer one that says the same.
            html("Loop", &format!("<p>Round and round.</p><a href='{path}/1'>on</a>"))
        }
        "/calendar" => {
            let query = request.uri().query().unwrap_or_default();
            let day: u32 = query.trim_start_matches("day=").parse().unwrap_or(0);
            html(
                "Calendar",
                &format!("<p>Nothing happens on day {day}.</p><a href='/calendar?day={}'>next</a>", day + 1),
            )
        }
        path if path.starts_with("/deep/") => {
            let depth: u32 = path.trim_start_matches("/deep/").parse().unwrap_or(0);
            html(
                &format!("Depth {depth}"),
                &format!("<p>This is {depth} deep.</p><a href='/deep/{}'>down</a>", depth + 1),
            )
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A body of 1 GiB, as it is asked for.
fn gigabyte() -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    stream::iter((0..1024).map(move |_| Ok(piece.clone())))
}

impl Site {
    async fn start() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let router = Router::new().fallback(page).with_state(Arc::clone(&asked));
        Self { url: serve(router).await, asked }
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

fn website(url: &str) -> Value {
    json!({ "type": "website", "url": url })
}

async fn urls(world: &World, agent: &str, source: &Value) -> Vec<String> {
    let path = format!("/v1/agents/{agent}/sources/{}/pages?page_size=100", source["id"].as_str().unwrap());
    let pages = world.call("GET", &path, None).await.is(200);
    pages["data"].as_array().unwrap().iter().map(|page| page["url"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_is_walked_by_its_links_past_every_trap() {
    let world = World::new().await;
    let site = Site::start().await;
    let id = world.make("Guide").await;
    let mut body = website(&format!("{}/", site.url));
    body["max_depth"] = json!(2);
    let source = world.add(&id, body).await;
    assert_eq!(source["status"], "trained", "{source}");
    let read: Vec<String> =
        urls(&world, &id, &source).await.iter().map(|url| url.replace(&site.url, "")).collect();
    for path in ["/", "/delivery", "/tea", "/returns", "/deep/0", "/deep/1"] {
        assert!(read.iter().any(|read| read == path), "{path}: {read:?}");
    }
    assert!(
        !read.iter().any(|path| path.contains("private") || path == "/deep/2" || path == "/old"),
        "{read:?}"
    );
    assert_eq!(read.iter().filter(|path| path.starts_with("/loop")).count(), 1, "{read:?}");
    let reason = source["reason"].as_str().unwrap();
    for part in
        ["1 forbidden by robots.txt", "2 too large", "1 neither HTML nor text", "lead to another host"]
    {
        assert!(reason.contains(part), "{reason}");
    }
    assert!(site.asked.load(Ordering::SeqCst) < 80);

    let reply = world.ask(&id, "How long do parcels to Malta take?").await;
    assert_eq!(reply["sources_used"][0]["url"], format!("{}/delivery", site.url), "{reply}");
    assert!(
        !world.told().contains("All rights reserved"),
        "what every page repeats is left out: {}",
        world.told()
    );
    assert_eq!(world.ask(&id, "Is there a secret that nobody should read?").await["sources_used"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sitemap_says_which_pages_there_are() {
    let world = World::new().await;
    let pages = axum::routing::get(async |request: Request| {
        let text = format!("<title>Page</title><main><p>Text of {} alone.</p></main>", request.uri().path());
        ([(CONTENT_TYPE, "text/html")], text)
    });
    let map = axum::routing::get(async |headers: http::HeaderMap| {
        let host = headers["host"].to_str().unwrap().to_owned();
        let entries: Vec<String> =
            (0..60).map(|number| format!("<url><loc>http://{host}/page/{number}</loc></url>")).collect();
        let entries = entries.concat();
        format!("<urlset>{entries}<url><loc>http://elsewhere.example/</loc></url></urlset>")
    });
    let url = serve(Router::new().route("/sitemap.xml", map).fallback_service(pages)).await;
    let id = world.make("Guide").await;
    let mut body = website(&url);
    (body["follow"], body["max_pages"]) = (json!("sitemap"), json!(40));
    let source = world.add(&id, body).await;
    assert_eq!(source["progress"], json!({ "done": 40, "total": 40 }), "{source}");
    assert_eq!(source["reason"], "left out: 20 beyond the limits of this source");
    let none = Router::new().fallback(async || StatusCode::NOT_FOUND);
    let mut body = website(&serve(none).await);
    body["follow"] = json!("sitemap");
    let source = world.add(&id, body).await;
    assert_eq!(
        (&source["status"], source["reason"].as_str().unwrap().contains("no sitemap")),
        (&json!("failed"), true)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_website_that_cannot_be_read_fails_with_a_reason_and_hangs_nothing() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    let site = Site::start().await;
    let away = Router::new().fallback(async || Redirect::temporary("http://192.168.0.1/admin"));
    let forbidden = Router::new()
        .route("/robots.txt", axum::routing::get(async || "User-agent: *\nDisallow: /\n"))
        .fallback(async || "text");
    let broken = Router::new()
        .route("/robots.txt", axum::routing::get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .fallback(async || "text");
    let began = std::time::Instant::now();
    for (url, reason) in [
        ("http://10.1.2.3/".to_owned(), "leads to a private address"),
        ("http://[::ffff:10.1.2.3]/".to_owned(), "leads to a private address"),
        (serve(away).await, "192.168.0.1 leads to a private address"),
        (serve(forbidden).await, "robots.txt of 127.0.0.1 forbids it"),
        (serve(broken).await, "robots.txt of 127.0.0.1: it answered 500"),
        (format!("{}/gone", site.url), "it answered 404"),
        (format!("{}/endless", site.url), "it is larger than 2097152 bytes"),
        (format!("{}/round", site.url), "it redirects without end"),
        ("http://127.0.0.1:1/".to_owned(), "refused"),
        ("http://nobody.invalid/".to_owned(), "cannot be resolved"),
    ] {
        let mut body = website(&url);
        body["follow"] = json!("links");
        let source = world.add(&id, body).await;
        assert_eq!(source["status"], "failed", "{url}: {source}");
        assert!(source["reason"].as_str().unwrap().contains(reason), "{url}: {source}");
    }
    assert!(began.elapsed() < Duration::from_mins(1));
}
