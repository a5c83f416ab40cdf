//! The widget's wasm: compiled, given its JavaScript glue, made small.

use crate::asset::Load;
use crate::bands::{self, Banded};
use crate::glue::Names;
use crate::node::Node;
use crate::reach::Reach;
use crate::setup::WASM;
use crate::split::{self, Declared, Split};
use crate::workspace::Workspace;
use crate::{instance, names, order, process, prune, report};
use anyhow::{Context, Result, bail};
use std::fs;
use std::iter;
use std::path::Path;
use walrus::ModuleConfig;
use wasm_bindgen_cli_support::Bindgen;

/// The wasm and the module that speaks for it.
#[derive(Debug)]
pub struct Widget {
    /// The ES module of wasm-bindgen: `init` and the exports.
    pub glue: String,
    /// The optimised module.
    pub wasm: Banded,
    /// What is fetched when it is first needed.
    pub parts: Vec<Part>,
}

/// A part of the module: a module of its own.
#[derive(Debug)]
pub struct Part {
    /// As the widget calls it.
    pub name: String,
    /// Whether everybody fetches it who asks a question.
    pub load: Load,
    /// The part that has to be there before it, if there is one.
    pub base: Option<String>,
    /// The optimised module.
    pub wasm: Banded,
}

/// Where the modules are left that the files were made from, in the folder for scratch.
pub const FOLDER: &str = "glue";

/// Builds the widget. Without Node the wasm is left as the compiler made it.
pub fn build(workspace: &Workspace, node: Option<&Node>) -> Result<Widget> {
    let mut command = workspace.cargo();
    command.args(["rustc", "-p", "chinwag", "--lib", "--crate-type", "cdylib"]);
    command.args(["--target", WASM, "--profile", "widget", "--"]);
    // Who uses what, for the parts; and symbols that say of what type a function is.
    command.args(["-C", "link-arg=--emit-relocs", "-C", "symbol-mangling-version=v0"]);
    process::run(&mut command, "the widget")?;
    let compiled = workspace.target.join(WASM).join("widget").join("chinwag.wasm");

    report::detail("binding it to JavaScript");
    let folder = workspace.scratch().join(FOLDER);
    bind(&compiled, &folder)?;
    let glue_file = folder.join("glue.js");
    let glue = fs::read_to_string(&glue_file).with_context(|| glue_file.display().to_string())?;
    let bound = folder.join("glue_bg.wasm");
    let source = workspace.root.join("src").join("engine").join("part.rs");
    let declared = split::declared(&String::from_utf8(read(&source)?)?)?;
    let (glue, split) = reduce(&bound, &read(&compiled)?, &glue, &declared)?;
    if node.is_some() {
        report::detail("optimising the wasm for size with wasm-opt (about 15 s)");
    }
    let small = |name: &str, module: Vec<u8>| {
        let Some(node) = node else { return bands::pack(&module) };
        let (from, to) = (folder.join(format!("{name}.wasm")), folder.join(format!("{name}.small.wasm")));
        fs::write(&from, module).with_context(|| from.display().to_string())?;
        optimise(node, &from, &to)?;
        bands::pack(&order::order(&read(&to)?)?).with_context(|| format!("the part {name}"))
    };
    let names = Names::read(iter::once(&split.main).chain(&split.parts))?;
    let wasm = small("main", split.main)?;
    let mut parts = Vec::new();
    for (Declared { name, load, base }, module) in declared.into_iter().zip(split.parts) {
        let load = if load == "answer" { Load::Answer } else { Load::Lazy };
        parts.push(Part { load, base, wasm: small(&name, module)?, name });
    }
    Ok(Widget { glue: instance::factory(&without_function_constructor(&glue)?, &names)?, wasm, parts })
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| file.display().to_string())
}

fn bind(compiled: &Path, folder: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    Bindgen::new()
        .input_path(compiled)
        .out_name("glue")
        .web(true)?
        .typescript(false)
        // Symbols are unique; the names that people read are not.
        .demangle(false)
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

/// Takes out of the module what is never reached, shortens the names by which it
/// is known to its glue, and splits it. Gives the glue that fits it, and the
/// modules.
fn reduce(file: &Path, compiled: &[u8], glue: &str, parts: &[Declared]) -> Result<(String, Split)> {
    let reach = Reach::read(compiled, |symbol| prune::is_of_panics(&prune::path(symbol)))?;
    let mut config = ModuleConfig::new();
    config.generate_name_section(true).generate_producers_section(false);
    let mut module = config.parse_file(file).with_context(|| file.display().to_string())?;
    let pruned = prune::prune(&mut module, &reach)?;
    report::detail(&format!("took {} functions out of it that no page reaches", pruned.functions));
    let glue = names::shorten(&mut module, glue);
    // What the linker left for the splitting is true of its own module only.
    let lists = module.customs.iter().filter(|(_, section)| {
        let name = section.name();
        name == "linking" || name.starts_with("reloc.")
    });
    for id in lists.map(|(id, _)| id).collect::<Vec<_>>() {
        module.customs.delete(id);
    }
    let plan = split::plan(&reach, parts)?;
    let split = split::split(&mut module, &reach, &plan)?;
    Ok((glue, split))
}

/// The order and the flags that gave the fewest brotli bytes. Symbols stay, for
/// who wants to know what weighs what; the bands leave them out. The features are
/// named although rustc records them: a module that lost its list is treated as
/// WebAssembly 1.0, and refused.
fn optimise(node: &Node, from: &Path, to: &Path) -> Result<()> {
    let mut command = node.script("binaryen", "bin/wasm-opt");
    command.arg(from).arg("-o").arg(to);
    command.args(["-Oz", "--flatten", "--rereloop", "-Oz", "--debuginfo"]);
    // Below the first constants is the stack, of which the lowest kilobyte is used
    // only by one that is about to overflow: no pointer with an offset wraps to it.
    command.arg("--low-memory-unused");
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
