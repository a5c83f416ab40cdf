//! The embedding contract: what a page may say to the widget, and what it gets
//! back. Options are checked here, each error naming its key; past this room
//! they are typed.

pub mod color;
pub mod context;
pub mod handle;
pub mod mount;
pub mod options;
pub mod scheme;
pub mod speech;
pub mod theme;
pub mod tool;
pub mod value;
