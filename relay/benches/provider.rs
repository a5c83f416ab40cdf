//! What each adapter costs: how fast its decoder reads, and how much later a
//! chunk arrives than from the provider itself.
//!
//! `cargo bench -p chinwag-relay --bench provider`; `cargo xtask bench relay`
//! runs it too. The provider is its simulator, in this process; what the adapter
//! asked it is asked again directly, by turns with the relay.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on stops, and prints what it found"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chinwag_relay::app::App;
use chinwag_relay::config::{Config, Overrides};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{
    Memory, ai_sdk, chatbase_v1, chatbase_v2, chatbotkit, chatsby, openai_chat, openai_responses,
};
use chinwag_relay::{api, edge};
use chinwag_simulator::{KEY, Kind, Simulator, Switches};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Text events of one reply, and what each says.
const EVENTS: usize = 4_000;
const WORD: &str = "a word or two ";

/// Bytes that come at once: about a packet.
const SLICE: usize = 1_400;

/// How long each decoder is measured.
const DECODE_FOR: Duration = Duration::from_millis(500);

/// Replies of each kind that are measured, after some that are not.
const ROUNDS: usize = 60;
const WARM_UP: usize = 5;

/// Between two chunks of a simulated reply.
const PACE: Duration = Duration::from_millis(2);

/// A decoder, one text event of its wire, and the end.
struct Wire {
    name: &'static str,
    make: fn() -> Decoder,
    event: String,
    end: &'static str,
}

fn wires() -> Vec<Wire> {
    let delta = format!("data: {}\n\n", json!({ "type": "text-delta", "id": "t", "delta": WORD }));
    let finish = "data: {\"type\":\"finish\",\"finishReason\":\"stop\"}\n\ndata: [DONE]\n\n";
    let choice = json!({ "index": 0, "delta": { "content": WORD }, "finish_reason": null });
    let said =
        json!({ "type": "response.output_text.delta", "item_id": "i", "output_index": 0, "delta": WORD });
    vec![
        Wire {
            name: "chatbase-v2",
            make: || Decoder::new(chatbase_v2::stream(Memory::default())),
            event: delta.clone(),
            end: finish,
        },
        Wire {
            name: "chatbase-v1",
            make: || Decoder::new(chatbase_v1::text()),
            event: WORD.to_owned(),
            end: "",
        },
        Wire {
            name: "chatsby",
            make: || Decoder::new(chatsby::stream(Memory::default())),
            event: format!("event: token\ndata: {}\n\n", json!({ "content": WORD })),
            end: "event: done\ndata: {}\n\n",
        },
        Wire {
            name: "chatbotkit",
            make: || Decoder::new(chatbotkit::lines(Memory::default())),
            event: format!("{}\n", json!({ "type": "token", "data": { "token": WORD }, "createdAt": 1 })),
            end: "{\"type\":\"result\",\"data\":{\"id\":\"m\",\"text\":\"\",\"end\":{\"reason\":\"stop\"}}}\n",
        },
        Wire {
            name: "openai-chat",
            make: || Decoder::new(openai_chat::stream()),
            event: format!("data: {}\n\n", json!({ "id": "c", "choices": [choice] })),
            end: "data: [DONE]\n\n",
        },
        Wire {
            name: "openai-responses",
            make: || Decoder::new(openai_responses::stream(Memory::default())),
            event: format!("event: response.output_text.delta\ndata: {said}\n\n"),
            end: "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\"}}\n\n",
        },
        Wire {
            name: "ai-sdk",
            make: || Decoder::new(ai_sdk::stream(Memory::default())),
            event: delta,
            end: finish,
        },
    ]
}

