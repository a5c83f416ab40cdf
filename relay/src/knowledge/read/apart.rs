//! Files of strangers are taken apart in a process of their own, which may have
//! only so much memory and time. A PDF of a few kilobytes can unpack to
//! gigabytes, or keep its parser busy for ever; then that process ends, and the
//! relay goes on.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::Unreadable;
use super::pdf::{self, PdfText};

/// The command of this program that reads one PDF; see [`read_pdf`].
pub const COMMAND: &str = "read-pdf";

/// What reading one file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Memory of the process, in bytes of address space.
    pub memory_bytes: u64,
    /// How long the process may be there.
    pub time: Duration,
    /// Text that is read, in bytes.
    pub text_bytes: usize,
}

impl Bounds {
    /// What a file of `text_bytes` may cost: 768 MiB and two minutes.
    pub const fn of(text_bytes: usize) -> Self {
        Self { memory_bytes: 768 * 1024 * 1024, time: Duration::from_mins(2), text_bytes }
    }
}

/// What the process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Read(PdfText),
    Refused(String),
}

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program has [`COMMAND`]; the first call counts. Without one, PDFs
/// are refused.
pub fn use_program(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// The program that runs now, also after its file was replaced.
pub fn own_program() -> io::Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if link.exists() { Ok(link.to_owned()) } else { std::env::current_exe() }
}

/// Reads a PDF in a process of its own.
pub async fn pdf(bytes: Vec<u8>, bounds: &Bounds) -> Result<PdfText, Unreadable> {
    let refused = |reason: String| Unreadable::Pdf(reason);
    let Some(program) = PROGRAM.get() else {
        return Err(refused("this relay was built without a reader of PDFs".to_owned()));
    };
    let mut child = Command::new(program)
        .arg(COMMAND)
        .arg(bounds.memory_bytes.to_string())
        .arg(bounds.time.as_secs().max(1).to_string())
        .arg(bounds.text_bytes.to_string())
        // Nothing of the relay's: its environment holds keys.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| refused(format!("its reader does not start: {error}")))?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(refused("its reader does not start".to_owned()));
    };
    let most = u64::try_from(bounds.text_bytes).unwrap_or(u64::MAX).saturating_mul(8).saturating_add(4_096);
    let talk = async move {
        let telling = async move {
            // A reader that ends early closes its side; what it said counts.
            let _ = input.write_all(&bytes).await;
            drop(input);
        };
        let mut said = Vec::new();
        let mut output = output.take(most);
        let hearing = output.read_to_end(&mut said);
        let ((), heard) = tokio::join!(telling, hearing);
        let status = child.wait().await;
        (said, heard.and(status))
    };
    let Ok((said, status)) = tokio::time::timeout(bounds.time, talk).await else {
        return Err(refused(format!("reading it took longer than {} s", bounds.time.as_secs())));
    };
    match (serde_json::from_slice(&said), status) {
        (Ok(Said::Read(read)), Ok(_)) => Ok(read),
        (Ok(Said::Refused(reason)), Ok(_)) => Err(refused(reason)),
        (Err(_), _) | (_, Err(_)) => {
            let memory = bounds.memory_bytes / (1024 * 1024);
            Err(refused(format!("it broke its reader, or needs more than {memory} MiB or too much time")))
        }
    }
}

/// The process: reads a PDF from standard input, and says what is in it on
/// standard output. `arguments` are bytes of memory, seconds, and bytes of text.
///
/// # Errors
/// If a bound cannot be set, or input or output fail.
pub fn read_pdf(arguments: &[String]) -> io::Result<()> {
    let number = |place: usize| -> io::Result<u64> {
        let text = arguments.get(place).map(String::as_str).unwrap_or_default();
        text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "three numbers are expected"))
    };
    let (memory, seconds, most) = (number(0)?, number(1)?, number(2)?);
    bound(memory, seconds)?;
    // Nobody reads what a parser prints of its panic.
    std::panic::set_hook(Box::new(|_| {}));
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let said = match pdf::text(&bytes, usize::try_from(most).unwrap_or(usize::MAX)) {
        Ok(read) => Said::Read(read),
        Err(Unreadable::Pdf(reason)) => Said::Refused(reason),
        Err(other) => Said::Refused(other.to_string()),
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &said)?;
    out.flush()
}

/// From here on this process has no more than that.
#[cfg(unix)]
fn bound(memory_bytes: u64, seconds: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = |number: u64| Rlimit { current: Some(number), maximum: Some(number) };
    setrlimit(Resource::As, most(memory_bytes))?;
    setrlimit(Resource::Cpu, most(seconds))?;
    // It has nothing to write to, and leaves nothing behind.
    setrlimit(Resource::Fsize, most(0))?;
    setrlimit(Resource::Core, most(0))?;
    Ok(())
}

/// Other systems bound the time alone, from outside.
#[cfg(not(unix))]
fn bound(_memory_bytes: u64, _seconds: u64) -> io::Result<()> {
    Ok(())
}
