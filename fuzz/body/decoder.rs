// Whatever a provider sends: no panic, exactly one terminal chunk, at the end,
// and the same chunks wherever the bytes are cut.

use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{
    Memory, ai_sdk, chatbase_v1, chatbase_v2, chatbotkit, chatsby, openai_chat, openai_responses,
};

#[path = "reading.rs"]
mod reading;

use reading::{decode, merge};

/// Makes a decoder of one wire.
type Make = fn() -> Decoder;

/// Every decoder, by provider and wire as its golden files are named.
pub const DECODERS: &[(&str, Make)] = &[
    ("ai-sdk.sse", || Decoder::new(ai_sdk::stream(Memory::default()))),
    ("ai-sdk.text", || Decoder::new(ai_sdk::text())),
    ("ai-sdk.whole", || Decoder::new(ai_sdk::whole(Memory::default()))),
    ("chatbase-v1.sse", || Decoder::new(chatbase_v1::stream())),
    ("chatbase-v1.text", || Decoder::new(chatbase_v1::text())),
    ("chatbase-v1.whole", || Decoder::new(chatbase_v1::whole())),
    ("chatbase-v2.sse", || Decoder::new(chatbase_v2::stream(Memory::default()))),
    ("chatbase-v2.whole", || Decoder::new(chatbase_v2::whole(Memory::default()))),
    ("chatbotkit.jsonl", || Decoder::new(chatbotkit::lines(Memory::default()))),
    ("chatbotkit.sse", || Decoder::new(chatbotkit::events(Memory::default()))),
    ("chatbotkit.whole", || Decoder::new(chatbotkit::whole(Memory::default()))),
    ("chatsby.sse", || Decoder::new(chatsby::stream(Memory::default()))),
    ("chatsby.whole", || Decoder::new(chatsby::whole(Memory::default()))),
    ("openai-chat.sse", || Decoder::new(openai_chat::stream())),
    ("openai-chat.whole", || Decoder::new(openai_chat::whole())),
    ("openai-responses.sse", || Decoder::new(openai_responses::stream(Memory::default()))),
    ("openai-responses.whole", || Decoder::new(openai_responses::whole(Memory::default()))),
];

/// The first byte says which decoder, the second how long the slices are.
pub fn run(bytes: &[u8]) {
    let [which, size, bytes @ ..] = bytes else { return };
    let (name, make) = DECODERS[usize::from(*which) % DECODERS.len()];
    let whole = merge(decode(name, make(), [bytes]));
    let cut = merge(decode(name, make(), bytes.chunks(usize::from(*size).max(1))));
    assert_eq!(whole, cut, "{name}");
}
