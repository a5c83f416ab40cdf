//! `chinwag.toml`, key by key: from sections and fields to [`Config`].
//!
//! Every problem is found before any is told, so that one start shows them all.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chinwag_protocol::{ConversationId, SiteKey};

use super::chatbase::CHATBASE_V2;
use super::chatsby::CHATSBY;
use super::document::{Document, Field, Section, did_you_mean};
use super::error::ConfigError;
use super::hosted::{Need, Shape};
use super::{
    Agent, Config, DEFAULT_ADDR, DocsConfig, Limits, Network, Origin, Overrides, Provider, Secret, Server,
    Site, duration,
};

/// Largest secret that is read from a file, in bytes: a key, not a document.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The keys of `openai-chat` and `openai-responses`.
const OPENAI: Shape = Shape {
    base_url: Some("https://api.openai.com/v1"),
    api_key: Need::AtDefault,
    key_prefixes: &[],
    agent_id: Need::Absent,
    model: Need::Required,
    system_prompt: Need::Optional,
    temperature: Need::Optional,
    max_tokens: Need::Optional,
};

/// The keys of `ai-sdk`: the endpoint is an application, and decides the rest.
const AI_SDK: Shape = Shape {
    base_url: None,
    api_key: Need::Optional,
    key_prefixes: &[],
    agent_id: Need::Absent,
    model: Need::Absent,
    system_prompt: Need::Absent,
    temperature: Need::Absent,
    max_tokens: Need::Absent,
};

