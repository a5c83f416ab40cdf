//! A distributable file: its name, its bytes, its compressed forms, its line in the manifest.

use crate::bands::Banded;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha384};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;

/// When a page fetches a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// With the page: what draws the launcher.
    Launcher,
    /// On idle or intent: what draws a panel that can be written into.
    Panel,
    /// With the first words that are written: what sends them and shows the answer.
    Answer,
    /// Later, when a feature is first used.
    Lazy,
    /// Never by a page that embeds the script: the package for npm.
    Other,
}

/// A file of `dist/`, before it is written.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its path in `dist/`, with `/` on every system.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When a page fetches it.
    pub load: Load,
    /// Where its content changes in kind, as offsets in order: brotli begins anew there.
    pub seams: Vec<usize>,
}

/// `dist/manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of the package.
    pub version: String,
    /// Whether the size pass ran: without Node the files work, and are larger.
    pub size_pass: bool,
    /// Every file but the compressed copies and the manifest itself.
    pub files: Vec<Entry>,
}

/// One file in the manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Relative to `dist/`.
    pub path: String,
    /// Bytes as they are.
    pub raw: u64,
    /// Bytes after gzip at level 9.
    pub gzip: u64,
    /// Bytes after brotli at quality 11.
    pub brotli: u64,
    /// The digest as an `integrity` attribute takes it: `sha384-` and base64.
    pub sha384: String,
    /// When a page fetches it.
    pub load: Load,
}

impl Asset {
    /// A file whose name carries the hash of its bytes, so that it may be cached for ever.
    pub fn hashed(stem: &str, extension: &str, bytes: Vec<u8>, load: Load) -> Self {
        Self::named(format!("{stem}-{}.{extension}", short_hash(&bytes)), bytes, load)
    }

    /// A file under a name of its own.
    pub fn named(path: impl Into<String>, bytes: impl Into<Vec<u8>>, load: Load) -> Self {
        Self { path: path.into(), bytes: bytes.into(), load, seams: Vec::new() }
    }

    /// A module in bands, under a name with its hash.
    pub fn banded(stem: &str, module: Banded, load: Load) -> Self {
        Self { seams: module.seams, ..Self::hashed(stem, "wasm", module.bytes, load) }
    }

    /// Writes the file and, if pages fetch it, its compressed copies. Returns its line in the manifest.
    fn write(&self, folder: &Path, kept: &mut BTreeSet<String>) -> Result<Entry> {
        let gzip = gzip(&self.bytes).context("gzip")?;
        let brotli = brotli(&self.bytes, &self.seams).context("brotli")?;
        let entry = Entry {
            path: self.path.clone(),
            raw: self.bytes.len() as u64,
            gzip: gzip.len() as u64,
            brotli: brotli.len() as u64,
            sha384: format!("sha384-{}", STANDARD.encode(Sha384::digest(&self.bytes))),
            load: self.load,
        };
        write_if_changed(folder, &self.path, &self.bytes, kept)?;
        if self.load != Load::Other {
            write_if_changed(folder, &format!("{}.gz", self.path), &gzip, kept)?;
            write_if_changed(folder, &format!("{}.br", self.path), &brotli, kept)?;
        }
        Ok(entry)
    }
}

/// Makes `folder` hold exactly these files and their manifest. A file that is
/// there already stays untouched, so that the relay, which embeds the folder,
/// is built again only when something changed.
pub fn write_all(folder: &Path, version: &str, size_pass: bool, assets: &[Asset]) -> Result<Manifest> {
    let mut kept = BTreeSet::new();
    let files = assets.iter().map(|asset| asset.write(folder, &mut kept)).collect::<Result<Vec<_>>>()?;
    let manifest = Manifest { version: version.to_owned(), size_pass, files };
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    write_if_changed(folder, MANIFEST, text.as_bytes(), &mut kept)?;
    remove_others(folder, "", &kept)?;
    Ok(manifest)
}

impl Manifest {
    /// Reads the manifest of a folder, if every file that it names is there in its size.
    pub fn read_complete(folder: &Path) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(&fs::read(folder.join(MANIFEST)).ok()?).ok()?;
        let size = |path: String| fs::metadata(folder.join(path)).ok().map(|file| file.len());
        let complete = manifest.files.iter().all(|entry| {
            size(entry.path.clone()) == Some(entry.raw)
                && (entry.load == Load::Other
                    || (size(format!("{}.gz", entry.path)) == Some(entry.gzip)
                        && size(format!("{}.br", entry.path)) == Some(entry.brotli)))
        });
        complete.then_some(manifest)
    }
}

