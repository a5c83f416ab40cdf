//! Browsers: found, else installed on Debian as root, else asked for.

use crate::workspace::{Workspace, on_path};
use crate::{process, report};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Chromium and the driver of its version.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The browser's program: `CHROMIUM`, else found on PATH.
    pub chromium: PathBuf,
    /// The driver's program: `CHROMEDRIVER`, else found on PATH.
    pub driver: PathBuf,
}

impl Browser {
    /// Finds the browser, or installs it where that can be done without asking.
    pub fn prepare() -> Result<Self> {
        if let Some(found) = Self::find()? {
            return Ok(found);
        }
        if !can_apt() {
            bail!(
                "Chromium and chromedriver of one version are needed. Install them (Debian: `apt-get install chromium \
                 chromium-driver`), or name them by CHROMIUM and CHROMEDRIVER"
            );
        }
        report::detail("installing Chromium with apt-get (about 1 min)");
        apt(&["update", "-qq"])?;
        apt(&[
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "chromium",
            "chromium-driver",
            "fonts-liberation",
        ])?;
        Self::find()?.context("Chromium was installed, and is still not on PATH")
    }

    fn find() -> Result<Option<Self>> {
        let chromium = named("CHROMIUM")?
            .or_else(|| on_path(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]));
        let driver = named("CHROMEDRIVER")?.or_else(|| on_path(&["chromedriver"]));
        Ok(chromium.zip(driver).map(|(chromium, driver)| Self { chromium, driver }))
    }

    /// Writes the capabilities that the browser test runner asks the driver for.
    pub fn write_capabilities(&self, workspace: &Workspace) -> Result<PathBuf> {
        let capabilities = serde_json::json!({
            "goog:chromeOptions": {
                "binary": self.chromium,
                "args": [
                    "headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic",
                    "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"
                ]
            }
        });
        let folder = workspace.scratch();
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let file = folder.join("webdriver.json");
        fs::write(&file, capabilities.to_string()).with_context(|| file.display().to_string())?;
        Ok(file)
    }
}

/// A Firefox, which needs no driver.
#[derive(Debug, Clone)]
pub struct Firefox {
    /// The browser's program: `FIREFOX`, else found on PATH.
    pub program: PathBuf,
}

impl Firefox {
    /// Finds the browser, or installs it where that can be done without asking.
    pub fn prepare() -> Result<Self> {
        if let Some(found) = Self::find()? {
            return Ok(found);
        }
        if !can_apt() {
            bail!(
                "Firefox is needed. Install it (Debian: `apt-get install firefox-esr`), or name it by FIREFOX"
            );
        }
        report::detail("installing Firefox with apt-get (about 1 min)");
        apt(&["update", "-qq"])?;
        apt(&["install", "-y", "-qq", "--no-install-recommends", "firefox-esr"])?;
        Self::find()?.context("Firefox was installed, and is still not on PATH")
    }

    fn find() -> Result<Option<Self>> {
        let program = named("FIREFOX")?.or_else(|| on_path(&["firefox-esr", "firefox"]));
        Ok(program.map(|program| Self { program }))
    }
}

/// A program named by the environment. Named and absent is an error, not a reason to search.
fn named(variable: &str) -> Result<Option<PathBuf>> {
    match env::var_os(variable).map(PathBuf::from) {
        Some(file) if file.is_file() => Ok(Some(file)),
        Some(file) => bail!("{variable} names {}, which is not a file", file.display()),
        None => Ok(None),
    }
}

fn can_apt() -> bool {
    Path::new("/etc/debian_version").exists()
        && on_path(&["apt-get"]).is_some()
        && process::version("id", "-u").is_some_and(|user| user == "0")
}

fn apt(arguments: &[&str]) -> Result<()> {
    process::run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"), "apt-get")
}
