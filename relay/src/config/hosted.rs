//! The keys that every provider over HTTP shares, with one name each. Which of
//! them a provider has is a table; a key that would do nothing is refused.

use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::{Host, Url};

use super::Secret;
use super::document::Section;
use super::read::Reader;

/// What is sent to a provider over HTTP, and where.
#[derive(Clone)]
pub struct Hosted {
    /// Where paths are appended to; for `ai-sdk` the endpoint itself.
    pub base_url: Url,
    /// Goes out as `Authorization: Bearer`.
    pub api_key: Option<Secret>,
    /// The agent, chatbot or bot, as the provider names it.
    pub agent_id: Option<String>,
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// What the model is told before the transcript.
    pub system_prompt: Option<String>,
    /// 0 to 2; the provider's default if it is not set.
    pub temperature: Option<f64>,
    /// Longest reply in tokens; the provider's default if it is not set.
    pub max_tokens: Option<u32>,
    /// Whether visitors may send files, which the provider is then given.
    pub attachments: bool,
    /// Further headers of every request. Their values are treated as secrets.
    pub headers: HeaderMap,
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted")
            .field("base_url", &self.base_url.as_str())
            .field("api_key", &self.api_key)
            .field("agent_id", &self.agent_id)
            .field("model", &self.model)
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Whether a provider has a key, and whether it can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It must be there.
    Required,
    /// It must be there unless `base_url` leads elsewhere: a server of one's own
    /// may need none.
    AtDefault,
    /// It may be there.
    Optional,
    /// It would do nothing, and is refused.
    Absent,
}

/// The keys of one provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Where it is reached if the file does not say; none if the file must.
    pub(super) base_url: Option<&'static str>,
    pub(super) api_key: Need,
    /// How a key that belongs to this provider begins; any if empty.
    pub(super) key_prefixes: &'static [&'static str],
    pub(super) agent_id: Need,
    pub(super) model: Need,
    pub(super) system_prompt: Need,
    pub(super) temperature: Need,
    pub(super) max_tokens: Need,
    pub(super) attachments: Need,
}

/// Longest `system_prompt`, in characters: it is paid for with every turn.
const MAX_PROMPT_CHARS: usize = 32_000;

/// Longest `agent_id` or `model`, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// Headers that the relay writes itself.
const OWN_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "te",
    "transfer-encoding",
    "upgrade",
];

