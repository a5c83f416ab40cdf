//! The Markdown engine from outside: against the specifications, against
//! another parser, and against its own promises about streams.

mod golden;
mod html;
mod oracle;
mod property;
mod specification;
