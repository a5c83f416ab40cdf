//! Every adapter against its simulator, its golden files, and bytes that nobody
//! meant.

mod contract;
mod golden;
mod support;

mod chatbase_v1;
mod chatbase_v2;
mod openai_chat;
