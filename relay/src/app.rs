//! What the handlers share: configuration, store, keys, agents, replies, limits.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::edge::Shutdown;
use crate::generation::Generations;
use crate::limit::Limits;
use crate::store::{Store, StoreError};
use crate::token::{KeyError, Keyring, SigningKey};
use crate::upstream::docs::DocsAgent;
use crate::upstream::{self, Upstream};

/// The database's name in `data_dir`.
const DATABASE: &str = "chinwag.db";

/// How often old logs and idle budgets are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

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
    /// An agent cannot be set up.
    #[error(transparent)]
    Upstream(#[from] upstream::BuildError),
}

/// The relay without its sockets. Clones share it.
#[derive(Debug, Clone)]
pub struct App {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    store: Store,
    keyring: Keyring,
    agents: BTreeMap<String, Arc<dyn Upstream>>,
    docs: BTreeMap<String, Arc<DocsAgent>>,
    generations: Generations,
    limits: Limits,
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
        let folder = &config.server.data_dir;
        make_private(folder).map_err(|error| BuildError::DataDir { path: folder.clone(), error })?;
        let signing = match &config.server.signing_key {
            Some(secret) => SigningKey::from_pem(secret.expose())?,
            None => SigningKey::load_or_generate(folder)?,
        };
        let keyring = Keyring::build(signing)?;
        let store = Store::open(&folder.join(DATABASE)).await?;
        let leftovers = store.interrupt_leftovers().await?;
        if leftovers > 0 {
            tracing::warn!(replies = leftovers, "replies were cut off when the relay last ended");
        }
        let limits = config.server.limits.clone();
        let shared = Arc::new(Shared {
            generations: Generations::new(store.clone(), limits.clone()),
            limits: Limits::new(&limits),
            config,
            store,
            keyring,
            agents,
            docs,
            shutdown: Shutdown::new(),
        });
        let swept = Arc::downgrade(&shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(shared) = swept.upgrade() else { return };
                shared.generations.sweep();
                shared.limits.sweep();
            }
        });
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

    /// The agent of that name in the configuration.
    pub fn agent(&self, name: &str) -> Option<&Arc<dyn Upstream>> {
        self.shared.agents.get(name)
    }

    /// The docs agent of that name, whose documents the relay serves.
    pub fn docs(&self, name: &str) -> Option<&Arc<DocsAgent>> {
        self.shared.docs.get(name)
    }

    /// The replies that run, and their logs.
    pub fn generations(&self) -> &Generations {
        &self.shared.generations
    }

    /// The budgets of callers.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
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

/// Makes a folder that only its owner may enter: there are conversations in it.
/// One that is there stays as the operator made it.
fn make_private(folder: &std::path::Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