/// Megabytes of the wire per second.
fn throughput(wire: &Wire) -> f64 {
    let body = wire.event.repeat(EVENTS) + wire.end;
    let (began, mut bytes) = (Instant::now(), 0_usize);
    while began.elapsed() < DECODE_FOR {
        let mut decoder = (wire.make)();
        let mut chunks = 0;
        for slice in body.as_bytes().chunks(SLICE) {
            chunks += decoder.feed(slice).len();
        }
        chunks += decoder.finish().len();
        assert!(chunks > 1, "{} decoded nothing", wire.name);
        bytes += body.len();
    }
    per_second(bytes, began.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
fn per_second(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

/// When the first and the last bytes came, counted from the question.
struct Times {
    first: Duration,
    last: Duration,
    pieces: usize,
}

impl Times {
    fn spread(&self) -> Duration {
        self.last.saturating_sub(self.first)
    }
}

async fn read(request: reqwest::RequestBuilder) -> Times {
    let began = Instant::now();
    let mut answer = request.send().await.unwrap().error_for_status().unwrap();
    let (mut first, mut pieces) = (None, 0);
    while let Some(bytes) = answer.chunk().await.unwrap() {
        let _: Bytes = bytes;
        first.get_or_insert_with(|| began.elapsed());
        pieces += 1;
    }
    Times { first: first.unwrap(), last: began.elapsed(), pieces }
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

async fn latency(kind: Kind) -> (Duration, Duration) {
    let simulator = Simulator::start(kind, Switches { pace: PACE, ..Switches::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let needed = match kind {
        Kind::OpenAiChat | Kind::OpenAiResponses => "model = \"m\"",
        Kind::AiSdk => "",
        Kind::ChatBotKit => "agent_id = \"bot-1\"",
        _ => "agent_id = \"agent_1a2b3c4d5e\"",
    };
    let origin = format!("http://{addr}");
    let text = format!(
        "[server]\naddr = \"{addr}\"\ndata_dir = '{}'\n[server.limits]\nmessages_per_minute = 1000000\n\
         address_messages_per_minute = 1000000\n[[site]]\nkey = \"site_a\"\norigins = [\"{origin}\"]\nagent = \"a\"\n\
         [agent.a]\nprovider = \"{}\"\nbase_url = \"{}\"\napi_key = {{ env = \"KEY\" }}\n{needed}\n",
        folder.path().join("data").display(),
        kind.name(),
        simulator.base_url,
    );
    let environment = |_: &str| Some(KEY.to_owned());
    let config = Config::parse(Path::new("bench.toml"), &text, &environment, &Overrides::default()).unwrap();
    let app = App::build(config.clone()).await.unwrap();
    let (shutdown, options) = (app.shutdown().clone(), edge::Options::from(&config.server.limits));
    let router = edge::dress(api::router(app), &config);
    let served = tokio::spawn(async move { edge::serve(listener, router, &shutdown, &options).await });

    let client = reqwest::Client::new();
    let exchange = client.post(format!("{origin}/v1/token")).header("origin", &origin);
    let token = exchange.json(&json!({ "site": "site_a" })).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let token = token["token"].as_str().unwrap().to_owned();
    let relayed = |round: usize| {
        let message =
            json!({ "id": format!("m{round}"), "role": "user", "parts": [{ "type": "text", "text": "Hi" }] });
        let body = json!({ "id": format!("c{round}"), "messages": [message], "trigger": "submit-message" });
        client.post(format!("{origin}/v1/chat")).header("origin", &origin).bearer_auth(&token).json(&body)
    };
    read(relayed(0)).await;
    let asked = simulator.requests().pop().unwrap();
    let host = url::Url::parse(&simulator.base_url).unwrap();
    let address = host.join(&asked.path).unwrap();
    let direct = || {
        client
            .post(address.clone())
            .bearer_auth(KEY)
            .header("accept", asked.header("accept"))
            .json(&asked.body)
    };
    let (mut first, mut chunk) = (Vec::new(), Vec::new());
    for round in 1..=WARM_UP + ROUNDS {
        let (ours, theirs) = (read(relayed(round)).await, read(direct()).await);
        if round > WARM_UP {
            first.push(ours.first.saturating_sub(theirs.first));
            let added = ours.spread().saturating_sub(theirs.spread());
            chunk.push(added / u32::try_from(theirs.pieces.max(1)).unwrap());
        }
    }
    served.abort();
    (median(first), median(chunk))
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("{:18}{:>14}{:>20}{:>20}", "adapter", "decode MB/s", "first byte +ms p50", "per chunk +us p50");
    for wire in wires() {
        let kind = Kind::by_name(wire.name).expect("every adapter has a simulator");
        let speed = throughput(&wire);
        let (first, chunk) = runtime.block_on(latency(kind));
        let (first, chunk) = (first.as_secs_f64() * 1e3, chunk.as_secs_f64() * 1e6);
        println!("{:18}{speed:>14.0}{first:>20.2}{chunk:>20.0}", wire.name);
    }
}
