//! Makes the glue a function that begins one instance of the module.
//!
//! wasm-bindgen's glue is a module with one instance for ever. A widget whose
//! instance has ended by a panic begins another without a reload of the page,
//! and every call into an instance goes through a guard that notices its end.

use anyhow::{Result, bail};

/// What the glue ends with; in its place stands what the function gives back.
const EXPORTS: &str = "export { initSync, __wbg_init as default };";

/// Where the glue takes hold of the instance.
const HOLD: &str = "wasm = instance.exports;";

/// The glue as `export default (guard) => ({ start, mount, needs, module })`. `guard` is
/// given the exports, which the parts of the module are linked with, and gives
/// those that the glue is to call.
pub fn factory(glue: &str) -> Result<String> {
    for mark in [EXPORTS, HOLD, "export function mount(", "export function needs(", "function __wbg_init("] {
        if glue.matches(mark).count() != 1 {
            bail!("wasm-bindgen's glue has another shape: `{mark}` is not there once");
        }
    }
    if glue.lines().any(|line| line.starts_with("import ")) {
        bail!("wasm-bindgen's glue imports a module, which a function cannot");
    }
    let body = glue
        .replace(HOLD, "wasm = guard(instance.exports);")
        .replace(EXPORTS, "return { start: __wbg_init, mount, needs, module: () => wasmModule };")
        .replace("\nexport class ", "\nclass ")
        .replace("\nexport function ", "\nfunction ");
    if body.contains("\nexport ") {
        bail!("wasm-bindgen's glue exports something in a way that is not known here");
    }
    Ok(format!("export default (guard) => {{\n{body}\n}};\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLUE: &str = "/* @ts-self-types */\nexport class Handle {}\nexport function mount(a) {}\nexport function needs(a) {}\nlet wasmModule, wasm;\n\
        function f(instance) { wasm = instance.exports; }\nasync function __wbg_init(x) {}\n\
        export { initSync, __wbg_init as default };\n";

    #[test]
    fn the_glue_becomes_a_function_with_a_guard() {
        let made = factory(GLUE).expect("a factory");
        assert!(made.starts_with("export default (guard) => {"));
        assert!(made.contains("wasm = guard(instance.exports);"));
        assert!(made.contains("return { start: __wbg_init, mount, needs, module: () => wasmModule };"));
        assert_eq!(made.matches("export ").count(), 1);
    }

    #[test]
    fn a_glue_of_another_shape_is_refused() {
        assert!(factory(&GLUE.replace("instance.exports", "instance.other")).is_err());
        assert!(factory(&format!("import x from \"y\";\n{GLUE}")).is_err());
        assert!(factory(&format!("{GLUE}export const z = 1;\n")).is_err());
    }
}
