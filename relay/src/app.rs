//! What the handlers share: configuration, store, keys, agents, replies, limits;
//! and what happens beside them: forgetting, and hearing of revocations.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag_protocol::{AgentCard, SiteKey};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Config;
use crate::edge::Shutdown;
use crate::generation::Generations;
use crate::handover::Handovers;
use crate::incoming;
use crate::knowledge::Knowledge;
use crate::limit::Limits;
use crate::manage::LiveAgents;
use crate::metrics::{API_AGENT, Metrics};
use crate::outward::Outward;
use crate::store::{Owner, Retention, Store, StoreError};
use crate::token::{IdentityKeys, KeyError, Keyring, NamingKey, SigningKey};
use crate::upstream::docs::DocsAgent;
use crate::upstream::{self, Upstream};
use crate::webhook::Postman;

/// The database's name in `data_dir`.
const DATABASE: &str = "chinwag.db";

/// How often old logs and idle budgets are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// How often the relay looks for revocations and new keys: they are to work
/// within 5 s.
const LISTEN_EVERY: Duration = Duration::from_secs(2);

/// How often conversations are looked through for old ones.
const EXPIRE_EVERY: Duration = Duration::from_hours(1);

/// How far back revocations matter to access tokens: none of those is older.
const REVOCATIONS: Duration = Duration::from_hours(2);

/// Why the relay does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// `data_dir` cannot be made.
    #[error("server.data_dir {path}: {error}", path = path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is no key to sign tokens with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Addresses that callers name cannot be called.
    #[error("no client for webhooks and websites: {0}")]
    Outward(String),
    /// An agent cannot be set up.
    #[error(transparent)]
    Upstream(#[from] upstream::BuildError),
}

/// The relay without its sockets. Clones share it.
#[derive(Debug, Clone)]
pub struct App {
    shared: Arc<Shared>,
}

/// An agent that can be asked, as visitors see it.
#[derive(Debug, Clone)]
pub struct AgentInUse {
    /// What answers.
    pub upstream: Arc<dyn Upstream>,
    /// What is told of it.
    pub card: AgentCard,
    /// Whether its provider tells of its own accord what a person writes.
    pub is_told: bool,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    store: Store,
    keyring: Keyring,
    naming_key: NamingKey,
    identity_keys: BTreeMap<SiteKey, IdentityKeys>,
    /// Held while revocations change, so that none is read just before it is
    /// written, and forgotten.
    revoking: tokio::sync::Mutex<()>,
    agents: BTreeMap<String, Arc<dyn Upstream>>,
    docs: BTreeMap<String, Arc<DocsAgent>>,
    live: LiveAgents,
    knowledge: Knowledge,
    outward: Outward,
    postman: Postman,
    generations: Generations,
    handovers: Handovers,
    limits: Limits,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl App {
    /// Sets up everything that a configuration names: keys, database, agents.
    /// Replies that an earlier process left unfinished are marked interrupted.
    ///
    /// It needs the tokio runtime that will serve.
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let mut agents: BTreeMap<String, Arc<dyn Upstream>> = BTreeMap::new();
        let mut docs = BTreeMap::new();
        for (name, agent) in &config.agents {
            let built = upstream::build(name, &agent.provider, &config.server.limits)?;
            agents.insert(name.clone(), built.upstream);
            if let Some(agent) = built.docs {
                docs.insert(name.clone(), agent);
            }
        }
        Self::assemble(config, agents, docs).await
    }

    /// The same with agents of the caller's own, by the names of
    /// [`Config::agents`]: for tests, and for whoever embeds the relay.
    pub async fn with_upstreams(
        config: Config,
        agents: BTreeMap<String, Arc<dyn Upstream>>,
    ) -> Result<Self, BuildError> {
        Self::assemble(config, agents, BTreeMap::new()).await
    }