impl Reader<'_> {
    /// The shared keys, as far as `shape` allows them.
    pub(super) fn hosted(&self, section: &mut Section<'_>, shape: &Shape) -> Option<Box<Hosted>> {
        let base_url = match (section.take("base_url"), shape.base_url) {
            (Some(field), _) => Some(field.parsed(parse_base_url)),
            (None, Some(default)) => Some(parse_base_url(default).ok()),
            (None, None) => {
                section.complain("base_url", "this key is missing: the URL of the endpoint".to_owned());
                Some(None)
            }
        }
        .flatten();
        let is_default = match (&base_url, shape.base_url) {
            (Some(url), Some(default)) => {
                parse_base_url(default).is_ok_and(|default| default.host() == url.host())
            }
            _ => false,
        };
        let api_key = self.api_key(section, shape, is_default);
        let agent_id = name(section, "agent_id", shape.agent_id);
        let model = name(section, "model", shape.model);
        let system_prompt = text(section, shape.system_prompt);
        let temperature = if shape.temperature == Need::Absent {
            Some(None)
        } else {
            section.take("temperature").map_or(Some(None), |field| field.number(0.0..=2.0).map(Some))
        };
        let max_tokens = if shape.max_tokens == Need::Absent {
            Some(None)
        } else {
            section.take("max_tokens").map_or(Some(None), |field| field.count().map(Some))
        };
        let attachments = if shape.attachments == Need::Absent {
            Some(false)
        } else {
            section.take("attachments").map_or(Some(false), |field| field.flag())
        };
        let headers = self.headers(section);
        // Everything has been looked at: all faults of the section are told.
        Some(Box::new(Hosted {
            base_url: base_url?,
            api_key: api_key?,
            agent_id: agent_id?,
            model: model?,
            system_prompt: system_prompt?,
            temperature: temperature?,
            max_tokens: max_tokens?,
            attachments: attachments?,
            headers: headers?,
        }))
    }

    #[expect(clippy::option_option, reason = "a fault and an absence are two things")]
    fn api_key(&self, section: &mut Section<'_>, shape: &Shape, is_default: bool) -> Option<Option<Secret>> {
        if shape.api_key == Need::Absent {
            return Some(None);
        }
        let Some(field) = section.take("api_key") else {
            let is_missing =
                shape.api_key == Need::Required || (shape.api_key == Need::AtDefault && is_default);
            if is_missing {
                let message = "this key is missing: { env = \"NAME\" } or { file = \"PATH\" }";
                section.complain("api_key", message.to_owned());
                return None;
            }
            return Some(None);
        };
        let place = field.place();
        let secret = self.secret(field)?;
        let key = secret.expose().trim();
        if HeaderValue::from_str(key).is_err() || key.contains(char::is_whitespace) || key.is_empty() {
            place.complain("the key is not one word of printable ASCII; is it the right one?".to_owned());
            return None;
        }
        // A gateway or a simulator at another address has keys of its own.
        let fits = !is_default
            || shape.key_prefixes.is_empty()
            || shape.key_prefixes.iter().any(|prefix| key.starts_with(prefix));
        if !fits {
            let known = shape.key_prefixes.join(" or ");
            place.complain(format!("a key of this provider starts with {known}; this one does not"));
            return None;
        }
        Some(Some(Secret::new(key.to_owned())))
    }

    /// Names to texts, or to secrets in one of their two forms.
    fn headers(&self, section: &mut Section<'_>) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        let Some(section) = section.section("headers") else { return Some(headers) };
        let mut is_whole = true;
        for (name, field) in section.drain() {
            let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
                field.complain(format!("{name:?} is not the name of a header"));
                is_whole = false;
                continue;
            };
            if OWN_HEADERS.contains(&header.as_str()) {
                field.complain("the relay writes this header itself".to_owned());
                is_whole = false;
                continue;
            }
            let place = field.place();
            let value = if field.is_section() {
                self.secret(field).map(|secret| secret.expose().to_owned())
            } else {
                field.string()
            };
            match value.map(|value| HeaderValue::from_str(&value)) {
                Some(Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(header, value);
                }
                Some(Err(_)) => {
                    place.complain("the value of a header is printable ASCII".to_owned());
                    is_whole = false;
                }
                None => is_whole = false,
            }
        }
        is_whole.then_some(headers)
    }
}

/// A short name. The outer `None` is a fault that has been told.
#[expect(clippy::option_option, reason = "a fault and an absence are two things")]
fn name(section: &mut Section<'_>, key: &'static str, need: Need) -> Option<Option<String>> {
    if need == Need::Absent {
        return Some(None);
    }
    let Some(field) = section.take(key) else {
        if need == Need::Required {
            section.complain(key, "this key is missing".to_owned());
            return None;
        }
        return Some(None);
    };
    let text = field.string()?;
    let is_fit = !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.contains(char::is_control);
    if !is_fit {
        field.complain(format!("expected 1 to {MAX_NAME_BYTES} characters, as the provider writes it"));
        return None;
    }
    Some(Some(text))
}

#[expect(clippy::option_option, reason = "a fault and an absence are two things")]
fn text(section: &mut Section<'_>, need: Need) -> Option<Option<String>> {
    if need == Need::Absent {
        return Some(None);
    }
    let Some(field) = section.take("system_prompt") else { return Some(None) };
    let text = field.string()?;
    if text.chars().count() > MAX_PROMPT_CHARS {
        field.complain(format!("a system prompt is at most {MAX_PROMPT_CHARS} characters"));
        return None;
    }
    Some(Some(text).filter(|text| !text.trim().is_empty()))
}

/// Reads where a provider is: https, or http on a loopback or private address,
/// so that no key crosses a network in the clear.
pub(super) fn parse_base_url(text: &str) -> Result<Url, &'static str> {
    const FORM: &str = "a URL such as \"https://api.example.com/v1\" is expected, without ?, # and user";
    let url = Url::parse(text).map_err(|_| FORM)?;
    let is_plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return Err(FORM);
    }
    if url.scheme() == "http" && !is_near(&url) {
        return Err("plain http is allowed for localhost and private IP addresses only: a key is sent there");
    }
    Ok(url)
}

fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => is_private(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_private(IpAddr::V6(ip).to_canonical()),
        None => false,
    }
}

