//! Reads a folder of Markdown: which files count, how large they may be, and
//! what is said in the log about those that do not.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tracing::warn;

/// A Markdown file larger than this is left out, in bytes: it is generated,
/// and would drown the rest.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How many Markdown files are read.
pub const MAX_FILES: usize = 5_000;
/// How many bytes of Markdown are read in all.
pub const MAX_TOTAL_BYTES: u64 = 64 * 1024 * 1024;
/// How many folders deep is looked.
pub const MAX_DEPTH: usize = 32;

/// Folders of tools; nobody's documents.
const IGNORED_FOLDERS: &[&str] = &["node_modules", "target", "__pycache__"];

/// What was found in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The text of each Markdown file, by its path under the folder.
    pub(super) documents: BTreeMap<String, String>,
    /// Each image, by its path under the folder.
    pub(super) images: BTreeMap<String, PathBuf>,
}

/// Limits of one reading; the tests lower them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) file_bytes: u64,
    pub(super) files: usize,
    pub(super) total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: MAX_FILE_BYTES, files: MAX_FILES, total_bytes: MAX_TOTAL_BYTES }
    }
}

/// Reads the folder. `visit` is called for each folder before its entries are
/// listed, so that a watch set there misses nothing.
///
/// A file that cannot be used is left out with a line in the log that names it;
/// only the folder itself failing is an error.
pub(super) fn read(root: &Path, limits: Limits, visit: &mut dyn FnMut(&Path)) -> io::Result<Found> {
    let root = fs::canonicalize(root)?;
    let mut walk = Walk { root: &root, limits, found: Found::default(), total_bytes: 0, left_out: 0, visit };
    walk.folder(&root, "", 0)?;
    if walk.left_out > 0 {
        warn!(
            folder = %root.display(),
            left_out = walk.left_out,
            files_limit = limits.files,
            total_limit_bytes = limits.total_bytes,
            "the folder holds more documents than are read; the rest cannot be asked about"
        );
    }
    Ok(walk.found)
}

/// Whether a path names a kind of image that browsers show.
pub(crate) fn image_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    let known = match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    Some(known)
}

/// Whether a file of this name is read or served.
pub(super) fn is_read(name: &str) -> bool {
    is_markdown(name) || image_type(name).is_some()
}

fn is_markdown(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && ["md", "markdown"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

struct Walk<'a> {
    root: &'a Path,
    limits: Limits,
    found: Found,
    total_bytes: u64,
    left_out: usize,
    visit: &'a mut dyn FnMut(&Path),
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, under: &str, depth: usize) -> io::Result<()> {
        (self.visit)(folder);
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            match entry {
                Ok(entry) => entries.push(entry),
                Err(error) => warn!(folder = %folder.display(), %error, "an entry cannot be read"),
            }
        }
        // The limits then cut the same files off every time.
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str() else {
                warn!(file = %path.display(), "left out: its name is not UTF-8");
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let inner = if under.is_empty() { name.to_owned() } else { format!("{under}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.inner_folder(&path, name, &inner, depth),
                Ok(_) => self.file(&path, name, inner),
                Err(error) => warn!(file = %path.display(), %error, "left out: it cannot be read"),
            }
        }
        Ok(())
    }

    fn inner_folder(&mut self, path: &Path, name: &str, inner: &str, depth: usize) {
        if IGNORED_FOLDERS.contains(&name) {
            return;
        }
        if depth >= MAX_DEPTH {
            warn!(folder = %path.display(), limit = MAX_DEPTH, "left out: too deep");
            return;
        }
        if let Err(error) = self.folder(path, inner, depth + 1) {
            warn!(folder = %path.display(), %error, "left out: it cannot be read");
        }
    }

    /// A file, or a link to one.
    fn file(&mut self, path: &Path, name: &str, inner: String) {
        let markdown = is_markdown(name);
        if !is_read(name) {
            return;
        }
        let real = match inside(self.root, path) {
            Ok(Some(real)) => real,
            Ok(None) => {
                warn!(file = %path.display(), "left out: it links out of the folder");
                return;
            }
            // Gone between the listing and now: an editor saved it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                warn!(file = %path.display(), %error, "left out: it cannot be read");
                return;
            }
        };
        if !real.is_file() {
            return;
        }
        if !markdown {
            self.found.images.insert(inner, real);
            return;
        }
        if self.found.documents.len() >= self.limits.files || self.total_bytes >= self.limits.total_bytes {
            self.left_out += 1;
            return;
        }
        match read_text(&real, self.limits.file_bytes) {
            Ok(text) => {
                self.total_bytes += text.len() as u64;
                self.found.documents.insert(inner, text);
            }
            Err(reason) => warn!(file = %path.display(), "left out: {reason}"),
        }
    }
}

