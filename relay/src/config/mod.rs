//! What the operator decides: the typed configuration, read from `chinwag.toml`
//! and the command line.
//!
//! Everything here is checked before anything starts: an origin is an
//! [`Origin`], a site's agent exists, a secret is present. No other room reads
//! the file or the environment.

mod agent;
mod chatbase;
mod chatbotkit;
mod chatsby;
mod document;
mod duration;
mod error;
mod hosted;
mod limits;
mod network;
mod origin;
mod read;
mod secret;
mod site;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chinwag_protocol::SiteKey;

pub use chatbase::{ChatbaseV1Config, ChatbotIdKey};
pub use chatbotkit::ChatBotKitConfig;
pub use chatsby::{Incoming, SignatureEncoding};
pub use error::{ConfigError, Problem};
pub use hosted::Hosted;
pub use limits::Limits;
pub use network::{Network, NetworkError};
pub use origin::{Origin, OriginError};
pub use read::parse_addr;
pub use secret::Secret;
pub use site::{DailyCap, Devices, Site};

use crate::token::PublicKey;

/// The address that the relay listens on when nobody names one.
pub const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// The file that is read when `--config` names none and it is there.
pub const DEFAULT_FILE: &str = "chinwag.toml";

/// The site of a relay that was started without a file.
pub const DEMO_SITE: &str = "site_demo";

/// Everything the operator decides.
#[derive(Debug, Clone)]
pub struct Config {
    /// The process itself: address, folders, limits.
    pub server: Server,
    /// The sites that may embed the widget, in the file's order; never empty.
    /// The page at `/` shows the first.
    pub sites: Vec<Site>,
    /// The agents by the name that the file gives them. Each site's agent is here.
    pub agents: BTreeMap<String, Agent>,
}

/// `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen. Port 0 takes a free one; [`Config::bound_to`] then puts
    /// the real one here.
    pub addr: SocketAddr,
    /// The folder of the database and the signing key; made when it is missing.
    /// Default `chinwag-data` in the working directory.
    pub data_dir: PathBuf,
    /// Where Prometheus finds `/metrics`; nowhere if it is not set.
    pub metrics_addr: Option<SocketAddr>,
    /// `[server.tls]`: the relay speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Where visitors reach the relay, if that is not `addr`: behind a proxy, say.
    pub public_url: Option<Origin>,
    /// Proxies whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_proxies: Vec<Network>,
    /// The key that signs tokens: an Ed25519 private key as PKCS #8 PEM. Without
    /// it one is made at first start, in `data_dir`.
    pub signing_key: Option<Secret>,
    /// Further keys whose signatures are accepted: for a rotation of
    /// `signing_key`. Ed25519 in PEM, public or private.
    pub accepted_keys: Vec<PublicKey>,
    /// How long conversations are kept after their last message, where the site
    /// says nothing else. Default: until somebody deletes them.
    pub retention: Option<Duration>,
    /// Private networks that sources and webhooks may lead to. Default: none.
    pub private_targets: Vec<Network>,
    /// `[server.limits]`.
    pub limits: Limits,
}

/// `[server.tls]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those above it, as PEM.
    pub cert: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
}

/// `[agent.NAME]`: who answers.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The name that visitors see. Default: the `NAME` of the section.
    pub name: String,
    /// A picture of the agent: an http(s) URL.
    pub avatar_url: Option<String>,
    /// Shown above the first message.
    pub greeting: Option<String>,
    /// Questions to start with, at most four.
    pub suggestions: Vec<String>,
    /// What is behind it.
    pub provider: Provider,
    /// `[agent.NAME.webhook]`: how its provider signs what it tells of its own
    /// accord; nothing is taken from there without it.
    pub webhook: Option<Incoming>,
}