/// Loopback, the private blocks of RFC 1918, and unique local addresses. Not
/// link-local ones: cloud machines answer there with their own credentials.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(section: &str) -> Result<Hosted, String> {
        let text = format!(
            "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"a\"\n\n[agent.a]\nprovider = \"openai-chat\"\n{section}"
        );
        let environment = |name: &str| match name {
            "KEY" => Some("sk-very-secret\n".to_owned()),
            "TWO_WORDS" => Some("not a-key".to_owned()),
            _ => None,
        };
        let file = std::path::Path::new("chinwag.toml");
        let config =
            crate::config::Config::parse(file, &text, &environment, &crate::config::Overrides::default())
                .map_err(|error| error.to_string())?;
        match &config.agents["a"].provider {
            crate::config::Provider::OpenAiChat(settings) => Ok((**settings).clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_shared_keys_are_read_and_secrets_do_not_show() {
        let settings = read(
            "model = \"m\"\napi_key = { env = \"KEY\" }\ntemperature = 1\nmax_tokens = 50\nsystem_prompt = \"Hi\"\n\
             headers = { X-Team = \"a-secret-team\" }\n",
        )
        .unwrap();
        assert_eq!(settings.base_url.as_str(), "https://api.openai.com/v1");
        assert_eq!(settings.api_key.as_ref().unwrap().expose(), "sk-very-secret");
        assert_eq!((settings.temperature, settings.max_tokens), (Some(1.0), Some(50)));
        assert!(settings.headers["x-team"].is_sensitive());
        assert!(!format!("{settings:?}").contains("secret-"), "{settings:?}");
    }

    #[test]
    fn every_fault_names_file_line_and_key_and_what_is_allowed() {
        for (section, place, reason) in [
            ("model = \"m\"\n", ":6: agent.a.api_key:", "this key is missing"),
            ("api_key = { env = \"KEY\" }\n", ":6: agent.a.model:", "this key is missing"),
            ("model = \"m\"\napi_key = \"sk-1\"\n", ":9: agent.a.api_key:", "a secret is never written"),
            ("model = \"m\"\napi_key = { env = \"TWO_WORDS\" }\n", ":9: agent.a.api_key:", "not one word"),
            ("model = \"m\"\nbase_url = \"http://api.example.com\"\n", ":9: agent.a.base_url:", "plain http"),
            ("model = \"m\"\ntemperature = 2.5\n", ":9: agent.a.temperature:", "a number from 0 to 2"),
            ("model = \"m\"\nmax_tokens = 0\n", ":9: agent.a.max_tokens:", "1 or more"),
            (
                "model = \"m\"\nheaders = { Authorization = \"x\" }\n",
                ":9: agent.a.headers.Authorization:",
                "itself",
            ),
            (
                "model = \"m\"\nheaders = { \"a b\" = \"x\" }\n",
                ":9: agent.a.headers.a b:",
                "not the name of a header",
            ),
            (
                "model = \"m\"\napi_key = { env = \"KEY\" }\nagent_id = \"x\"\n",
                ":10: agent.a.agent_id:",
                "unknown key",
            ),
            (
                "model = \"m\"\napi_key = { env = \"KEY\" }\nmodle = \"x\"\n",
                ":10: agent.a.modle:",
                "did you mean \"model\"?",
            ),
        ] {
            let told = read(section).unwrap_err();
            assert!(
                told.contains(&format!("chinwag.toml{place}")) && told.contains(reason),
                "{section}\n{told}"
            );
            assert!(!told.contains("sk-") && !told.contains("not a-key"), "{told}");
        }
        let unknown = read("model = \"m\"\napi_key = { env = \"KEY\" }\nagent_id = \"x\"\n").unwrap_err();
        assert!(unknown.contains("system_prompt") && unknown.contains("max_tokens"), "{unknown}");
    }

    #[test]
    fn a_server_of_ones_own_needs_no_key() {
        let settings = read("model = \"m\"\nbase_url = \"http://127.0.0.1:11434/v1\"\n").unwrap();
        assert!(settings.api_key.is_none());
    }

    #[test]
    fn plain_http_stays_on_loopback_and_private_addresses() {
        for good in [
            "https://api.example.com/v1",
            "http://localhost:11434/v1",
            "http://127.0.0.1:8000",
            "http://10.1.2.3/v1",
            "http://192.168.0.9",
            "http://172.31.0.1",
            "http://[::1]:80",
            "http://[fd00::1]/v1",
        ] {
            assert!(parse_base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.example.com/v1",
            "http://8.8.8.8",
            "http://169.254.169.254/latest",
            "http://172.32.0.1",
            "http://[fe80::1]",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
            "https://user:secret@api.example.com",
            "https://api.example.com/?key=1",
            "api.example.com",
            "",
        ] {
            assert!(parse_base_url(bad).is_err(), "{bad}");
        }
    }
}
