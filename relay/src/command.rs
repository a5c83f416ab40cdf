//! Commands on the data folder: devices, keys, revocations, what is kept of a
//! visitor. A relay that runs on the same folder follows within five seconds.

use std::io::{self, Write};

use chinwag_protocol::SiteKey;
use chinwag_relay::app::{BuildError, open_data};
use chinwag_relay::config::{Config, Devices};
use chinwag_relay::console::{self, ApiKeys, ConsoleError};
use chinwag_relay::store::{Owner, Store, StoreError};
use chinwag_relay::token::{DeviceKey, KeyError, SigningKey, UserError, UserId};
use clap::{Args, Subcommand};

/// `chinwag-relay device ...`
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Makes a key for a kiosk, and prints it: once, for it is not kept.
    New {
        /// The site's public key.
        #[arg(value_parser = parse_site)]
        site: SiteKey,
        /// What to call the device.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Lists the devices, those that were revoked included.
    List,
    /// Ends a device's key and every token that was got with it.
    Revoke {
        /// The device's id, as `list` shows it.
        id: String,
    },
}

/// `chinwag-relay key ...`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a new signing key. What the old one signed stays good until it runs out.
    Rotate {
        /// Accepts nothing of the old key any more: somebody else has it.
        /// Visitors lose their way to earlier conversations.
        #[arg(long)]
        compromised: bool,
    },
    /// Lists the signing key and those that it followed.
    List {
        /// The keys of the API in their place; never their text.
        #[arg(long)]
        api: bool,
        /// As JSON, one array.
        #[arg(long, requires = "api")]
        json: bool,
    },
    /// Makes a key of the API and prints it: once, for it is not kept.
    New {
        /// What the key is for.
        #[arg(long)]
        name: String,
        /// A key that sees and makes test data only.
        #[arg(long)]
        test: bool,
    },
    /// Takes a key of the API back, at once.
    Revoke {
        /// Its id, as `list --api` shows it.
        id: String,
    },
}

/// `chinwag-relay revoke ...`
#[derive(Debug, Subcommand)]
pub(crate) enum RevokeCommand {
    /// Every token of a site. Visitors without an identity lose their way to
    /// earlier conversations.
    Site {
        /// The site's public key.
        #[arg(value_parser = parse_site)]
        site: SiteKey,
    },
    /// Every token of a visitor; the conversations stay.
    Visitor(Visitor),
    /// Every token of one browser, by the `sid` of any of them.
    Session {
        /// The `sid`.
        id: String,
    },
    /// One access token.
    Token {
        /// Its `jti`.
        id: String,
    },
}

/// `chinwag-relay visitor ...`
#[derive(Debug, Subcommand)]
pub(crate) enum VisitorCommand {
    /// Prints all that is kept of a visitor, as JSON.
    Export(Visitor),
    /// Removes all that is kept of a visitor, and ends their tokens.
    Delete(Visitor),
}

