//! The settings of the reference server, from its environment.

#![allow(dead_code, reason = "each example uses its part of this file")]

use std::{error::Error, fs, net::SocketAddr, time::Duration};

use oauth_for_mcp::{
    McpAuth, McpAuthBuilder,
    fetch::ReqwestFetch,
    idp::OpenIdProvider,
    limit::{Limit, Quota, RateLimits},
    server::{AccessTokenFormat, Lifetimes, PreregisteredClient},
    types::{ClientId, Issuer, Secret},
};
use thiserror::Error;

/// Why the server does not start: one sentence for the operator.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct BadSetting(String);

impl BadSetting {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// One sentence, with everything that led to it.
    pub(crate) fn caused_by(name: &str, error: &dyn Error) -> Self {
        let mut reason = format!("{name} is unusable: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        Self(reason.escape_debug().to_string())
    }
}

/// What the environment asks for.
pub(crate) struct Settings {
    /// The address to bind.
    pub(crate) listen: String,
    /// What to protect the note book with.
    pub(crate) auth: McpAuthBuilder,
    /// `STORE`: where to keep what it needs.
    pub(crate) store: String,
    /// `MASTER_KEY`, if it is set.
    pub(crate) master_key: Option<String>,
}

impl Settings {
    /// Reads each setting through `variable`, which knows the environment.
    ///
    /// # Errors
    ///
    /// [`BadSetting`] for the first one that cannot be used.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        Reader { variable }.settings()
    }
}

struct Reader<F> {
    variable: F,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn settings(&self) -> Result<Settings, BadSetting> {
        let fetch = self.document_fetch()?;
        let registration = self.registration()?;
        let public_url = self.text_or("PUBLIC_URL", "http://127.0.0.1:8080");
        let issuer = Issuer::parse(&public_url)
            .map_err(|error| refused("PUBLIC_URL", &public_url, error))?;
        let auth = McpAuth::builder(&public_url)
            .name("Note book")
            .scope("notes:read", "Read your notes")
            .scope("notes:write", "Add notes for you")
            .covers("notes:write", "notes:read")
            .tool("add_note", "notes:write")
            .dynamic_registration(registration.dynamic)
            .rate_limits(self.rate_limits()?)
            .lifetimes(self.lifetimes()?)
            .access_token_format(self.access_token_format()?);
        let auth = if registration.document {
            auth.client_documents(fetch)
        } else {
            auth.client_keys(fetch)
        };
        let auth = self
            .clients()?
            .into_iter()
            .fold(auth, McpAuthBuilder::client);
        Ok(Settings {
            listen: self.text_or("LISTEN", "127.0.0.1:8080"),
            auth: self.sign_in(auth, &issuer)?,
            store: self.text_or("STORE", "memory"),
            master_key: self.text("MASTER_KEY"),
        })
    }

    /// The provider upstream; without one, a login page that takes any name.
    fn sign_in(&self, auth: McpAuthBuilder, own: &Issuer) -> Result<McpAuthBuilder, BadSetting> {
        let names = ["IDP_ISSUER", "IDP_CLIENT_ID", "IDP_CLIENT_SECRET"];
        match names.map(|name| self.text(name)) {
            [None, None, None] if own.is_loopback() => Ok(auth.development_login()),
            [None, None, None] => Err(refused(
                "PUBLIC_URL",
                own.as_str(),
                "off loopback people have to prove who they are, so set IDP_ISSUER, \
                 IDP_CLIENT_ID and IDP_CLIENT_SECRET",
            )),
            [Some(issuer), Some(id), Some(secret)] => {
                let issuer = Issuer::parse(&issuer)
                    .map_err(|error| refused("IDP_ISSUER", &issuer, error))?;
                let client_id =
                    ClientId::parse(&id).map_err(|error| refused("IDP_CLIENT_ID", &id, error))?;
                let provider = OpenIdProvider::builder(issuer, client_id, Secret::new(secret))
                    .build()
                    .map_err(|error| BadSetting(error.to_string()))?;
                Ok(auth.identity_provider(provider))
            }
            _ => Err(BadSetting(
                "IDP_ISSUER, IDP_CLIENT_ID and IDP_CLIENT_SECRET belong together: set all or none"
                    .to_owned(),
            )),
        }
    }

    fn registration(&self) -> Result<Registration, BadSetting> {
        // Set but empty means something here: only preregistered clients.
        let text = (self.variable)("REGISTRATION").unwrap_or("dynamic,document".to_owned());
        let mut on = Registration::default();
        for way in text.split(',').map(str::trim).filter(|way| !way.is_empty()) {
            match way {
                "dynamic" => on.dynamic = true,
                "document" => on.document = true,
                _ => {
                    return Err(refused(
                        "REGISTRATION",
                        way,
                        "use dynamic, document or both",
                    ));
                }
            }
        }
        Ok(on)
    }

