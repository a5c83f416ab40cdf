//! The commands of the README as a library, one file per step.
//!
//! `run`, `test`, `dist` and `bench` are what people and CI call; the other
//! modules are the steps they are made of. Nothing here is part of the product.

pub mod asset;
pub mod bands;
pub mod bench;
pub mod browser;
pub mod budget;
pub mod deny;
pub mod dist;
pub mod examples;
pub mod fingerprint;
pub mod firefox;
pub mod fuzz;
pub mod glue;
pub mod golden;
pub mod inline;
pub mod instance;
pub mod lazy;
pub mod loader;
pub mod mutants;
pub mod names;
pub mod node;
pub mod order;
pub mod package;
pub mod process;
pub mod prune;
pub mod reach;
pub mod release;
pub mod report;
pub mod run;
pub mod sbom;
pub mod schemathesis;
pub mod setup;
pub mod sheets;
pub mod split;
pub mod test;
pub mod weight;
pub mod widget;
pub mod workspace;
