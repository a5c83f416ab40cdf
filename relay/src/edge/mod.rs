//! Where bytes come in: the accept loop, time-outs, and what every answer
//! carries whatever made it (request id, security headers, CORS, a log line).
//!
//! It knows nothing of tokens, conversations or agents. `main` binds the
//! listener, puts [`dress()`] around the router, and hands both to [`serve()`].

mod client;
mod connection;
mod cors;
mod dress;
mod log;
mod request_id;
mod serve;
mod shutdown;
#[cfg(test)]
mod tests;
mod tls;

pub use client::ClientAddress;
pub use dress::{RESPONSE_CSP, dress};
pub use log::{LogFormat, start_log};
pub use request_id::RequestId;
pub use serve::{Drained, Options, raise_open_files, serve};
pub use shutdown::{Shutdown, stop_on_signals};
pub use tls::{Tls, TlsError};