    async fn assemble(
        config: Config,
        agents: BTreeMap<String, Arc<dyn Upstream>>,
        docs: BTreeMap<String, Arc<DocsAgent>>,
    ) -> Result<Self, BuildError> {
        let store = open_data(&config).await?;
        let folder = &config.server.data_dir;
        let signing = match &config.server.signing_key {
            Some(secret) => SigningKey::from_pem(secret.expose())?,
            None => SigningKey::load_or_generate(folder)?,
        };
        let keyring = Keyring::with_accepted(signing, config.server.accepted_keys.clone())?;
        let naming_key = store.naming_key().await?;
        let identity_keys = config.sites.iter().map(|site| {
            let secrets = site.identity_secrets.iter().map(|(kid, secret)| (kid.as_str(), secret.expose()));
            (site.key.clone(), IdentityKeys::new(&site.key, secrets))
        });
        let leftovers = store.interrupt_leftovers().await?;
        if leftovers > 0 {
            tracing::warn!(replies = leftovers, "replies were cut off when the relay last ended");
        }
        let limits = config.server.limits.clone();
        let metrics = Metrics::new();
        let knowledge = Knowledge::new(store.clone(), &config);
        let outward = Outward::new(&config.server.private_targets, limits.connect_timeout)
            .map_err(|error| BuildError::Outward(error.to_string()))?;
        let postman = Postman::new(store.clone(), outward.clone(), limits.webhook_retry);
        let shared = Arc::new(Shared {
            generations: Generations::new(store.clone(), limits.clone(), metrics.clone()),
            limits: Limits::new(&limits, metrics.clone()),
            metrics,
            identity_keys: identity_keys.collect(),
            naming_key,
            revoking: tokio::sync::Mutex::default(),
            handovers: Handovers::default(),
            config,
            store,
            keyring,
            agents,
            docs,
            live: LiveAgents::default(),
            knowledge,
            outward,
            postman,
            shutdown: Shutdown::new(),
        });
        // Before the first call: what was revoked while the relay was down is.
        shared.listen().await?;
        tokio::spawn(Shared::keep_house(Arc::downgrade(&shared)));
        tokio::spawn(shared.postman.clone().work(shared.shutdown.clone()));
        tokio::spawn(shared.knowledge.clone().work(shared.shutdown.clone()));
        Ok(Self { shared })
    }

    /// What the operator decided.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Conversations and messages.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The keys of tokens.
    pub fn keyring(&self) -> &Keyring {
        &self.shared.keyring
    }

    /// Turns users of sites into visitors.
    pub fn naming_key(&self) -> &NamingKey {
        &self.shared.naming_key
    }

    /// The secrets that a site signs identities with.
    pub fn identity_keys(&self, site: &SiteKey) -> Option<&IdentityKeys> {
        self.shared.identity_keys.get(site)
    }

    /// Gives what a visitor without a name has said to the user that they turn
    /// out to be. The first is no more.
    pub async fn adopt(&self, from: &Owner, to: &Owner) -> Result<(), StoreError> {
        {
            // Whoever listens meanwhile would stop the replies that move.
            let _revoking = self.shared.revoking.lock().await;
            self.shared.store.adopt(from, to).await?;
            self.shared.generations.adopt(from, to);
        }
        self.shared.listen().await
    }

    /// Removes all that is kept of a visitor, and ends their replies and tokens.
    pub async fn erase_visitor(&self, owner: &Owner) -> Result<(), StoreError> {
        // Twice: a reply that began in between has nowhere to go, and stops.
        self.shared.generations.forget(owner);
        self.shared.store.erase_visitor(owner).await?;
        self.shared.generations.forget(owner);
        self.shared.listen().await
    }

    /// Reads again what has been revoked and which keys hold. The relay does so
    /// every two seconds by itself.
    pub async fn listen(&self) -> Result<(), StoreError> {
        self.shared.listen().await
    }

    /// Removes what is older than the sites allow. The relay does so every hour
    /// by itself, and at the start.
    pub async fn expire(&self) -> Result<(), StoreError> {
        self.shared.expire().await
    }

    /// The agent of that name in the configuration, or of that id in the store.
    /// None if there is none, or if it cannot be set up.
    pub async fn agent(&self, name: &str) -> Result<Option<AgentInUse>, StoreError> {
        let shared = &self.shared;
        if let (Some(upstream), Some(agent)) = (shared.agents.get(name), shared.config.agents.get(name)) {
            let card = AgentCard {
                name: agent.name.clone(),
                avatar_url: agent.avatar_url.clone(),
                greeting: agent.greeting.clone(),
                suggestions: agent.suggestions.clone(),
            };
            let is_told = agent.webhook.is_some();
            return Ok(Some(AgentInUse { upstream: Arc::clone(upstream), card, is_told }));
        }
        let found =
            shared.live.find(&shared.store, &shared.config, &shared.agents, &shared.knowledge, name).await?;
        Ok(found.map(|live| {
            let card =
                AgentCard { name: live.name, avatar_url: None, greeting: None, suggestions: Vec::new() };
            let section = shared.config.agents.get(&live.base);
            let is_told = section.is_some_and(|section| section.webhook.is_some());
            AgentInUse { upstream: live.upstream, card, is_told }
        }))
    }

    /// What an agent is counted as: its name in the configuration, or the one word
    /// for all that the API made.
    pub fn counted_as(&self, name: &str) -> String {
        let is_configured = self.shared.config.agents.contains_key(name);
        if is_configured { name.to_owned() } else { API_AGENT.to_owned() }
    }

    /// The docs agent of that name, whose documents the relay serves.
    pub fn docs(&self, name: &str) -> Option<&Arc<DocsAgent>> {
        self.shared.docs.get(name)
    }

    /// The replies that run, and their logs.
    pub fn generations(&self) -> &Generations {
        &self.shared.generations
    }

    /// What agents answer from.
    pub fn knowledge(&self) -> &Knowledge {
        &self.shared.knowledge
    }

    /// Calls to addresses that callers of the API name.
    pub fn outward(&self) -> &Outward {
        &self.shared.outward
    }

