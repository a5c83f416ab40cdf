//! Every adapter against its simulator, its golden files, and bytes that nobody
//! meant.

mod contract;
mod golden;
mod support;

mod openai_chat;
