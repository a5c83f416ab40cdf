//! Agents of the API, set up to answer. A change is live at the next message:
//! each message looks at the version that is kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::paused::Paused;
use crate::config::{Config, Provider};
use crate::knowledge::Knowledge;
use crate::store::{AgentRecord, Store, StoreError};
use crate::upstream::{self, Upstream};

/// What every id of such an agent begins with; no section of a configuration
/// that is used by a site may be named so.
pub const PREFIX: &str = "agent_";

/// Most agents that stay set up; others are set up again when they are asked.
const MAX_BUILT: usize = 1_000;

/// An agent of the API that can be asked.
#[derive(Debug, Clone)]
pub struct LiveAgent {
    /// What answers.
    pub upstream: Arc<dyn Upstream>,
    /// What it is called.
    pub name: String,
    /// The section of the configuration that it stands on.
    pub base: String,
}

/// By id: a version, and what was set up from it.
type Built = HashMap<String, (i64, Arc<dyn Upstream>)>;

/// The agents that are set up, with their versions.
#[derive(Debug, Default)]
pub struct LiveAgents {
    built: Mutex<Built>,
}

impl LiveAgents {
    /// The agent of that id. `sections` are those of the configuration, set up.
    pub async fn find(
        &self,
        store: &Store,
        config: &Config,
        sections: &BTreeMap<String, Arc<dyn Upstream>>,
        knowledge: &Knowledge,
        id: &str,
    ) -> Result<Option<LiveAgent>, StoreError> {
        let Some(record) = store.agent(id).await? else {
            self.lock().remove(id);
            return Ok(None);
        };
        let (name, base) = (record.fields.name.clone(), record.fields.base.clone());
        let known = self.lock().get(id).filter(|(version, _)| *version == record.version).cloned();
        let upstream = if let Some((_, upstream)) = known {
            upstream
        } else {
            let Some(upstream) = build(config, sections, knowledge, &record) else { return Ok(None) };
            let mut built = self.lock();
            if built.len() >= MAX_BUILT {
                built.clear();
            }
            built.insert(id.to_owned(), (record.version, Arc::clone(&upstream)));
            upstream
        };
        Ok(Some(LiveAgent { upstream, name, base }))
    }

    fn lock(&self) -> MutexGuard<'_, Built> {
        // Every change is one call: a panic elsewhere spoils nothing.
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// None if the section that it stands on is not in the configuration any more,
/// or cannot be used with what the agent asks for; the log says which.
fn build(
    config: &Config,
    sections: &BTreeMap<String, Arc<dyn Upstream>>,
    knowledge: &Knowledge,
    record: &AgentRecord,
) -> Option<Arc<dyn Upstream>> {
    let (id, fields) = (record.id.as_str(), &record.fields);
    let Some((section, own)) = config.agents.get(&fields.base).zip(sections.get(&fields.base)) else {
        tracing::error!(agent = id, base = fields.base, "the agent's section is not in the configuration");
        return None;
    };
    if fields.is_paused {
        return Some(Arc::new(Paused(own.features())));
    }
    let mut provider = section.provider.clone();
    if matches!(provider, Provider::Docs(_)) {
        // Its folder is indexed once, and answers where the sources do not.
        return Some(knowledge.inform(id, Arc::clone(own), true));
    }
    // The older interface of Chatbase goes to 1, the others to 2.
    let warmest = if matches!(provider, Provider::ChatbaseV1(_)) { 1.0 } else { 2.0 };
    if let Some(hosted) = provider.hosted_mut() {
        hosted.temperature = Some(fields.temperature.min(warmest));
        hosted.max_tokens = Some(fields.max_tokens);
        hosted.model = fields.model.clone().or(hosted.model.take());
        hosted.system_prompt = fields.system_prompt.clone().or(hosted.system_prompt.take());
        hosted.agent_id = fields.provider_agent_id.clone().or(hosted.agent_id.take());
    }
    match upstream::build(id, &provider, &config.server.limits) {
        Ok(built) if provider.takes().knowledge => Some(knowledge.inform(id, built.upstream, false)),
        Ok(built) => Some(built.upstream),
        Err(error) => {
            tracing::error!(agent = id, %error, "the agent cannot be set up");
            None
        }
    }
}
