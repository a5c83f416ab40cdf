//! `cargo xtask dist`: the files that a page loads, and the package for npm.

use crate::asset::{self, Asset, Load, Manifest};
use crate::fingerprint::fingerprint;
use crate::node::Node;
use crate::sheets::Sheets;
use crate::widget::{self, Widget};
use crate::workspace::Workspace;
use crate::{budget, inline, lazy, loader, package, process, report, sbom, setup};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The options of `cargo xtask dist`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Leave the size pass out even if Node is there: the files work, and are larger.
    #[arg(long)]
    plain: bool,
}

/// What the caller needs of the size pass, which Node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizePass {
    /// Fail without it: what is tested and measured must be what is shipped.
    Required,
    /// Say that it was left out and go on.
    IfPossible,
    /// Leave it out.
    Never,
}

/// `cargo xtask dist`.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let size_pass = if options.plain { SizePass::Never } else { SizePass::IfPossible };
    let manifest = make(workspace, size_pass)?;
    budget::print(&manifest);
    Ok(())
}

/// Makes `dist/`, or finds it made from exactly these inputs.
pub fn make(workspace: &Workspace, size_pass: SizePass) -> Result<Manifest> {
    let node = match size_pass {
        SizePass::Never => None,
        SizePass::Required => Some(Node::prepare(workspace).context("the size pass needs Node")?),
        SizePass::IfPossible => Node::prepare(workspace).map_or_else(
            |reason| {
                report::detail(&format!(
                    "left out: the size pass, because {reason:#}. The widget works, and is larger."
                ));
                None
            },
            Some,
        ),
    };
    let folder = workspace.dist();
    let stamp = workspace.scratch().join("dist.stamp");
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let inputs = fingerprint(&workspace.root, &[if node.is_some() { "small" } else { "plain" }, &flags])?;
    if fs::read_to_string(&stamp).is_ok_and(|made| made == inputs)
        && let Some(manifest) = Manifest::read_complete(&folder)
    {
        report::detail("dist/ is up to date");
        return Ok(manifest);
    }

    setup::wasm_target(workspace)?;
    let widget = widget::build(workspace, node.as_ref())?;
    report::detail("packing and compressing");
    let assets = assets(workspace, node.as_ref(), widget)?;
    let manifest = asset::write_all(&folder, env!("CARGO_PKG_VERSION"), node.is_some(), &assets)?;
    fs::write(&stamp, inputs).with_context(|| stamp.display().to_string())?;
    Ok(manifest)
}

