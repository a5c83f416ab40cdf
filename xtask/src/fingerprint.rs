//! One digest over everything that the distributable files are made from.

use crate::asset::hex;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// What goes into the files of `dist/`, relative to the checkout. A folder
/// counts with everything in it.
const INPUTS: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo/config.toml",
    "package-lock.json",
    "src",
    "protocol/Cargo.toml",
    "protocol/src",
    "style",
    "npm",
    "locales",
    "xtask/src",
    "xtask/pack.mjs",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// The digest of the inputs and of what the build depends on besides files.
pub fn fingerprint(root: &Path, circumstances: &[&str]) -> Result<String> {
    let mut digest = Sha256::new();
    for circumstance in circumstances {
        feed(&mut digest, circumstance.as_bytes());
    }
    for input in INPUTS {
        let path = root.join(input);
        for file in files(&path)? {
            feed(&mut digest, file.strip_prefix(root).unwrap_or(&file).to_string_lossy().as_bytes());
            feed(&mut digest, &fs::read(&file).with_context(|| file.display().to_string())?);
        }
    }
    Ok(hex(&digest.finalize()))
}

/// Length first: otherwise two neighbours could trade bytes and go unnoticed.
fn feed(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_le_bytes());
    digest.update(bytes);
}

/// The file, or every file below the folder, in order. Nothing for what is not there.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        found.extend(files(&entry?.path())?);
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_an_input_changes_the_digest() {
        let root = std::env::temp_dir().join(format!("chinwag-xtask-fingerprint-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("src/deep")).expect("folders");
        fs::write(root.join("src/deep/a.rs"), "one").expect("a file");
        let first = fingerprint(&root, &["node"]).expect("a digest");
        assert_eq!(first, fingerprint(&root, &["node"]).expect("the same digest"));
        assert_ne!(first, fingerprint(&root, &["plain"]).expect("another digest"));
        fs::write(root.join("src/deep/a.rs"), "two").expect("a change");
        assert_ne!(first, fingerprint(&root, &["node"]).expect("another digest"));
        fs::write(root.join("src/deep/a.rs"), "one").expect("changed back");
        fs::rename(root.join("src/deep/a.rs"), root.join("src/deep/b.rs")).expect("renamed");
        assert_ne!(first, fingerprint(&root, &["node"]).expect("another digest"));
        fs::remove_dir_all(root).expect("removed");
    }
}
