//! `[[site]]`: the web sites that may embed the widget.

use std::collections::BTreeMap;

use chinwag_protocol::SiteKey;

use super::document::{Field, did_you_mean};
use super::{Agent, Origin, Site};

/// The sites, each with the field of its agent for later complaints.
pub(super) fn sites(field: Field<'_>) -> Vec<(Site, Option<Field<'_>>)> {
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
        section.finish();
        if let (Some(key), Some(name)) = (key, agent_name) {
            seen.push(key.clone());
            sites.push((Site { key, origins, agent: name, follows_address: false }, agent));
        }
    }
    sites
}

pub(super) fn check_agents(sites: &[(Site, Option<Field<'_>>)], agents: &BTreeMap<String, Option<Agent>>) {
    for (site, field) in sites {
        if agents.contains_key(&site.agent) {
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
