//! The Chinwag widget: a floating chat bubble for any web page.
//!
//! `host` checks what the page asks for and mounts; `engine` decides; `shell`
//! talks to the browser; `view` draws. See ARCHITECTURE.md.

pub mod engine;
pub mod host;
pub mod shell;
pub mod view;

/// Where the module's memory is given out.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