/// Where a path really is, if that is inside the folder. `root` must be
/// canonical.
pub(crate) fn inside(root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    let real = fs::canonicalize(path)?;
    Ok(real.starts_with(root).then_some(real))
}

/// Why a file is no document.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    #[error("it is not UTF-8 (byte {0})")]
    NotText(usize),
    #[error("it is binary")]
    Binary,
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

fn read_text(path: &Path, limit: u64) -> Result<String, Unusable> {
    let mut bytes = Vec::new();
    // The size of a file that is being written is not to be believed.
    fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Unusable::TooLarge(limit));
    }
    if bytes.contains(&0) {
        return Err(Unusable::Binary);
    }
    String::from_utf8(bytes).map_err(|error| Unusable::NotText(error.utf8_error().valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path, limits: Limits) -> Vec<String> {
        read(root, limits, &mut |_| {}).unwrap().documents.into_keys().collect()
    }

    #[test]
    fn only_usable_documents_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for inner in ["deep/er", ".git", "node_modules/x"] {
            fs::create_dir_all(root.join(inner)).unwrap();
        }
        fs::write(root.join("a.md"), "# A").unwrap();
        fs::write(root.join("deep/er/b.Markdown"), "b").unwrap();
        fs::write(root.join(".hidden.md"), "x").unwrap();
        fs::write(root.join(".git/c.md"), "x").unwrap();
        fs::write(root.join("node_modules/x/d.md"), "x").unwrap();
        fs::write(root.join("notes.txt"), "x").unwrap();
        fs::write(root.join("binary.md"), b"MZ\0\x01").unwrap();
        fs::write(root.join("latin.md"), b"caf\xe9").unwrap();
        fs::write(root.join("huge.md"), "x".repeat(1024 * 1024 + 1)).unwrap();
        fs::write(root.join("pic.PNG"), b"\x89PNG").unwrap();
        assert_eq!(names(root, Limits::default()), ["a.md", "deep/er/b.Markdown"]);
        let images = read(root, Limits::default(), &mut |_| {}).unwrap().images;
        assert_eq!(images.into_keys().collect::<Vec<_>>(), ["pic.PNG"]);
    }

    #[test]
    fn the_limits_cut_the_same_files_off_every_time() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["c.md", "a.md", "b.md"] {
            fs::write(folder.path().join(name), "12345").unwrap();
        }
        assert_eq!(names(folder.path(), Limits { files: 2, ..Limits::default() }), ["a.md", "b.md"]);
        assert_eq!(names(folder.path(), Limits { total_bytes: 5, ..Limits::default() }), ["a.md"]);
        assert_eq!(names(folder.path(), Limits { file_bytes: 4, ..Limits::default() }), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_may_stay_inside_but_not_lead_out() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.md"), "secret").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("..data")).unwrap();
        fs::write(root.join("..data/page.md"), "page").unwrap();
        symlink(root.join("..data/page.md"), root.join("page.md")).unwrap();
        symlink(outside.path().join("secret.md"), root.join("secret.md")).unwrap();
        symlink(outside.path(), root.join("more")).unwrap();
        symlink(root, root.join("loop")).unwrap();
        symlink(root.join("gone"), root.join("dangling.md")).unwrap();
        assert_eq!(names(root, Limits::default()), ["page.md"]);
    }
}
