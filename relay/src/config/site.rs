//! `[[site]]`: the web sites that may embed the widget.

use std::collections::BTreeMap;
use std::time::Duration;

use chinwag_protocol::SiteKey;

use super::document::{Field, Section, did_you_mean};
use super::read::Reader;
use super::{Agent, DEMO_SITE, Origin, Secret, duration};
use crate::token::IdentityKeys;

/// Shortest secret key of a site, in bytes: nobody guesses it.
const MIN_KEY_BYTES: usize = 32;

/// `[[site]]`: a web site that may embed the widget.
#[derive(Debug, Clone)]
pub struct Site {
    /// The public key that its pages name.
    pub key: SiteKey,
    /// The origins of its pages. An empty list allows no page.
    pub origins: Vec<Origin>,
    /// Which of [`Config::agents`](super::Config::agents) answers.
    pub agent: String,
    /// The secrets that its own server signs identities with, by their `kid`.
    pub identity_secrets: BTreeMap<String, Secret>,
    /// Whether an identity is good for one exchange alone.
    pub identity_once: bool,
    /// The keys by which its own server may ask for tokens: more than one while
    /// one replaces another.
    pub secret_keys: Vec<Secret>,
    /// Whether devices have keys.
    pub devices: Devices,
    /// How long conversations are kept after their last message. Default: as
    /// `[server]` says.
    pub retention: Option<Duration>,
    /// What it may use up in a day.
    pub daily: DailyCap,
    /// Whether `origins` are the relay's own, and so move with its address.
    pub(super) follows_address: bool,
}

/// `devices`: what a site wants to know of the device that a page runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Devices {
    /// `false`: nothing. A device key is refused, so that nobody believes it
    /// means something.
    #[default]
    None,
    /// `true`: a device key that is brought must be good.
    Known,
    /// `"required"`: every exchange brings one.
    Required,
}

/// What a site may use up between two midnights, by UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DailyCap {
    /// Replies that are begun.
    pub messages: Option<u64>,
    /// Tokens read and written, as far as the provider says.
    pub tokens: Option<u64>,
}

impl Site {
    /// Whether an `Origin` header names one of this site's origins, exactly.
    pub fn allows(&self, header: &str) -> bool {
        self.origins.iter().any(|origin| origin.is(header))
    }

    /// The site of a relay that was started without a file.
    pub(super) fn demo() -> Option<Self> {
        let mut site = Self::new(SiteKey::parse(DEMO_SITE).ok()?, Vec::new(), "docs".to_owned());
        site.follows_address = true;
        Some(site)
    }

    fn new(key: SiteKey, origins: Vec<Origin>, agent: String) -> Self {
        Self {
            key,
            origins,
            agent,
            identity_secrets: BTreeMap::new(),
            identity_once: false,
            secret_keys: Vec::new(),
            devices: Devices::None,
            retention: None,
            daily: DailyCap::default(),
            follows_address: false,
        }
    }
}