    /// Who takes events to webhooks.
    pub fn postman(&self) -> &Postman {
        &self.shared.postman
    }

    /// The conversations that a person answers.
    pub fn handovers(&self) -> &Handovers {
        &self.shared.handovers
    }

    /// The budgets of callers.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What has been counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// What Prometheus reads: what has been counted, and what is open now.
    pub fn metrics_text(&self) -> String {
        self.shared.metrics.text(self.shared.limits.open_streams(), self.shared.generations.running())
    }

    /// Whether the relay is stopping.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shared.shutdown
    }

    /// Whether every agent can answer.
    pub fn is_ready(&self) -> bool {
        self.shared.agents.values().all(|agent| agent.is_ready())
    }

    /// Begins no more replies, waits up to `grace` for those that run, then ends
    /// the rest with a terminal chunk, and closes the database.
    pub async fn drain(&self, grace: Duration) {
        self.shared.generations.drain(grace).await;
        self.shared.store.close().await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Who trains sources has no other way to hear that nobody is left.
        self.shutdown.begin();
    }
}

/// What is done now and again.
#[derive(Debug, Clone, Copy)]
enum Chore {
    Listen,
    Sweep,
    Expire,
}

impl Shared {
    /// Listens, sweeps and expires for as long as the app is there.
    async fn keep_house(shared: Weak<Self>) {
        let mut listening = interval(LISTEN_EVERY);
        let mut sweeping = interval(SWEEP_EVERY);
        let mut expiring = interval(EXPIRE_EVERY);
        for beat in [&mut listening, &mut sweeping, &mut expiring] {
            // A pause that was missed, because the machine slept, say, is not
            // made up for.
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            let chore = tokio::select! {
                _ = listening.tick() => Chore::Listen,
                _ = sweeping.tick() => Chore::Sweep,
                _ = expiring.tick() => Chore::Expire,
            };
            let Some(shared) = shared.upgrade() else { return };
            let done = match chore {
                Chore::Listen => shared.listen().await,
                Chore::Sweep => {
                    shared.generations.sweep();
                    shared.limits.sweep();
                    shared.store.settle().await
                }
                Chore::Expire => shared.expire().await,
            };
            match done {
                Ok(()) => {}
                // The relay is stopping.
                Err(StoreError::Query(sqlx::Error::PoolClosed)) => return,
                Err(error) => tracing::warn!(%error, ?chore, "housekeeping failed; it is tried again"),
            }
        }
    }

    async fn listen(&self) -> Result<(), StoreError> {
        let _revoking = self.revoking.lock().await;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = since.saturating_sub(REVOCATIONS).as_millis();
        let revoked = self.store.revoked_since(i64::try_from(since).unwrap_or(i64::MAX)).await?;
        let before = self.keyring.revoked();
        if *before != revoked {
            for (owner, at) in &revoked.visitors {
                // A command may have removed what their replies still tell.
                if before.visitors.get(owner) != Some(at) {
                    self.generations.forget(owner);
                }
            }
            self.keyring.set_revoked(revoked);
        }
        self.read_keys().await
    }

    /// Takes over a key that a command has put into the data folder.
    async fn read_keys(&self) -> Result<(), StoreError> {
        let retired = self.store.retired_keys().await?;
        if self.config.server.signing_key.is_some() {
            return Ok(());
        }
        match SigningKey::load_or_generate(&self.config.server.data_dir) {
            Ok(key) => {
                if key.kid() != self.keyring.kid() {
                    tracing::info!(kid = key.kid(), "a new signing key is in use");
                }
                self.keyring.replace_keys(key, &retired);
            }
            Err(error) => tracing::warn!(%error, "the signing key cannot be read again; the old one stays"),
        }
        Ok(())
    }

    async fn expire(&self) -> Result<(), StoreError> {
        let default = self.config.server.retention;
        let sites = self.config.sites.iter();
        let retention = Retention {
            sites: sites.map(|site| (site.key.as_str().to_owned(), site.retention.or(default))).collect(),
            others: default,
        };
        let removed = self.store.expire(&retention).await?;
        if removed > 0 {
            tracing::info!(conversations = removed, "old conversations were removed");
        }
        self.store.tidy_tokens().await?;
        self.store.tidy_deliveries().await?;
        self.store.forget_heard(incoming::MEMORY).await?;
        self.store.settle().await
    }
}

/// Opens the database of the data folder; both are made where they are missing.
/// Commands do so beside a relay that runs.
pub async fn open_data(config: &Config) -> Result<Store, BuildError> {
    let folder = &config.server.data_dir;
    make_private(folder).map_err(|error| BuildError::DataDir { path: folder.clone(), error })?;
    Ok(Store::open(&folder.join(DATABASE)).await?)
}

/// Makes a folder that only its owner may enter: there are conversations in it.
/// One that is there stays as the operator made it.
fn make_private(folder: &std::path::Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
