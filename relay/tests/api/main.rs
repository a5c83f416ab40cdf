//! The whole router, in process: tokens, conversations, replies and their
//! resumption, against an upstream that each test plays itself.

mod chat;
mod conversation;
mod failure;
mod limit;
mod restart;
mod resume;
mod token;
mod world;