/// Which visitor.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Visitor {
    /// The site's public key.
    #[arg(long, value_parser = parse_site)]
    site: SiteKey,
    #[command(flatten)]
    id: VisitorId,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct VisitorId {
    /// The visitor as the relay names them: `sub` in their tokens.
    #[arg(long, value_name = "ID")]
    visitor: Option<String>,
    /// The user as the site names them: `sub` in their identities.
    #[arg(long, value_name = "ID", value_parser = parse_user)]
    user: Option<UserId>,
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Console(#[from] ConsoleError),
    #[error("the configuration has no site {0}; there are: {1}")]
    Site(SiteKey, String),
    #[error("there is no device {0} whose key could be revoked: see chinwag-relay device list")]
    Device(String),
    #[error("nothing is kept of this visitor")]
    Nobody,
    #[error("the export cannot be written: {0}")]
    Export(#[from] serde_json::Error),
    #[error("the answer cannot be written: {0}")]
    Output(#[from] io::Error),
}

pub(crate) async fn device(config: &Config, command: &DeviceCommand) -> Result<(), CommandError> {
    let store = open_data(config).await?;
    match command {
        DeviceCommand::New { site, name } => {
            let devices = known_site(config, site)?.devices;
            let key = DeviceKey::generate()?;
            store.add_device(site, name, &key).await?;
            // The key alone on standard output, so that a script can keep it.
            let mut hint = io::stderr();
            writeln!(hint, "Device {} of {site}. Its key is shown this once:", key.id())?;
            writeln!(io::stdout(), "{}", key.expose())?;
            if devices == Devices::None {
                writeln!(hint, "The site takes no device keys yet: set devices = true in its [[site]].")?;
            }
        }
        DeviceCommand::List => {
            let mut out = io::stdout();
            for device in store.devices().await? {
                let seen = device.seen_at.as_deref().unwrap_or("never");
                let state = device.revoked_at.map_or("active".to_owned(), |at| format!("revoked {at}"));
                let (id, site, made, name) = (device.id, device.site, device.created_at, device.name);
                writeln!(out, "{id}  {site}  made {made}  seen {seen}  {state}  {name}")?;
            }
        }
        DeviceCommand::Revoke { id } => match store.revoke_device(id).await {
            Ok(()) => writeln!(io::stdout(), "The key of device {id} is worthless from now on.")?,
            Err(StoreError::Missing) => return Err(CommandError::Device(id.clone())),
            Err(error) => return Err(error.into()),
        },
    }
    store.close().await;
    Ok(())
}

pub(crate) async fn key(config: &Config, command: &KeyCommand) -> Result<(), CommandError> {
    let of_api = match command {
        KeyCommand::New { name, test } => Some(ApiKeys::New { name: name.clone(), is_test: *test }),
        KeyCommand::Revoke { id } => Some(ApiKeys::Revoke { id: id.clone() }),
        KeyCommand::List { api: true, json } => Some(ApiKeys::List { is_json: *json }),
        KeyCommand::List { .. } | KeyCommand::Rotate { .. } => None,
    };
    if let Some(of_api) = of_api {
        return Ok(console::keys(config, &of_api, &mut io::stdout()).await?);
    }
    if config.server.signing_key.is_some() {
        return Err(KeyError::Configured.into());
    }
    let store = open_data(config).await?;
    let folder = &config.server.data_dir;
    let current = SigningKey::load_or_generate(folder)?;
    let mut out = io::stdout();
    match command {
        KeyCommand::Rotate { compromised } => {
            // In this order: whatever is cut off in between, no good token is
            // refused, and with --compromised none is accepted.
            if *compromised {
                store.forget_retired_keys().await?;
            } else {
                store.retire_key(current.kid(), current.public().bytes()).await?;
            }
            let new = SigningKey::replace(folder)?;
            writeln!(out, "{} signs from now on, in the place of {}.", new.kid(), current.kid())?;
        }
        KeyCommand::New { .. } | KeyCommand::Revoke { .. } => {}
        KeyCommand::List { .. } => {
            writeln!(out, "{}  signs", current.kid())?;
            for key in store.retired_keys().await? {
                writeln!(out, "{}  retired, and accepted for what it signed", key.kid)?;
            }
        }
    }
    store.close().await;
    Ok(())
}

pub(crate) async fn revoke(config: &Config, command: &RevokeCommand) -> Result<(), CommandError> {
    let store = open_data(config).await?;
    let mut out = io::stdout();
    match command {
        RevokeCommand::Site { site } => {
            known_site(config, site)?;
            let version = store.raise_version(site).await?;
            writeln!(
                out,
                "The tokens of {site} are worthless from now on; new ones have version {version}."
            )?;
        }
        RevokeCommand::Visitor(visitor) => {
            let owner = owner(&store, visitor).await?;
            store.revoke_visitor(&owner).await?;
            writeln!(out, "The tokens of {} are worthless from now on.", owner.visitor)?;
        }
        RevokeCommand::Session { id } => {
            store.revoke_session(id).await?;
            writeln!(out, "The tokens of session {id} are worthless from now on.")?;
        }
        RevokeCommand::Token { id } => {
            store.revoke_token(id).await?;
            writeln!(out, "The token {id} is worthless from now on.")?;
        }
    }
    store.close().await;
    Ok(())
}

pub(crate) async fn visitor(config: &Config, command: &VisitorCommand) -> Result<(), CommandError> {
    let store = open_data(config).await?;
    let mut out = io::stdout();
    match command {
        VisitorCommand::Export(visitor) => {
            let export = store.export_visitor(&owner(&store, visitor).await?).await?;
            if export.created_at.is_none() {
                return Err(CommandError::Nobody);
            }
            writeln!(out, "{}", serde_json::to_string_pretty(&export)?)?;
        }
        VisitorCommand::Delete(visitor) => {
            let owner = owner(&store, visitor).await?;
            if !store.erase_visitor(&owner).await? {
                return Err(CommandError::Nobody);
            }
            writeln!(out, "Nothing is kept of {} any more.", owner.visitor)?;
        }
    }
    store.close().await;
    Ok(())
}

/// A site that was taken out of the configuration still has visitors.
async fn owner(store: &Store, visitor: &Visitor) -> Result<Owner, CommandError> {
    Ok(match (&visitor.id.user, &visitor.id.visitor) {
        (Some(user), _) => store.naming_key().await?.owner(&visitor.site, user),
        (None, id) => Owner { site: visitor.site.clone(), visitor: id.clone().unwrap_or_default() },
    })
}

fn known_site<'c>(
    config: &'c Config,
    site: &SiteKey,
) -> Result<&'c chinwag_relay::config::Site, CommandError> {
    config.site(site).ok_or_else(|| {
        let known: Vec<&str> = config.sites.iter().map(|site| site.key.as_str()).collect();
        CommandError::Site(site.clone(), known.join(", "))
    })
}

fn parse_site(text: &str) -> Result<SiteKey, String> {
    SiteKey::parse(text).map_err(|error| error.to_string())
}

fn parse_user(text: &str) -> Result<UserId, UserError> {
    UserId::parse(text)
}
