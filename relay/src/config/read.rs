//! `chinwag.toml` as a whole: its sections, and `[server]`.
//!
//! Every problem is found before any is told, so that one start shows them all.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::document::{Document, Field, Section};
use super::error::ConfigError;
use super::site::{check_agents, days};
use super::{
    Agent, Config, DEFAULT_ADDR, Limits, Network, Origin, Overrides, Provider, Server, Site, TlsFiles, limits,
};
use crate::token::PublicKey;

/// What a reader needs beside the text.
pub(super) struct Reader<'r> {
    /// The folder that relative paths start from.
    base: PathBuf,
    pub(super) environment: &'r dyn Fn(&str) -> Option<String>,
    pub(super) overrides: &'r Overrides,
}

pub(super) fn config(
    file: &Path,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let document = Document::new(file, text);
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let reader = Reader { base, environment, overrides };
    let mut root = document.root()?;

    let server = reader.server(root.section("server"));
    let sites = root.take("site").map(|field| reader.sites(field));
    let agents = root.take("agent").map(|field| reader.agents(field));
    root.finish();

    if sites.is_none() && agents.is_none() {
        // Only `[server]`: the demo, elsewhere.
        let mut config = Config::demo(overrides);
        config.server = document.conclude(server)?;
        config.bound_to(config.server.addr);
        return Ok(config);
    }
    let agents = agents.unwrap_or_default();
    let sites = sites.unwrap_or_default();
    check_agents(&sites, &agents);
    let sites: Vec<Site> = sites.into_iter().map(|(site, _)| site).collect();
    if sites.is_empty() {
        document.complain(&(0..0), "site", "no site: add a [[site]] with key, origins and agent".to_owned());
    }
    let agents: BTreeMap<String, Agent> =
        agents.into_iter().filter_map(|(name, agent)| Some((name, agent?))).collect();
    let is_docs = |agent: &Agent| matches!(agent.provider, Provider::Docs(_));
    let has_docs = agents.values().any(is_docs);

    let config = document.conclude(server.map(|server| Config { server, sites, agents }))?;
    if overrides.docs.is_some() && !has_docs {
        let message = format!("no agent of {} has provider \"docs\"", file.display());
        return Err(ConfigError::option("--docs", message));
    }
    Ok(config)
}

impl Reader<'_> {
    fn server(&self, section: Option<Section<'_>>) -> Option<Server> {
        let mut server = Server {
            addr: DEFAULT_ADDR,
            data_dir: PathBuf::from("chinwag-data"),
            metrics_addr: None,
            tls: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            signing_key: None,
            accepted_keys: Vec::new(),
            retention: None,
            private_targets: Vec::new(),
            limits: Limits::default(),
        };
        if let Some(mut section) = section {
            if let Some(addr) = section.take("addr") {
                server.addr = addr.parsed(parse_addr)?;
            }
            if let Some(field) = section.take("data_dir") {
                server.data_dir = self.path(&field)?;
            }
            server.metrics_addr = section.take("metrics_addr").and_then(|field| field.parsed(parse_addr));
            if let Some(tls) = section.section("tls") {
                server.tls = self.tls(tls);
            }
            server.public_url = section.take("public_url").and_then(|field| field.parsed(Origin::parse));
            if let Some(networks) = section.take("trusted_proxies").and_then(Field::items) {
                server.trusted_proxies =
                    networks.iter().filter_map(|field| field.parsed(str::parse::<Network>)).collect();
            }
            server.signing_key = section.take("signing_key").and_then(|field| self.secret(field));
            for field in section.take("accepted_keys").and_then(Field::items).unwrap_or_default() {
                let place = field.place();
                match self.secret(field).map(|secret| PublicKey::from_pem(secret.expose())) {
                    Some(Ok(key)) => server.accepted_keys.push(key),
                    Some(Err(error)) => place.complain(error.to_string()),
                    None => {}
                }
            }
            server.retention = section.take("retention_days").and_then(|field| days(&field));
            if let Some(networks) = section.take("private_targets").and_then(Field::items) {
                server.private_targets =
                    networks.iter().filter_map(|field| field.parsed(str::parse::<Network>)).collect();
            }
            if let Some(limits) = section.section("limits") {
                server.limits = limits::read(limits);
            }
            section.finish();
        }
        if let Some(addr) = self.overrides.addr {
            server.addr = addr;
        }
        Some(server)
    }

    /// Whether the files are a certificate and its key is seen when they are read.
    fn tls(&self, mut section: Section<'_>) -> Option<TlsFiles> {
        let (cert, key) = (section.require("cert"), section.require("key"));
        let (cert, key) = (cert.and_then(|field| self.path(&field)), key.and_then(|field| self.path(&field)));
        section.finish();
        Some(TlsFiles { cert: cert?, key: key? })
    }

    /// A path of the file, from its own folder.
    pub(super) fn path(&self, field: &Field<'_>) -> Option<PathBuf> {
        let text = field.string()?;
        if text.is_empty() {
            field.complain("the path is empty".to_owned());
            return None;
        }
        Some(self.base.join(text))
    }
}

/// Reads `IP:PORT`, or `localhost:PORT` for the loopback address. Other names are
/// refused: what they resolve to is not ours to guess.
pub fn parse_addr(text: &str) -> Result<SocketAddr, &'static str> {
    let loopback = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    match loopback {
        Some(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => text.parse().map_err(|_| {
            "an address is IP and port, such as \"127.0.0.1:8787\", or \"0.0.0.0:8787\" for all of this machine's"
        }),
    }
}
