//! `chinwag/inline`: one module with every file in it, for bundlers that follow no
//! addresses and for pages that are opened as files.

use crate::asset::Asset;
use crate::dist::{Packer, read};
use crate::lazy::Companion;
use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The module, out of `core.js` with the glue, as the packer has put it on the
/// stage; none without Node. `files` are those that every page fetches, each by
/// its mark in lower case; `companions` those that are fetched later.
pub(crate) fn module(
    packer: &Packer<'_>,
    npm: &Path,
    mut core: String,
    files: &[(&str, &Asset)],
    companions: &[Companion],
) -> Result<Option<String>> {
    if packer.node.is_none() {
        return Ok(None);
    }
    let mut held = BTreeMap::new();
    let mut put_in = |core: &str, mark: &str, asset: &Asset| {
        let kind = kind(&asset.path)?;
        let core = addressed(core, mark, &asset.path)?;
        held.insert(address(&asset.path), (kind, STANDARD.encode(&asset.bytes)));
        anyhow::Ok(core)
    };
    for (name, asset) in files {
        core = put_in(&core, &format!("__CHINWAG_{}__", name.to_uppercase()), asset)?;
    }
    for companion in companions {
        let is_script = Path::new(&companion.asset.path).extension().is_some_and(|end| end == "js");
        core = if is_script {
            // Scripts are part of the bundle: they lie on the stage by their plain names.
            core.replace(&companion.mark, &format!("./{}", companion.plain))
        } else {
            put_in(&core, &companion.mark, &companion.asset)?
        };
    }
    if core.contains("__CHINWAG_") {
        bail!("npm/src/core.js names a file that the inline module is not given");
    }
    let within = read(&npm.join("src").join("within.js"))?;
    let within = within.replace("__CHINWAG_FILES__", &serde_json::to_string(&held)?);
    fs::write(packer.stage.join("within.js"), within)?;
    packer.pack("inline", "inline.js", &core).map(Some)
}

/// Puts a name of the file in the place of its address beside the module.
fn addressed(core: &str, mark: &str, path: &str) -> Result<String> {
    let beside = format!("new URL(\"{mark}\", import.meta.url)");
    if core.matches(&beside).count() != 1 {
        bail!("npm/src/core.js must have `{beside}` exactly once");
    }
    Ok(core.replace(&beside, &format!("new URL(\"{}\")", address(path))))
}

fn address(path: &str) -> String {
    format!("chinwag:{path}")
}

/// The type under which a file is served: the browser compiles no other.
fn kind(path: &str) -> Result<&'static str> {
    match path.rsplit_once('.') {
        Some((_, "wasm")) => Ok("application/wasm"),
        Some((_, "css")) => Ok("text/css"),
        Some((_, "json")) => Ok("application/json"),
        _ => bail!("{path} is of no type that a module can hold"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_name_and_no_longer_beside_the_module() {
        let core = r#"x ?? new URL("__CHINWAG_WASM__", import.meta.url)"#;
        let held = addressed(core, "__CHINWAG_WASM__", "chinwag-1.wasm").expect("one mention");
        assert_eq!(held, r#"x ?? new URL("chinwag:chinwag-1.wasm")"#);
        assert!(addressed(core, "__CHINWAG_CSS__", "chinwag-1.css").is_err());
        assert!(kind("chinwag.txt").is_err());
    }
}