/// Every file of `dist/`.
fn assets(workspace: &Workspace, node: Option<&Node>, widget: Widget) -> Result<Vec<Asset>> {
    let packer = Packer { node, root: &workspace.root, stage: workspace.scratch().join("stage") };
    let style = |name: &str| read(&workspace.root.join("style").join(name));
    let (tokens, launcher, pointer) = (style("tokens.css")?, style("launcher.css")?, style("pointer.css")?);
    let sheets = Sheets::read(&workspace.root)?;
    let (css, answer_css) = (packer.css("panel", &sheets.panel)?, packer.css("answer", &sheets.answer)?);
    let kiosk_css = serde_json::to_string(&packer.css("kiosk", &style("kiosk.css")?)?)?;
    let loader_source = read(&workspace.root.join("npm").join("loader.js"))?;
    let launcher_css = packer.css("launcher", &(loader::styles(&tokens, &launcher, &loader_source)))?;
    let npm = workspace.root.join("npm");
    let core = lazy::with_parts(&read(&npm.join("src").join("core.js"))?, &widget.parts)?;
    let face = packer.face(&npm.join("src"), &core, &widget.glue)?;
    let frame = frame(&packer, &npm, &tokens, &(launcher + &pointer + &style("frame.css")?))?;

    let mut assets = Vec::new();
    let wasm = Asset::banded("chinwag", widget.wasm, Load::Panel);
    let style = Asset::hashed("chinwag", "css", css.into_bytes(), Load::Panel);
    let mut companions = lazy::companions(&workspace.root, |name, source| {
        packer.companion(name, &source.replace("__CHINWAG_STYLES__", &kiosk_css))
    })?;
    companions.push(frame);
    companions.push(lazy::Companion {
        mark: "__CHINWAG_ANSWER_CSS__".to_owned(),
        plain: "chinwag-answer.css".to_owned(),
        asset: Asset::hashed("chinwag-answer", "css", answer_css.into_bytes(), Load::Answer),
    });
    companions.extend(widget.parts.into_iter().map(lazy::Companion::of_part));
    let with_names = |wasm: &str, css: &str, of: fn(&lazy::Companion) -> &str| {
        let module = named(&named(&face.module, WASM, wasm)?, CSS, css)?;
        companions.iter().try_fold(module, |module, companion| named(&module, &companion.mark, of(companion)))
    };
    let inline = inline::module(&packer, &npm, core, &[("wasm", &wasm), ("css", &style)], &companions)?;
    let mut module = with_names(&wasm.path, &style.path, |companion| &companion.asset.path)?;
    if let Some(glue) = &face.glue {
        let glue = Asset::hashed("chinwag-glue", "js", glue.clone().into_bytes(), Load::Panel);
        module = named(&module, GLUE, &glue.path)?;
        assets.push(glue);
    }
    let module = Asset::hashed("chinwag", "js", module.into_bytes(), Load::Panel);
    let loader_for =
        |module: &str| packer.script("loader", &loader::render(&loader_source, module, &launcher_css)?);

    assets.extend(package::assets(
        &workspace.root,
        &package::Contents {
            module: &with_names(package::WASM, package::CSS, |companion| &companion.plain)?,
            glue: face.glue.as_deref(),
            inline: inline.as_deref(),
            wasm: &wasm.bytes,
            css: &style.bytes,
            companions: &companions,
            loader: &loader_for(package::MODULE)?,
            notices: node.map(|_| sbom::widget_notices(workspace)).transpose()?,
        },
    )?);
    assets.push(Asset::named("chinwag.js", loader_for(&module.path)?, Load::Launcher));
    assets.extend([module, wasm, style]);
    assets.extend(companions.into_iter().map(|companion| companion.asset));
    assets.sort_by(|left, right| (left.load, &left.path).cmp(&(right.load, &right.path)));
    Ok(assets)
}

/// Where `npm/src` wants the names of the files beside it.
const WASM: &str = "__CHINWAG_WASM__";
const CSS: &str = "__CHINWAG_CSS__";
/// What it calls the glue.
const GLUE: &str = "./glue.js";

/// What stands in the page for `mode: "frame"`, with the styles that it needs.
fn frame(packer: &Packer<'_>, npm: &Path, tokens: &str, rules: &str) -> Result<lazy::Companion> {
    let source = read(&npm.join("frame.js"))?;
    let css = packer.css("frame", &loader::styles(tokens, rules, &source))?;
    let source = source.replace("__CHINWAG_STYLES__", &serde_json::to_string(&css)?);
    let bytes = packer.bundle(npm, "frame.js", &source)?.into_bytes();
    Ok(lazy::Companion {
        mark: "__CHINWAG_FRAME__".to_owned(),
        plain: "frame.js".to_owned(),
        asset: Asset::hashed("chinwag-frame", "js", bytes, Load::Lazy),
    })
}

/// Puts a file's name where the module wants it.
fn named(module: &str, mark: &str, name: &str) -> Result<String> {
    if module.matches(mark).count() != 1 {
        bail!("npm/src must name {mark} exactly once");
    }
    Ok(module.replace(mark, &format!("./{name}")))
}

/// The ES module: one file with the glue in it, or two.
struct Face {
    module: String,
    glue: Option<String>,
}

/// Minifies and bundles with esbuild, or passes through.
pub(crate) struct Packer<'a> {
    pub(crate) node: Option<&'a Node>,
    root: &'a Path,
    pub(crate) stage: PathBuf,
}