/// What is behind an agent, with the fields that this provider needs.
#[derive(Debug, Clone)]
pub enum Provider {
    /// `provider = "docs"`: a folder of Markdown.
    Docs(DocsConfig),
    /// `provider = "chatsby"`: agents at Chatsby.
    Chatsby(Box<Hosted>),
    /// `provider = "chatbotkit"`: bots at ChatBotKit.
    ChatBotKit(Box<ChatBotKitConfig>),
    /// `provider = "openai-chat"`: Chat Completions, of OpenAI and many others.
    OpenAiChat(Box<Hosted>),
    /// `provider = "openai-responses"`: Responses, of OpenAI and some others.
    OpenAiResponses(Box<Hosted>),
    /// `provider = "ai-sdk"`: any endpoint that speaks the UI message stream.
    AiSdk(Box<Hosted>),
    /// `provider = "chatbase-v2"`: agents at Chatbase.
    ChatbaseV2(Box<Hosted>),
    /// `provider = "chatbase-v1"`: the older interface of Chatbase.
    ChatbaseV1(Box<ChatbaseV1Config>),
}

/// The keys that mean something to a provider, of those that an agent of the
/// API can choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key that is there or not, whatever the others are"
)]
pub struct Takes {
    /// `model`.
    pub model: bool,
    /// `system_prompt`.
    pub system_prompt: bool,
    /// `agent_id`.
    pub agent_id: bool,
    /// Passages of sources with a question.
    pub knowledge: bool,
}

/// The fields of `provider = "docs"`.
#[derive(Debug, Clone)]
pub struct DocsConfig {
    /// The folder to answer from.
    pub path: PathBuf,
}

/// What the command line decides over the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--addr`.
    pub addr: Option<SocketAddr>,
    /// `--docs`: the folder of every docs agent, relative to the working directory.
    pub docs: Option<PathBuf>,
}

impl Config {
    /// Reads `file`, or takes the defaults where there is none.
    ///
    /// Secrets come from this process's environment and from files.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let environment = |name: &str| std::env::var(name).ok();
        if let Some(file) = file {
            let text =
                std::fs::read_to_string(file).map_err(|error| ConfigError::unreadable(file, &error))?;
            return read::config(file, &text, &environment, overrides);
        }
        let config = Self::demo(overrides);
        for agent in config.agents.values() {
            let Provider::Docs(docs) = &agent.provider else { continue };
            if !docs.path.is_dir() {
                let folder = docs.path.display();
                let message = format!("there is no folder {folder}: name the folder to answer from");
                return Err(ConfigError::option("--docs", message));
            }
        }
        Ok(config)
    }

    /// Reads a configuration from text, as if it stood in `file`. `environment`
    /// looks up a variable by name.
    pub fn parse(
        file: &Path,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        read::config(file, text, environment, overrides)
    }

    /// The relay with no file: one site that is the relay's own page, and an
    /// agent that answers from `docs`.
    pub fn demo(overrides: &Overrides) -> Self {
        let mut config = Self {
            server: Server {
                addr: overrides.addr.unwrap_or(DEFAULT_ADDR),
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
            },
            sites: Site::demo().into_iter().collect(),
            agents: BTreeMap::from([("docs".to_owned(), demo_agent(overrides))]),
        };
        config.bound_to(config.server.addr);
        config
    }

    /// Takes over the address that was really bound: port 0 became a number. The
    /// origins of the demo site move with it.
    pub fn bound_to(&mut self, addr: SocketAddr) {
        self.server.addr = addr;
        let own = self.own_origins();
        for site in self.sites.iter_mut().filter(|site| site.follows_address) {
            site.origins.clone_from(&own);
        }
    }

    /// The origins under which visitors reach this relay, the best to print
    /// first: `server.public_url` if it is set, else the address. A
    /// loopback or wildcard address is reached as 127.0.0.1 and as localhost.
    pub fn own_origins(&self) -> Vec<Origin> {
        if let Some(public) = &self.server.public_url {
            return vec![public.clone()];
        }
        let port = self.server.addr.port();
        let ip = self.server.addr.ip();
        let at = |host: &str| Origin::at(self.scheme(), host, port);
        if ip.is_unspecified() || ip == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            vec![at("127.0.0.1"), at("localhost")]
        } else if ip == IpAddr::V6(Ipv6Addr::LOCALHOST) {
            vec![at("[::1]"), at("localhost")]
        } else {
            vec![match ip {
                IpAddr::V4(ip) => at(&ip.to_string()),
                IpAddr::V6(ip) => at(&format!("[{ip}]")),
            }]
        }
    }

    /// What the relay itself speaks: `http`, or `https` with `[server.tls]`.
    pub fn scheme(&self) -> &'static str {
        if self.server.tls.is_some() { "https" } else { "http" }
    }

    /// The site of that key.
    pub fn site(&self, key: &SiteKey) -> Option<&Site> {
        self.sites.iter().find(|site| site.key == *key)
    }

    /// Whether any site's pages, or the relay's own, live at the origin of an
    /// `Origin` header.
    pub fn is_known_origin(&self, header: &str) -> bool {
        self.sites.iter().any(|site| site.allows(header))
            || self.own_origins().iter().any(|own| own.is(header))
    }
}

