//! Makes the glue a function that begins one instance of the module.
//!
//! wasm-bindgen's glue is a module with one instance for ever. A widget whose
//! instance has ended by a panic begins another without a reload of the page,
//! and every call into an instance goes through a guard that notices its end.

use crate::glue::{self, Names};
use anyhow::{Result, bail};

/// From here to its end the glue fetches the module and compiles it, in the ways
/// that there are. `npm/src/core.js` has done that before; in its place stands what
/// the function gives back.
const LOADING: &str = "async function __wbg_load(";

/// What it ends with.
const EXPORTS: &str = "\nexport { initSync, __wbg_init as default };\n";

/// Where the glue takes hold of the instance.
const HOLD: &str = "wasm = instance.exports;";

/// The glue as `export default (guard) => ({ imports, start, mount, needs, linked })`.
/// `start` takes the compiled module; `names`, of it and its parts, tell what of the glue
/// they need, which is `imports`. `guard` is given the exports, which the parts are linked
/// with, and gives those that the glue is to call.
pub fn factory(glue: &str, names: &Names) -> Result<String> {
    for mark in [
        LOADING,
        HOLD,
        "export function mount(",
        "export function needs(",
        "export function linked(",
        "function __wbg_finalize_init(",
    ] {
        if glue.matches(mark).count() != 1 {
            bail!("wasm-bindgen's glue has another shape: `{mark}` is not there once");
        }
    }
    if glue.lines().any(|line| line.starts_with("import ")) {
        bail!("wasm-bindgen's glue imports a module, which a function cannot");
    }
    let (glue, loading) = glue.split_once(LOADING).unwrap_or_default();
    if !loading.ends_with(EXPORTS) || loading.matches("\nexport ").count() != 1 {
        bail!("wasm-bindgen's glue does not end with `{EXPORTS}` alone");
    }
    let body = glue::cut(glue, names, RETURN)?
        .replace(HOLD, "wasm = guard(instance.exports);")
        .replace("\nexport class ", "\nclass ")
        .replace("\nexport function ", "\nfunction ");
    if body.contains("\nexport ") {
        bail!("wasm-bindgen's glue exports something in a way that is not known here");
    }
    Ok(format!("export default (guard) => {{\n{body}\n{RETURN}\n}};\n"))
}

const RETURN: &str = "const imports = __wbg_get_imports();\n\
    const start = async (module) => \
    __wbg_finalize_init(await WebAssembly.instantiate(module, imports), module);\n\
    return { imports, start, mount, needs, linked };";

#[cfg(test)]
mod tests {
    use super::*;

    const GLUE: &str = "/* @ts-self-types */\nexport class Handle {}\nexport function mount(a) {}\nexport function needs(a) {}\nexport function linked(a) {}\nlet wasmModule, wasm;\n\
        function __wbg_finalize_init(instance) { wasm = instance.exports; }\nasync function __wbg_load(x) {}\n\
        export { initSync, __wbg_init as default };\n";

    #[test]
    fn the_glue_becomes_a_function_with_a_guard() {
        let made = factory(GLUE, &Names::default()).expect("a factory");
        assert!(made.starts_with("export default (guard) => {"));
        assert!(made.contains("wasm = guard(instance.exports);"));
        assert!(
            made.contains("return { imports, start, mount, needs, linked };") && !made.contains("__wbg_load")
        );
        assert_eq!(made.matches("export ").count(), 1);
    }

    #[test]
    fn a_glue_of_another_shape_is_refused() {
        assert!(factory(&GLUE.replace("instance.exports", "instance.other"), &Names::default()).is_err());
        assert!(factory(&format!("import x from \"y\";\n{GLUE}"), &Names::default()).is_err());
        assert!(factory(&format!("{GLUE}export const z = 1;\n"), &Names::default()).is_err());
    }
}