impl Packer<'_> {
    fn css(&self, name: &str, source: &str) -> Result<String> {
        self.pack("minify", &format!("{name}.css"), source)
    }

    fn script(&self, name: &str, source: &str) -> Result<String> {
        self.pack("minify", &format!("{name}.js"), source)
    }

    /// A module that is fetched later, with the packages that it imports in it.
    /// Without Node there are none, and it does without.
    fn companion(&self, name: &str, source: &str) -> Result<String> {
        let is_import = |line: &&str| line.starts_with("import ");
        match (source.lines().any(|line| is_import(&line)), self.node.is_some()) {
            (false, _) => self.script(name, source),
            (true, true) => self.pack("bundle", &format!("{name}.js"), source),
            (true, false) => {
                Ok(source.lines().filter(|line| !is_import(line)).collect::<Vec<_>>().join("\n"))
            }
        }
    }

    /// `core.js` with what it imports, and the glue that it imports as `./glue.js`.
    fn face(&self, sources: &Path, core: &str, glue: &str) -> Result<Face> {
        if self.node.is_none() {
            return Ok(Face { module: joined(sources, core)?, glue: Some(glue.to_owned()) });
        }
        fs::create_dir_all(&self.stage).with_context(|| self.stage.display().to_string())?;
        for entry in fs::read_dir(sources)? {
            let entry = entry?;
            fs::copy(entry.path(), self.stage.join(entry.file_name()))
                .with_context(|| entry.path().display().to_string())?;
        }
        fs::write(self.stage.join("glue.js"), glue)?;
        let module = self.pack("bundle", "core.js", core)?;
        Ok(Face { module, glue: None })
    }

    /// One file of `npm/` with the names that it imports in it.
    fn bundle(&self, npm: &Path, name: &str, source: &str) -> Result<String> {
        let names = read(&npm.join("names.js"))?;
        if self.node.is_none() {
            // The one import, by hand.
            let body = source.lines().filter(|line| !line.starts_with("import ")).collect::<Vec<_>>();
            return Ok(names.replace("export const ", "const ") + &body.join("\n"));
        }
        fs::create_dir_all(&self.stage).with_context(|| self.stage.display().to_string())?;
        fs::write(self.stage.join("names.js"), names)?;
        self.pack("bundle", name, source)
    }

    pub(crate) fn pack(&self, mode: &str, name: &str, source: &str) -> Result<String> {
        let Some(node) = self.node else {
            return Ok(source.to_owned());
        };
        let from = self.stage.join(name);
        let to = self.stage.join("packed").join(name);
        fs::create_dir_all(self.stage.join("packed")).with_context(|| self.stage.display().to_string())?;
        fs::write(&from, source).with_context(|| from.display().to_string())?;
        let mut command = Command::new(&node.program);
        command.arg(self.root.join("xtask").join("pack.mjs")).arg(mode).args([&from, &to]);
        process::output(&mut command, "esbuild")?;
        read(&to)
    }
}

/// `core.js` with the text of the files beside it in the place of their imports:
/// what a bundler does, without one. The glue stays a file of its own.
fn joined(sources: &Path, core: &str) -> Result<String> {
    let mut module = String::with_capacity(core.len());
    for line in core.lines() {
        let file =
            line.strip_prefix("import {").and_then(|rest| rest.split("\"./").nth(1)?.strip_suffix("\";"));
        match file {
            Some(file) => module += &read(&sources.join(file))?.replace("\nexport ", "\n"),
            None => module += line,
        }
        module.push('\n');
    }
    Ok(module)
}

pub(crate) fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_bundler_the_module_holds_what_it_imports() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../npm/src");
        let core = read(&sources.join("core.js")).expect("the module");
        let module = joined(&sources, &core).expect("joined");
        let imports: Vec<_> = module.lines().filter(|line| line.starts_with("import ")).collect();
        assert_eq!(imports, ["import makeGlue from \"./glue.js\";"]);
        assert!(module.contains("\nasync function whole(") && module.contains("\nfunction guard("));
    }

    #[test]
    fn a_name_is_put_only_where_its_place_is_unambiguous() {
        let module = r#"import x from "./glue.js"; new URL("__CHINWAG_WASM__", import.meta.url)"#;
        let with_name = named(module, WASM, "chinwag-1.wasm").expect("one mention");
        assert!(with_name.contains(r#""./chinwag-1.wasm""#));
        assert!(named(module, CSS, "chinwag-1.css").is_err());
        assert!(named(&module.repeat(2), WASM, "chinwag-1.wasm").is_err());
    }
}