/// What a reader needs beside the text.
pub(super) struct Reader<'r> {
    /// The folder that relative paths start from.
    base: PathBuf,
    environment: &'r dyn Fn(&str) -> Option<String>,
    overrides: &'r Overrides,
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
    let sites = root.take("site").map(sites);
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
            public_url: None,
            trusted_proxies: Vec::new(),
            signing_key: None,
            limits: Limits::default(),
        };
        if let Some(mut section) = section {
            if let Some(addr) = section.take("addr") {
                server.addr = addr.parsed(parse_addr)?;
            }
            if let Some(field) = section.take("data_dir") {
                server.data_dir = self.path(&field)?;
            }
            server.public_url = section.take("public_url").and_then(|field| field.parsed(Origin::parse));
            if let Some(networks) = section.take("trusted_proxies").and_then(Field::items) {
                server.trusted_proxies =
                    networks.iter().filter_map(|field| field.parsed(str::parse::<Network>)).collect();
            }
            server.signing_key = section.take("signing_key").and_then(|field| self.secret(field));
            if let Some(limits) = section.section("limits") {
                server.limits = read_limits(limits);
            }
            section.finish();
        }
        if let Some(addr) = self.overrides.addr {
            server.addr = addr;
        }
        Some(server)
    }

    /// The agents; none in the place of one that is wrong, so that a site that
    /// names it is not blamed as well.
    fn agents(&self, field: Field<'_>) -> BTreeMap<String, Option<Agent>> {
        let Some(section) = field.section() else { return BTreeMap::new() };
        section
            .drain()
            .into_iter()
            .map(|(name, field)| {
                if ConversationId::parse(&name).is_err() {
                    let message = "the name of an agent is 1 to 64 characters of A-Z, a-z, 0-9, _ and -";
                    field.complain(message.to_owned());
                }
                let agent = field.section().and_then(|section| self.agent(&name, section));
                (name, agent)
            })
            .collect()
    }

    fn agent(&self, key: &str, mut section: Section<'_>) -> Option<Agent> {
        let name = match section.take("name") {
            Some(field) => field.string()?,
            None => key.to_owned(),
        };
        let avatar_url = section.take("avatar_url").and_then(|field| field.parsed(parse_http_url));
        let greeting = section.take("greeting").and_then(|field| field.string());
        let suggestions = match section.take("suggestions").and_then(Field::items) {
            Some(fields) => {
                for field in fields.iter().skip(4).take(1) {
                    field.complain("at most four suggestions are shown".to_owned());
                }
                fields.iter().filter_map(Field::string).collect()
            }
            None => Vec::new(),
        };
        let provider = self.provider(&mut section);
        if provider.is_some() {
            section.finish();
        }
        Some(Agent { name, avatar_url, greeting, suggestions, provider: provider? })
    }

    fn provider(&self, section: &mut Section<'_>) -> Option<Provider> {
        let known = || Provider::NAMES.join(", ");
        let Some(field) = section.take("provider") else {
            section.complain("provider", format!("this key is missing; known providers: {}", known()));
            return None;
        };
        match field.string()?.as_str() {
            "docs" => self.docs(section).map(Provider::Docs),
            "chatbase-v2" => self.hosted(section, &CHATBASE_V2).map(Provider::ChatbaseV2),
            "chatbase-v1" => self.chatbase_v1(section).map(Provider::ChatbaseV1),
            "chatsby" => self.hosted(section, &CHATSBY).map(Provider::Chatsby),
            "chatbotkit" => self.chatbotkit(section).map(Provider::ChatBotKit),
            "openai-chat" => self.hosted(section, &OPENAI).map(Provider::OpenAiChat),
            "openai-responses" => self.hosted(section, &OPENAI).map(Provider::OpenAiResponses),
            "ai-sdk" => self.hosted(section, &AI_SDK).map(Provider::AiSdk),
            unknown => {
                let hint = did_you_mean(unknown, Provider::NAMES.iter().copied());
                field.complain(format!("unknown provider {unknown:?}{hint}; known providers: {}", known()));
                None
            }
        }
    }

    fn docs(&self, section: &mut Section<'_>) -> Option<DocsConfig> {
        let field = section.take("path");
        if let Some(docs) = &self.overrides.docs {
            return Some(DocsConfig { path: docs.clone() });
        }
        let Some(field) = field else {
            section.complain("path", "this key is missing: the folder of Markdown to answer from".to_owned());
            return None;
        };
        let path = self.path(&field)?;
        if !path.is_dir() {
            field.complain(format!("there is no folder {}", path.display()));
            return None;
        }
        Some(DocsConfig { path })
    }

    fn path(&self, field: &Field<'_>) -> Option<PathBuf> {
        let text = field.string()?;
        if text.is_empty() {
            field.complain("the path is empty".to_owned());
            return None;
        }
        Some(self.base.join(text))
    }

    /// `{ env = "NAME" }` or `{ file = "PATH" }`. No complaint quotes a value.
    pub(super) fn secret(&self, field: Field<'_>) -> Option<Secret> {
        const FORMS: &str = "{ env = \"NAME\" } or { file = \"PATH\" }";
        if !field.is_section() {
            field.complain(format!("a secret is never written into this file: use {FORMS}"));
            return None;
        }
        let mut section = field.section()?;
        let value = match (section.take("env"), section.take("file")) {
            (Some(field), None) => {
                let name = field.string()?;
                let value = (self.environment)(&name).filter(|value| !value.is_empty());
                if value.is_none() {
                    field.complain(format!("the environment variable {name} is not set"));
                }
                value
            }
            (None, Some(field)) => {
                let path = self.path(&field)?;
                let value = read_secret(&path);
                if let Err(reason) = &value {
                    field.complain(format!("{}: {reason}", path.display()));
                }
                value.ok()
            }
            _ => {
                section.complain_here(format!("a secret is one of {FORMS}"));
                None
            }
        };
        section.finish();
        value.map(Secret::new)
    }
}

