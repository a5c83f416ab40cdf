//! The widget's wasm: compiled, given its JavaScript glue, made small.

use crate::node::Node;
use crate::setup::WASM;
use crate::workspace::Workspace;
use crate::{instance, names, process, prune, report};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use walrus::ModuleConfig;
use wasm_bindgen_cli_support::Bindgen;

/// The wasm and the module that speaks for it.
#[derive(Debug)]
pub struct Widget {
    /// The ES module of wasm-bindgen: `init` and the exports.
    pub glue: String,
    /// The optimised module.
    pub wasm: Vec<u8>,
}

/// Builds the widget. Without Node the wasm is left as the compiler made it.
pub fn build(workspace: &Workspace, node: Option<&Node>) -> Result<Widget> {
    let mut command = workspace.cargo();
    command.args(["build", "-p", "chinwag", "--lib", "--target", WASM, "--profile", "widget"]);
    process::run(&mut command, "the widget")?;
    let compiled = workspace.target.join(WASM).join("widget").join("chinwag.wasm");

    report::detail("binding it to JavaScript");
    let folder = workspace.scratch().join("glue");
    bind(&compiled, &folder)?;
    let glue_file = folder.join("glue.js");
    let glue = fs::read_to_string(&glue_file).with_context(|| glue_file.display().to_string())?;
    let bound = folder.join("glue_bg.wasm");
    let glue = reduce(&bound, &glue)?;
    let small = match node {
        Some(node) => {
            report::detail("optimising the wasm for size with wasm-opt (about 15 s)");
            let small = folder.join("small.wasm");
            optimise(node, &bound, &small)?;
            small
        }
        None => bound,
    };
    let wasm = fs::read(&small).with_context(|| small.display().to_string())?;
    Ok(Widget { glue: instance::factory(&without_function_constructor(&glue)?)?, wasm })
}

fn bind(compiled: &Path, folder: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    Bindgen::new()
        .input_path(compiled)
        .out_name("glue")
        .web(true)?
        .typescript(false)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .generate(folder)
        .context("wasm-bindgen")?;
    // One file can be renamed and cached; a folder of snippets beside it cannot.
    if folder.join("snippets").exists() {
        bail!(
            "a crate brings JavaScript snippets of its own, which dist does not carry: {}",
            folder.display()
        );
    }
    Ok(())
}

/// Takes out of the module what is never reached, then the names by which it
/// was found, and shortens those that are left. Gives the glue that fits it.
fn reduce(file: &Path, glue: &str) -> Result<String> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse_file(file).with_context(|| file.display().to_string())?;
    let pruned = prune::prune(&mut module)?;
    report::detail(&format!("took {} functions out of it that no page reaches", pruned.functions));
    let glue = names::shorten(&mut module, glue);
    fs::write(file, module.emit_wasm()).with_context(|| file.display().to_string())?;
    Ok(glue)
}

/// The order and the flags that gave the fewest brotli bytes. The features are
/// named although rustc records them: a module that lost its list is treated as
/// WebAssembly 1.0, and refused.
fn optimise(node: &Node, from: &Path, to: &Path) -> Result<()> {
    let mut command = node.script("binaryen", "bin/wasm-opt");
    command.arg(from).arg("-o").arg(to);
    command.args(["-Oz", "--flatten", "--rereloop", "-Oz", "--strip-debug", "--strip-producers"]);
    command.args([
        "--enable-bulk-memory",
        "--enable-bulk-memory-opt",
        "--enable-sign-ext",
        "--enable-nontrapping-float-to-int",
        "--enable-mutable-globals",
        "--enable-reference-types",
        "--enable-multivalue",
    ]);
    process::run(&mut command, "wasm-opt")
}

/// Takes `new Function` out of the glue. js-sys keeps it to find the global
/// object in engines without `globalThis`, none of which runs this module; a
/// strict Content-Security-Policy would refuse it, and scanners report it.
fn without_function_constructor(glue: &str) -> Result<String> {
    const CALL: &str = "new Function(";
    let Some(start) = glue.find(CALL) else {
        return Ok(glue.to_owned());
    };
    let end = glue[start..].find(");").context("an unfinished call of Function in the glue")? + start;
    let mut cleaned = String::with_capacity(glue.len());
    cleaned.push_str(&glue[..start]);
    cleaned.push_str("undefined");
    cleaned.push_str(&glue[end + 1..]);
    if cleaned.contains("Function(") && cleaned.contains(CALL) {
        return without_function_constructor(&cleaned);
    }
    Ok(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glue_loses_its_function_constructor_and_nothing_else() {
        let glue = "const ret = new Function(getStringFromWasm0(arg0, arg1));\n        return ret;\nnew Function(x);rest";
        let cleaned = without_function_constructor(glue).expect("cleaned");
        assert_eq!(cleaned, "const ret = undefined;\n        return ret;\nundefined;rest");
    }
}