/// The manifest's name in `dist/`.
pub const MANIFEST: &str = "manifest.json";

/// The first twelve hexadecimal digits of the SHA-384: enough to tell builds
/// apart, short enough to read in a network log.
pub fn short_hash(bytes: &[u8]) -> String {
    hex(&Sha384::digest(bytes)[..6])
}

/// Two lowercase digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(bytes: &[u8], seams: &[usize]) -> std::io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: bytes.len(),
        ..brotli::enc::BrotliEncoderParams::default()
    };
    let mut encoder = brotli::CompressorWriter::with_params(Vec::new(), BUFFER_BYTES, &parameters);
    let mut start = 0;
    for &seam in seams {
        encoder.write_all(bytes.get(start..seam).unwrap_or_default())?;
        encoder.flush()?;
        start = seam;
    }
    encoder.write_all(bytes.get(start..).unwrap_or_default())?;
    Ok(encoder.into_inner())
}

const BUFFER_BYTES: usize = 1 << 16;

fn write_if_changed(folder: &Path, path: &str, bytes: &[u8], kept: &mut BTreeSet<String>) -> Result<()> {
    let file = folder.join(path);
    kept.insert(path.to_owned());
    if fs::read(&file).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    fs::write(&file, bytes).with_context(|| file.display().to_string())
}

fn remove_others(folder: &Path, prefix: &str, kept: &BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            let inside = format!("{path}/");
            if kept.iter().any(|name| name.starts_with(&inside)) {
                remove_others(&entry.path(), &inside, kept)?;
            } else {
                fs::remove_dir_all(entry.path()).with_context(|| path.clone())?;
            }
        } else if !kept.contains(&path) {
            fs::remove_file(entry.path()).with_context(|| path.clone())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::path::PathBuf;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("chinwag-xtask-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a temporary folder");
        folder
    }

    #[test]
    fn a_name_follows_the_bytes() {
        let one = Asset::hashed("chinwag", "css", b"a{}".to_vec(), Load::Panel);
        let same = Asset::hashed("chinwag", "css", b"a{}".to_vec(), Load::Panel);
        let other = Asset::hashed("chinwag", "css", b"b{}".to_vec(), Load::Panel);
        assert_eq!(one.path, same.path);
        assert_ne!(one.path, other.path);
        assert!(
            one.path.starts_with("chinwag-") && one.path.split('.').next_back() == Some("css"),
            "{}",
            one.path
        );
    }

    #[test]
    fn the_compressed_copies_unpack_to_the_file() {
        let folder = scratch("compressed");
        let text = "the same words again and again, ".repeat(50);
        let manifest =
            write_all(&folder, "1.2.3", true, &[Asset::named("a.js", text.as_bytes(), Load::Launcher)])
                .expect("written");
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&fs::read(folder.join("a.js.gz")).expect("gzip")[..])
            .read_to_string(&mut unpacked)
            .expect("gzip unpacks");
        assert_eq!(unpacked, text);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &fs::read(folder.join("a.js.br")).expect("brotli")[..], &mut unpacked)
            .expect("brotli unpacks");
        assert_eq!(unpacked, text.as_bytes());
        assert!(manifest.files[0].brotli < manifest.files[0].raw);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_second_writing_leaves_equal_files_alone_and_removes_stale_ones() {
        let folder = scratch("stale");
        let keep = Asset::named("keep.js", "1", Load::Panel);
        write_all(&folder, "1", true, &[keep.clone(), Asset::named("npm/old.js", "2", Load::Other)])
            .expect("written");
        let before = fs::metadata(folder.join("keep.js")).and_then(|file| file.modified()).expect("a time");
        write_all(&folder, "1", true, &[keep]).expect("written again");
        let after = fs::metadata(folder.join("keep.js")).and_then(|file| file.modified()).expect("a time");
        assert_eq!(before, after);
        assert!(!folder.join("npm").exists());
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_folder_that_lost_a_file_is_not_complete() {
        let folder = scratch("lost");
        write_all(&folder, "1", true, &[Asset::named("a.js", "1", Load::Panel)]).expect("written");
        assert!(Manifest::read_complete(&folder).is_some());
        fs::remove_file(folder.join("a.js.br")).expect("removed");
        assert!(Manifest::read_complete(&folder).is_none());
        fs::remove_dir_all(folder).expect("removed");
    }
}
