//! The browser: one file per thing that is asked of it, and no decisions.
//!
//! A `JsValue` dies here: whatever the browser throws becomes a typed value in
//! the file that met it, before the engine sees it.

pub mod archive;
pub mod body;
pub mod channel;
pub mod clock;
pub mod file;
mod kept;
pub mod kiosk;
pub mod lent;
pub mod lock;
pub mod outside;
pub mod page;
pub mod part;
pub mod storage;
pub mod store;
pub mod stream;
pub mod tool;
pub mod transport;
mod turn;
mod waiting;
