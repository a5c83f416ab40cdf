//! `sources sync --to chatbase`: a crawl of Apify's as the whole text of a
//! chatbot.

use std::path::Path;

use axum::Json;
use axum::Router;
use axum::routing::get;
use chinwag_relay::config::{Config, Overrides};
use chinwag_relay::console::{self, SourcesCommand};
use chinwag_simulator::{KEY, Kind, Simulator, Switches};
use clap::Parser;
use serde_json::{Value, json};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    command: SourcesCommand,
}

/// What the dataset API gives for a crawl: with fields that nobody asked for, a
/// page that was not read, and a menu on each page.
fn dataset() -> Value {
    let page = |name: &str, text: &str| {
        json!({
            "url": format!("https://shop.example/{name}"),
            "crawl": { "loadedUrl": format!("https://shop.example/{name}"), "depth": 1, "httpStatusCode": 200 },
            "metadata": { "canonicalUrl": null, "title": format!("About {name}"), "languageCode": "en" },
            "screenshotUrl": null,
            "text": format!("plain {text}"),
            "markdown": format!("Home | Shop | Contact us today\n\n{text}"),
        })
    };
    json!([
        page("delivery", "Parcels take four days."),
        page("returns", "Returns are free."),
        page("tea", "Green tea wants water of eighty degrees."),
        page("hours", "We open at nine."),
        page("gifts", "Gift wrapping costs three euro."),
        { "url": "https://shop.example/broken", "metadata": { "title": null } },
        { "url": "https://shop.example/plain", "text": "Only a text." },
    ])
}

async fn serve() -> String {
    let router = Router::new().route("/items", get(async || Json(dataset())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/items?token=apify-secret", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn sync(simulator: &Simulator, chatbot: &str, name: &str, url: &str) -> Result<Value, String> {
    let text = format!(
        "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"help\"\n\n[agent.help]\nprovider = \"chatbase-v1\"\n\
         base_url = \"{}\"\napi_key = {{ env = \"KEY\" }}\nagent_id = \"{chatbot}\"\nname = \"{name}\"\n",
        simulator.base_url
    );
    let environment = |_: &str| Some(KEY.to_owned());
    let config =
        Config::parse(Path::new("chinwag.toml"), &text, &environment, &Overrides::default()).unwrap();
    let words = ["sources", "--agent", "help", "--json", "sync", "--to", "chatbase", "--url", url];
    let line = Line::try_parse_from(words).unwrap();
    let mut out = Vec::new();
    console::sources(&config, &line.command, &mut out).await.map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&out).unwrap())
}

#[tokio::test]
async fn a_crawl_replaces_the_text_of_a_chatbot_which_keeps_its_name() {
    let simulator = Simulator::start(Kind::ChatbaseV1, Switches::default()).await.unwrap();
    let url = serve().await;
    let told = sync(&simulator, "kq1_example", "Help", &url).await.unwrap();
    assert_eq!((&told["chatbot_id"], &told["pages"]), (&json!("kq1_example"), &json!(6)));
    let requests = simulator.requests();
    let sent = requests.last().unwrap();
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/api/v1/update-chatbot-data"));
    assert_eq!(sent.header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(sent.header("content-type"), "application/json");
    let fields: Vec<&String> = sent.body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["chatbotId", "chatbotName", "sourceText"]);
    assert_eq!(sent.body["chatbotName"], "Harbour help", "the call would rename it otherwise");
    let text = sent.body["sourceText"].as_str().unwrap();
    assert!(
        text.contains("# About delivery\nhttps://shop.example/delivery\n\nParcels take four days."),
        "{text}"
    );
    assert!(text.contains("# https://shop.example/plain\n") && text.contains("Only a text."), "{text}");
    assert!(!text.contains("Contact us today"), "what many pages repeat is left out: {text}");
    assert!(!text.contains("broken"), "{text}");
    assert_eq!(told["characters"], text.chars().count());
}

#[tokio::test]
async fn what_chatbase_refuses_is_told_in_its_words_and_without_a_secret() {
    let simulator = Simulator::start(Kind::ChatbaseV1, Switches::default()).await.unwrap();
    let url = serve().await;
    let told = sync(&simulator, "nobody", "Help", &url).await.unwrap_err();
    assert!(told.contains("404") && told.contains("Chatbot not found"), "{told}");
    let told = sync(&simulator, "kq2_example", "Me", &url).await.unwrap_err();
    assert!(told.contains("names of 3 characters or more: set `name` of [agent.help]"), "{told}");
    let told = sync(&simulator, "kq1_example", "Help", "http://127.0.0.1:1/items?token=apify-secret")
        .await
        .unwrap_err();
    assert!(!told.contains("apify-secret"), "{told}");
}