    fn clients(&self) -> Result<Vec<PreregisteredClient>, BadSetting> {
        let Some(path) = self.text("CLIENTS") else {
            return Ok(Vec::new());
        };
        let text = fs::read(&path).map_err(|error| refused("CLIENTS", &path, error))?;
        // Where the mistake is, and not what stands there: that may be a secret.
        serde_json::from_slice(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let reason = format!(
                "line {line}, column {column} is no JSON array of clients as RFC 7591 names them"
            );
            refused("CLIENTS", &path, reason)
        })
    }

    fn lifetimes(&self) -> Result<Lifetimes, BadSetting> {
        let default = Lifetimes::default();
        let refresh_idle = self
            .seconds("REFRESH_TOKEN_TTL", 1)?
            .unwrap_or(default.refresh_idle);
        let refresh_grace = self.seconds("REFRESH_GRACE", 0)?;
        if refresh_grace.is_some_and(|grace| grace > Duration::from_secs(300)) {
            let text = self.text_or("REFRESH_GRACE", "");
            return Err(refused("REFRESH_GRACE", &text, "use 300 seconds at most"));
        }
        let access_token = self
            .seconds("ACCESS_TOKEN_TTL", 1)?
            .unwrap_or(default.access_token);
        Ok(Lifetimes {
            access_token,
            refresh_idle,
            refresh_grace: refresh_grace.unwrap_or(default.refresh_grace),
            grant: default.grant.max(refresh_idle).max(access_token),
            ..default
        })
    }

    fn access_token_format(&self) -> Result<AccessTokenFormat, BadSetting> {
        match self.text_or("ACCESS_TOKEN_FORMAT", "jwt").as_str() {
            "jwt" => Ok(AccessTokenFormat::Jwt),
            "opaque" => Ok(AccessTokenFormat::Opaque),
            other => Err(refused("ACCESS_TOKEN_FORMAT", other, "use jwt or opaque")),
        }
    }

    /// The way to the documents of clients: public servers, and what tests add.
    fn document_fetch(&self) -> Result<ReqwestFetch, BadSetting> {
        let mut builder = ReqwestFetch::public_builder();
        if let Some(path) = self.text("DOCUMENT_CA") {
            let pem = fs::read(&path).map_err(|error| refused("DOCUMENT_CA", &path, error))?;
            builder = builder.root_certificate_pem(&pem);
        }
        for (host, address) in self.document_hosts()? {
            builder = builder.dangerous_allow(&host, address);
        }
        let unusable = |error| BadSetting::caused_by("DOCUMENT_CA or the trust in TLS", &error);
        builder.build().map_err(unusable)
    }

    fn document_hosts(&self) -> Result<Vec<(String, SocketAddr)>, BadSetting> {
        let text = self.text_or("DOCUMENT_HOSTS", "");
        let pairs = text.split(',').map(str::trim);
        let pairs = pairs.filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (host, address) = pair.split_once('=')?;
            let address = address.parse().ok()?;
            (!host.is_empty()).then(|| (host.to_owned(), address))
        };
        let refuse = |pair| refused("DOCUMENT_HOSTS", pair, "use pairs like host=ip:port");
        pairs
            .map(|pair| read(pair).ok_or_else(|| refuse(pair)))
            .collect()
    }

    fn rate_limits(&self) -> Result<RateLimits, BadSetting> {
        let Some(text) = self.text("REGISTRATION_LIMIT") else {
            return Ok(RateLimits::default());
        };
        if text == "off" {
            return Ok(RateLimits::off());
        }
        let number = text.parse::<u32>().ok();
        match number.and_then(|number| Quota::new(number, number)) {
            Some(quota) => Ok(RateLimits::default().with(Limit::RegisterByAddress, quota)),
            None => Err(refused(
                "REGISTRATION_LIMIT",
                &text,
                "use a number of registrations per minute, or off",
            )),
        }
    }

    fn seconds(&self, name: &str, least: u64) -> Result<Option<Duration>, BadSetting> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse::<u64>() {
            Ok(seconds) if seconds >= least => Ok(Some(Duration::from_secs(seconds))),
            _ => Err(refused(
                name,
                &text,
                format!("use whole seconds, {least} or more"),
            )),
        }
    }

    /// A setting; empty means unset.
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.is_empty())
    }

    fn text_or(&self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }
}

/// Which ways of registration are on.
#[derive(Default)]
struct Registration {
    dynamic: bool,
    document: bool,
}

fn refused(name: &str, value: &str, reason: impl Into<Box<dyn Error>>) -> BadSetting {
    let reason = reason.into();
    // A value with control characters must not write to the terminal.
    BadSetting(format!(
        "{name}={} is unusable: {reason}",
        value.escape_debug()
    ))
}