/// The sites, each with the field of its agent for later complaints.
fn sites(field: Field<'_>) -> Vec<(Site, Option<Field<'_>>)> {
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

fn check_agents(sites: &[(Site, Option<Field<'_>>)], agents: &BTreeMap<String, Option<Agent>>) {
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

fn read_limits(mut section: Section<'_>) -> Limits {
    fn count<T: TryFrom<u64>>(section: &mut Section<'_>, key: &'static str, limit: &mut T) {
        if let Some(value) = section.take(key).and_then(|field| field.count()) {
            *limit = value;
        }
    }
    fn time(section: &mut Section<'_>, key: &'static str, limit: &mut Duration) {
        let parse = |text: &str| {
            duration::parse(text).ok_or("a time is a whole number with ms, s, m or h, such as \"5s\"")
        };
        if let Some(value) = section.take(key).and_then(|field| field.parsed(parse)) {
            *limit = value;
        }
    }
    let mut limits = Limits::default();
    count(&mut section, "tokens_per_minute", &mut limits.tokens_per_minute);
    count(&mut section, "tokens_burst", &mut limits.tokens_burst);
    count(&mut section, "site_tokens_per_minute", &mut limits.site_tokens_per_minute);
    count(&mut section, "messages_per_minute", &mut limits.messages_per_minute);
    count(&mut section, "address_messages_per_minute", &mut limits.address_messages_per_minute);
    count(&mut section, "streams_per_visitor", &mut limits.streams_per_visitor);
    count(&mut section, "streams_per_address", &mut limits.streams_per_address);
    count(&mut section, "streams", &mut limits.streams);
    count(&mut section, "connections", &mut limits.connections);
    time(&mut section, "header_timeout", &mut limits.header_timeout);
    time(&mut section, "body_timeout", &mut limits.body_timeout);
    time(&mut section, "idle_timeout", &mut limits.idle_timeout);
    time(&mut section, "write_timeout", &mut limits.write_timeout);
    time(&mut section, "connect_timeout", &mut limits.connect_timeout);
    time(&mut section, "first_byte_timeout", &mut limits.first_byte_timeout);
    time(&mut section, "chunk_timeout", &mut limits.chunk_timeout);
    time(&mut section, "reply_timeout", &mut limits.reply_timeout);
    time(&mut section, "heartbeat", &mut limits.heartbeat);
    time(&mut section, "shutdown_grace", &mut limits.shutdown_grace);
    section.finish();
    limits
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

fn parse_http_url(text: &str) -> Result<String, &'static str> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url.into()),
        _ => Err("an http or https URL is expected"),
    }
}

fn read_secret(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| describe(&error))?.len();
    if size > MAX_SECRET_BYTES {
        return Err(format!("a secret is at most {MAX_SECRET_BYTES} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| describe(&error))?;
    // Editors and `echo` end a file with a line break that is no part of the key.
    let value = text.trim_end_matches(['\r', '\n']);
    if value.is_empty() { Err("the file is empty".to_owned()) } else { Ok(value.to_owned()) }
}

fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[server]
addr = "127.0.0.1:9000"
data_dir = "data"
public_url = "https://relay.example"
trusted_proxies = ["10.0.0.0/8", "::1"]
signing_key = { env = "SIGNING_KEY" }

[server.limits]
messages_per_minute = 3
streams = 1_000
header_timeout = "2s"

[[site]]
key = "site_shop"
origins = ["https://shop.example", "http://localhost:3000"]
agent = "help"

[[site]]
key = "site_blog"
origins = []
agent = "help"

[agent.help]
provider = "docs"
path = "manual"
name = "Help"
avatar_url = "https://shop.example/help.png"
greeting = "Hello."
suggestions = ["How?"]
"#;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("manual")).unwrap();
        std::fs::write(folder.path().join("key.pem"), "from-a-file\r\n").unwrap();
        std::fs::write(folder.path().join("empty.pem"), "\n").unwrap();
        folder
    }

    fn read_with(text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
        let folder = folder();
        let environment = |name: &str| match name {
            "SIGNING_KEY" => Some("from-the-environment".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        Config::parse(&folder.path().join("chinwag.toml"), text, &environment, overrides)
    }

    fn read(text: &str) -> Result<Config, ConfigError> {
        read_with(text, &Overrides::default())
    }

    /// Replaces one line of the good file and checks what is said about it.
    fn check(line: &str, instead: &str, key: &str, message: &str) {
        assert!(GOOD.contains(line), "{line:?} is not in the good file");
        let text = GOOD.replacen(line, instead, 1);
        let error = read(&text).unwrap_err();
        let expected = GOOD.lines().position(|candidate| candidate == line).unwrap() + 1;
        let [problem] = error.problems() else { panic!("one problem is expected: {error}") };
        assert_eq!(problem.line, Some(expected), "{problem}");
        assert_eq!(problem.key, key, "{problem}");
        assert!(problem.message.contains(message), "{problem}");
        assert!(problem.to_string().contains(&format!("chinwag.toml:{expected}: ")), "{problem}");
    }

    #[test]
    fn a_good_file_is_read_whole() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.server.addr, "127.0.0.1:9000".parse().unwrap());
        assert!(config.server.data_dir.ends_with("data") && config.server.data_dir.is_absolute());
        assert_eq!(config.server.public_url.as_ref().unwrap().as_str(), "https://relay.example");
        assert_eq!(config.server.trusted_proxies.len(), 2);
        assert_eq!(config.server.signing_key.as_ref().unwrap().expose(), "from-the-environment");
        assert_eq!(config.server.limits.messages_per_minute, 3);
        assert_eq!(config.server.limits.streams, 1000);
        assert_eq!(config.server.limits.header_timeout, Duration::from_secs(2));
        assert_eq!(config.server.limits.tokens_burst, Limits::default().tokens_burst);
        let keys: Vec<&str> = config.sites.iter().map(|site| site.key.as_str()).collect();
        assert_eq!(keys, ["site_shop", "site_blog"]);
        assert!(config.sites[0].allows("http://localhost:3000"));
        assert!(!config.sites[1].allows("http://localhost:3000"));
        let agent = &config.agents["help"];
        assert_eq!(agent.name, "Help");
        assert_eq!(agent.greeting.as_deref(), Some("Hello."));
        let Provider::Docs(docs) = &agent.provider else { panic!("not a docs agent") };
        assert!(docs.path.is_absolute() && docs.path.ends_with("manual"));
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_that_is_known() {
        check(
            "addr = \"127.0.0.1:9000\"",
            "adr = \"127.0.0.1:9000\"",
            "server.adr",
            "did you mean \"addr\"?",
        );
        check(
            "messages_per_minute = 3",
            "messages = 3",
            "server.limits.messages",
            "allowed here: tokens_per_minute,",
        );
        check(
            "name = \"Help\"",
            "titel = \"Help\"",
            "agent.help.titel",
            "unknown key; allowed here: name, avatar_url, greeting, suggestions, provider, path",
        );
        check("[server]", "[sever]", "sever", "unknown section; did you mean \"server\"?");
    }

    #[test]
    fn an_unknown_key_of_a_site_is_told_beside_the_one_that_it_misses() {
        let error = read(&GOOD.replacen("origins = []", "origin = []", 1)).unwrap_err();
        let told: Vec<_> =
            error.problems().iter().map(|problem| (problem.line, problem.key.as_str())).collect();
        assert_eq!(told, [(Some(19), "site.origins"), (Some(21), "site.origin")], "{error}");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named() {
        check(
            "data_dir = \"data\"",
            "data_dir = 7",
            "server.data_dir",
            "expected a string, not a whole number",
        );
        check("origins = []", "origins = \"https://x.example\"", "site.origins", "expected a list");
        check("streams = 1_000", "streams = 0", "server.limits.streams", "1 or more");
        check("streams = 1_000", "streams = -4", "server.limits.streams", "1 or more");
        check("streams = 1_000", "streams = 1.5", "server.limits.streams", "not a number");
        check(
            "messages_per_minute = 3",
            "messages_per_minute = 5_000_000_000",
            "server.limits.messages_per_minute",
            "out of range",
        );
        check(
            "header_timeout = \"2s\"",
            "header_timeout = \"2\"",
            "server.limits.header_timeout",
            "such as \"5s\"",
        );
        check("suggestions = [\"How?\"]", "suggestions = [1]", "agent.help.suggestions", "expected a string");
        check(
            "suggestions = [\"How?\"]",
            "suggestions = [\"1\", \"2\", \"3\", \"4\", \"5\"]",
            "agent.help.suggestions",
            "at most four",
        );
        check("addr = \"127.0.0.1:9000\"", "addr = \"relay:80\"", "server.addr", "an address is IP and port");
        check(
            "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
            "trusted_proxies = [\"10.0.0.0/99\"]",
            "server.trusted_proxies",
            "a network is",
        );
        check(
            "avatar_url = \"https://shop.example/help.png\"",
            "avatar_url = \"javascript:1\"",
            "agent.help.avatar_url",
            "http or https",
        );
    }

    #[test]
    fn a_literal_secret_is_refused_and_not_quoted() {
        let line = "signing_key = { env = \"SIGNING_KEY\" }";
        check(
            line,
            "signing_key = \"hunter2\"",
            "server.signing_key",
            "a secret is never written into this file",
        );
        let error = read(&GOOD.replacen(line, "signing_key = \"hunter2\"", 1)).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let broken = read("[server]\nsigning_key = \"hunter2\n").unwrap_err();
        assert!(!broken.to_string().contains("hunter2"), "{broken}");
    }

    #[test]
    fn a_secret_that_is_not_there_is_named() {
        let line = "signing_key = { env = \"SIGNING_KEY\" }";
        for (instead, key, message) in [
            ("signing_key = { env = \"NOWHERE\" }", "server.signing_key.env", "NOWHERE is not set"),
            ("signing_key = { env = \"EMPTY\" }", "server.signing_key.env", "EMPTY is not set"),
            ("signing_key = { file = \"none.pem\" }", "server.signing_key.file", "there is no such file"),
            ("signing_key = { file = \"empty.pem\" }", "server.signing_key.file", "the file is empty"),
            ("signing_key = {}", "server.signing_key", "a secret is one of"),
            ("signing_key = { env = \"A\", file = \"B\" }", "server.signing_key", "a secret is one of"),
        ] {
            check(line, instead, key, message);
        }
        let config = read(&GOOD.replacen(line, "signing_key = { file = \"key.pem\" }", 1)).unwrap();
        assert_eq!(config.server.signing_key.unwrap().expose(), "from-a-file");
    }

    #[test]
    fn a_bad_origin_is_named_with_its_reason() {
        for (origin, reason) in [
            ("null", "sandboxed"),
            ("*", "wildcards"),
            ("https://*.shop.example", "wildcards"),
            ("https://shop.example/", "write \"https://shop.example\""),
            ("shop.example", "scheme, host and port"),
        ] {
            check("origins = []", &format!("origins = [\"{origin}\"]"), "site.origins", reason);
        }
    }

    #[test]
    fn each_of_many_origins_is_blamed_on_its_own_line() {
        let origins = "origins = [\n  \"https://a.example\",\n  \"*\",\n  \"null\",\n]";
        let error = read(&GOOD.replacen("origins = []", origins, 1)).unwrap_err();
        let lines: Vec<_> = error.problems().iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [Some(23), Some(24)], "{error}");
    }

    #[test]
    fn sites_and_agents_must_fit_together() {
        check("key = \"site_blog\"", "key = \"site_shop\"", "site.key", "another site already has the key");
        check("key = \"site_blog\"", "key = \"blog\"", "site.key", "starts with \"site_\"");
        let spaced = read(&GOOD.replacen("[agent.help]", "[agent.\"he lp\"]", 1)).unwrap_err();
        assert!(spaced.to_string().contains(":24: agent.he lp: the name of an agent is"), "{spaced}");
        let error = read(&GOOD.replacen("agent = \"help\"\n\n[[", "agent = \"halp\"\n\n[[", 1)).unwrap_err();
        assert!(
            error.to_string().contains(":17: site.agent: no agent is named \"halp\"; did you mean \"help\"?"),
            "{error}"
        );
        let none = read("[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"docs\"\n").unwrap_err();
        assert!(none.to_string().contains("add [agent.docs]"), "{none}");
        let lonely = read("[agent.help]\nprovider = \"docs\"\npath = \"manual\"\n").unwrap_err();
        assert!(lonely.to_string().contains("add a [[site]]"), "{lonely}");
        let single = read("[site]\nkey = \"site_a\"\n").unwrap_err();
        assert!(single.to_string().contains("[[site]]"), "{single}");
    }

    #[test]
    fn an_unknown_provider_is_told_with_the_known_ones() {
        check(
            "provider = \"docs\"",
            "provider = \"doc\"",
            "agent.help.provider",
            "did you mean \"docs\"?; known providers: docs, ",
        );
        check("path = \"manual\"", "path = \"nowhere\"", "agent.help.path", "there is no folder");
        let missing = read(&GOOD.replacen("provider = \"docs\"", "", 1)).unwrap_err();
        assert!(
            missing.to_string().contains(":24: agent.help.provider: this key is missing; known"),
            "{missing}"
        );
    }

    #[test]
    fn a_text_that_is_not_toml_is_told_by_its_line() {
        let error = read("[server]\naddr = \n").unwrap_err();
        assert_eq!(error.problems()[0].line, Some(2), "{error}");
        let twice = read("[server]\ndata_dir = \"a\"\ndata_dir = \"b\"\n").unwrap_err();
        assert_eq!(twice.problems()[0].line, Some(3), "{twice}");
    }

    #[test]
    fn every_problem_is_told_at_once_in_the_order_of_the_file() {
        let text = GOOD.replacen("[server]", "[server]\nport = 1", 1).replacen(
            "origins = []",
            "origins = [\"*\"]",
            1,
        );
        let error = read(&text).unwrap_err();
        let keys: Vec<_> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["server.port", "site.origins"], "{error}");
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let overrides =
            Overrides { addr: Some("0.0.0.0:80".parse().unwrap()), docs: Some(PathBuf::from("elsewhere")) };
        let config = read_with(GOOD, &overrides).unwrap();
        assert_eq!(config.server.addr, "0.0.0.0:80".parse().unwrap());
        let Provider::Docs(docs) = &config.agents["help"].provider else { panic!("not a docs agent") };
        assert_eq!(docs.path, Path::new("elsewhere"));
    }

    #[test]
    fn a_file_without_sites_is_the_demo_at_another_address() {
        let config = read("[server]\naddr = \"127.0.0.1:9001\"\n").unwrap();
        assert_eq!(config.sites[0].key.as_str(), "site_demo");
        assert!(config.sites[0].allows("http://127.0.0.1:9001"));
        assert!(config.sites[0].allows("http://localhost:9001"));
        assert!(!config.sites[0].allows("http://localhost:8787"));
    }

    #[test]
    fn the_demo_site_moves_with_the_address() {
        let mut config = Config::demo(&Overrides::default());
        assert!(config.sites[0].allows("http://localhost:8787"));
        config.bound_to("0.0.0.0:4000".parse().unwrap());
        assert!(config.sites[0].allows("http://localhost:4000"));
        assert!(!config.sites[0].allows("http://localhost:8787"));
        config.bound_to("192.168.1.5:80".parse().unwrap());
        assert!(config.sites[0].allows("http://192.168.1.5"));
        assert!(!config.is_known_origin("http://localhost:80"));
    }
}