impl Provider {
    /// Every name that `provider` may have.
    pub const NAMES: &[&str] = &[
        "docs",
        "chatbase-v2",
        "chatbase-v1",
        "chatsby",
        "chatbotkit",
        "openai-chat",
        "openai-responses",
        "ai-sdk",
    ];

    /// What is sent over HTTP, and where; none for the docs agent.
    pub fn hosted(&self) -> Option<&Hosted> {
        Some(match self {
            Self::Docs(_) => return None,
            Self::ChatBotKit(config) => &config.hosted,
            Self::ChatbaseV1(config) => &config.hosted,
            Self::Chatsby(hosted)
            | Self::OpenAiChat(hosted)
            | Self::OpenAiResponses(hosted)
            | Self::AiSdk(hosted)
            | Self::ChatbaseV2(hosted) => hosted,
        })
    }

    /// The same, to be changed.
    pub fn hosted_mut(&mut self) -> Option<&mut Hosted> {
        Some(match self {
            Self::Docs(_) => return None,
            Self::ChatBotKit(config) => &mut config.hosted,
            Self::ChatbaseV1(config) => &mut config.hosted,
            Self::Chatsby(hosted)
            | Self::OpenAiChat(hosted)
            | Self::OpenAiResponses(hosted)
            | Self::AiSdk(hosted)
            | Self::ChatbaseV2(hosted) => hosted,
        })
    }

    /// What an agent of the API may choose anew of it.
    pub fn takes(&self) -> Takes {
        match self {
            Self::Docs(_) | Self::AiSdk(_) => Takes { knowledge: true, ..Takes::default() },
            Self::Chatsby(_) | Self::ChatbaseV2(_) => Takes { agent_id: true, ..Takes::default() },
            Self::ChatbaseV1(_) => Takes { agent_id: true, model: true, ..Takes::default() },
            // A bot brings its own model and prompt.
            Self::ChatBotKit(config) if config.hosted.agent_id.is_some() => {
                Takes { agent_id: true, ..Takes::default() }
            }
            Self::ChatBotKit(_) => Takes { model: true, system_prompt: true, ..Takes::default() },
            Self::OpenAiChat(_) | Self::OpenAiResponses(_) => {
                Takes { model: true, system_prompt: true, knowledge: true, ..Takes::default() }
            }
        }
    }

    /// The name in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Docs(_) => "docs",
            Self::ChatbaseV2(_) => "chatbase-v2",
            Self::ChatbaseV1(_) => "chatbase-v1",
            Self::Chatsby(_) => "chatsby",
            Self::ChatBotKit(_) => "chatbotkit",
            Self::OpenAiChat(_) => "openai-chat",
            Self::OpenAiResponses(_) => "openai-responses",
            Self::AiSdk(_) => "ai-sdk",
        }
    }
}

fn demo_agent(overrides: &Overrides) -> Agent {
    // The questions are about Chinwag's own documents: over another folder they
    // would only show that nothing is found.
    let questions = match overrides.docs {
        Some(_) => &[][..],
        None => &[
            "How do I change the accent colour?",
            "How do I embed the bubble in my page?",
            "Where do the provider keys live?",
        ],
    };
    Agent {
        name: "Docs".to_owned(),
        avatar_url: None,
        greeting: Some("Hello. Ask me anything that these documents answer.".to_owned()),
        suggestions: questions.iter().map(|&question| question.to_owned()).collect(),
        provider: Provider::Docs(DocsConfig {
            path: overrides.docs.clone().unwrap_or_else(|| PathBuf::from("docs")),
        }),
        webhook: None,
    }
}