impl Reader<'_> {
    /// The sites, each with the field of its agent for later complaints.
    pub(super) fn sites<'d>(&self, field: Field<'d>) -> Vec<(Site, Option<Field<'d>>)> {
        let mut seen: Vec<SiteKey> = Vec::new();
        let mut sites = Vec::new();
        if field.is_section() {
            field.complain("a site is written with two brackets: [[site]]".to_owned());
            return sites;
        }
        for field in field.items().unwrap_or_default() {
            let Some(mut section) = field.section() else { continue };
            let key = section.require("key").and_then(|field| {
                let key = field.parsed(SiteKey::parse)?;
                if seen.contains(&key) {
                    field.complain(format!("another site already has the key {:?}", key.as_str()));
                }
                Some(key)
            });
            let origins = section.require("origins").and_then(Field::items).unwrap_or_default();
            let origins = origins.iter().filter_map(|field| field.parsed(Origin::parse)).collect();
            let agent = section.require("agent");
            let agent_name = agent.as_ref().and_then(Field::string);
            let (Some(key), Some(name)) = (key, agent_name) else {
                // What is missing has been told; what else is there is not unknown.
                self.site_rest(&mut section, None);
                section.finish();
                continue;
            };
            seen.push(key.clone());
            let mut site = Site::new(key, origins, name);
            self.site_rest(&mut section, Some(&mut site));
            section.finish();
            sites.push((site, agent));
        }
        sites
    }

    /// The keys that a site need not have.
    fn site_rest(&self, section: &mut Section<'_>, site: Option<&mut Site>) {
        let identity_secrets = self.identity_secrets(section);
        let identity_once = section.take("identity_once").and_then(|field| field.flag());
        let secret_keys = section.take("secret_key").map(|field| self.secret_keys(field));
        let devices = section.take("devices").and_then(|field| devices(&field));
        let retention = section.take("retention_days").and_then(|field| days(&field));
        let daily = DailyCap {
            messages: section.take("daily_messages").and_then(|field| field.count()),
            tokens: section.take("daily_tokens").and_then(|field| field.count()),
        };
        let Some(site) = site else { return };
        site.identity_secrets = identity_secrets;
        site.identity_once = identity_once.unwrap_or_default();
        site.secret_keys = secret_keys.unwrap_or_default();
        site.devices = devices.unwrap_or_default();
        site.retention = retention;
        site.daily = daily;
    }

    fn identity_secrets(&self, section: &mut Section<'_>) -> BTreeMap<String, Secret> {
        let Some(table) = section.section("identity_secrets") else { return BTreeMap::new() };
        let mut secrets = BTreeMap::new();
        for (kid, field) in table.drain() {
            let place = field.place();
            let Some(secret) = self.secret(field) else { continue };
            match IdentityKeys::check(&kid, secret.expose()) {
                Ok(()) => _ = secrets.insert(kid, secret),
                Err(reason) => place.complain(reason.to_owned()),
            }
        }
        secrets
    }

    /// One secret, or a list of them.
    fn secret_keys(&self, field: Field<'_>) -> Vec<Secret> {
        let fields = if field.is_list() { field.items().unwrap_or_default() } else { vec![field] };
        let mut keys = Vec::new();
        for field in fields {
            let place = field.place();
            match self.secret(field) {
                Some(key) if key.expose().len() < MIN_KEY_BYTES => place.complain(format!(
                    "the key is shorter than {MIN_KEY_BYTES} bytes; make one with: openssl rand -hex 32"
                )),
                key => keys.extend(key),
            }
        }
        keys
    }
}

fn devices(field: &Field<'_>) -> Option<Devices> {
    const ALLOWED: &str = "devices is true, false or \"required\"";
    if !field.is_text() {
        let flag = field.flag()?;
        return Some(if flag { Devices::Known } else { Devices::None });
    }
    if field.string()? == "required" {
        return Some(Devices::Required);
    }
    field.complain(ALLOWED.to_owned());
    None
}

/// A number of days, as a time.
pub(super) fn days(field: &Field<'_>) -> Option<Duration> {
    let days: u32 = field.count()?;
    Some(duration::of_days(days))
}

pub(super) fn check_agents(sites: &[(Site, Option<Field<'_>>)], agents: &BTreeMap<String, Option<Agent>>) {
    for (site, field) in sites {
        // Agents of the API are made and removed while the relay runs.
        if agents.contains_key(&site.agent) || site.agent.starts_with(crate::manage::live::PREFIX) {
            continue;
        }
        let hint = did_you_mean(&site.agent, agents.keys().map(String::as_str));
        let known = if agents.is_empty() {
            format!("there are none: add [agent.{}]", site.agent)
        } else {
            format!("there are: {}", agents.keys().cloned().collect::<Vec<_>>().join(", "))
        };
        if let Some(field) = field {
            field.complain(format!("no agent is named {:?}{hint}; {known}", site.agent));
        }
    }
}
