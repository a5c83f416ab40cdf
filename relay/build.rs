//! Has a release build take in the widget's files anew whenever they change.

use std::env;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build reads the files from the disk at run time.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        let dist = Path::new("../dist");
        // Cargo takes a path that is missing for one that always changes, and would
        // build the relay again each time; the folder is ignored by git. Where it
        // cannot be made, that is the only harm.
        let _ = fs::create_dir_all(dist);
        println!("cargo::rerun-if-changed={}", dist.display());
    }
}
