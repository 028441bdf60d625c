use std::collections::BTreeSet;

use url::Url;

use crate::model::{AuthMethod, ClientKeys, ClientRecord, GrantType, Registration};
use crate::protocol::client_metadata::ClientMetadata;
use crate::server::error::RegistrationError;
use crate::server::registration::auth_method::accept_auth_method;
use crate::types::{ClientId, RedirectUri, RedirectUriKind, Scope};

const MAX_REDIRECT_URIS: usize = 32;
const MAX_NAME_CHARACTERS: usize = 128;

/// Client metadata that was judged: what is in it can be acted on.
///
/// Every way of registering goes through [`accept`], so that what is accepted
/// in one place is not refused in another.
#[derive(Debug)]
pub(super) struct AcceptedMetadata {
    pub(super) name: Option<String>,
    pub(super) client_uri: Option<String>,
    pub(super) redirect_uris: Vec<RedirectUri>,
    pub(super) auth_method: AuthMethod,
    pub(super) keys: Option<ClientKeys>,
    pub(super) grant_types: BTreeSet<GrantType>,
    pub(super) scope: Option<Scope>,
}

impl AcceptedMetadata {
    /// The client that this makes, without any secret.
    pub(super) fn into_record(self, id: ClientId, registration: Registration) -> ClientRecord {
        ClientRecord {
            id,
            registration,
            name: self.name,
            client_uri: self.client_uri,
            redirect_uris: self.redirect_uris,
            auth_method: self.auth_method,
            secrets: vec![],
            grant_types: self.grant_types,
            scope: self.scope,
            keys: self.keys,
            management: None,
        }
    }
}

/// Who says what the client is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// The operator, who alone may let a machine in without a person.
    Operator { fetches_keys: bool },
    /// The client, when it registers.
    Registration { fetches_keys: bool },
    /// The client, in a document, where a secret would be public.
    Document,
}

impl Source {
    /// Whether this server fetches keys from where the client says they are.
    pub(super) const fn fetches_keys(self) -> bool {
        match self {
            Self::Operator { fetches_keys } | Self::Registration { fetches_keys } => fetches_keys,
            Self::Document => true,
        }
    }
}

/// Judges what a client says of itself ([RFC 7591, section 2]).
///
/// What this server does not know is left out as long as something usable
/// remains; the effective set is echoed.
///
/// [RFC 7591, section 2]: https://www.rfc-editor.org/rfc/rfc7591#section-2
pub(super) fn accept(
    metadata: ClientMetadata,
    source: Source,
    grantable: &Scope,
) -> Result<AcceptedMetadata, RegistrationError> {
    let (auth_method, keys) = accept_auth_method(&metadata, source)?;
    let grant_types = accept_grant_types(metadata.grant_types.as_deref(), source)?;
    if grant_types.contains(&GrantType::ClientCredentials) && auth_method == AuthMethod::None {
        return Err(RegistrationError::PublicMachine);
    }
    // A machine without a person is sent nowhere.
    let redirects = grant_types.contains(&GrantType::AuthorizationCode);
    let redirect_uris = accept_redirect_uris(&metadata.redirect_uris, auth_method, redirects)?;
    let response_types = metadata.response_types.as_deref().filter(|_| redirects);
    if response_types.is_some_and(|types| !types.iter().any(|name| name == "code")) {
        return Err(RegistrationError::NoResponseType);
    }
    Ok(AcceptedMetadata {
        name: accept_name(metadata.client_name)?,
        client_uri: metadata.client_uri.filter(|text| is_web_page(text)),
        redirect_uris,
        auth_method,
        keys,
        grant_types,
        scope: metadata
            .scope
            .filter(|text| !text.trim().is_empty())
            .map(|text| accept_scope(&text, grantable))
            .transpose()?,
    })
}

fn accept_redirect_uris(
    texts: &[String],
    auth_method: AuthMethod,
    needed: bool,
) -> Result<Vec<RedirectUri>, RegistrationError> {
    if (needed && texts.is_empty()) || texts.len() > MAX_REDIRECT_URIS {
        return Err(RegistrationError::RedirectUriCount);
    }
    let mut uris = Vec::with_capacity(texts.len());
    for text in texts {
        let uri = RedirectUri::parse(text)?;
        if uri.kind() == RedirectUriKind::PrivateUse && auth_method != AuthMethod::None {
            return Err(RegistrationError::PrivateUseOfConfidentialClient);
        }
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    Ok(uris)
}

fn accept_grant_types(
    names: Option<&[String]>,
    source: Source,
) -> Result<BTreeSet<GrantType>, RegistrationError> {
    let Some(names) = names else {
        return Ok(BTreeSet::from([GrantType::AuthorizationCode]));
    };
    let mut known: BTreeSet<_> = names
        .iter()
        .filter_map(|name| GrantType::from_name(name))
        .collect();
    if !matches!(source, Source::Operator { .. }) {
        known.remove(&GrantType::ClientCredentials);
    }
    // Without one of these there is nothing that could be refreshed.
    let begins = [GrantType::AuthorizationCode, GrantType::ClientCredentials]
        .map(|grant| known.contains(&grant));
    if begins.contains(&true) {
        Ok(known)
    } else {
        Err(RegistrationError::NoGrantType)
    }
}

fn accept_scope(text: &str, grantable: &Scope) -> Result<Scope, RegistrationError> {
    let known: Scope = text
        .split(' ')
        .filter_map(|token| {
            grantable
                .iter()
                .find(|known| known.as_str() == token)
                .cloned()
        })
        .collect();
    if known.is_empty() {
        return Err(RegistrationError::NoScope);
    }
    Ok(known)
}

/// A name of nothing but white space is none: the person would see no name.
fn accept_name(name: Option<String>) -> Result<Option<String>, RegistrationError> {
    let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
        return Ok(None);
    };
    let deceptive = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if name.chars().count() > MAX_NAME_CHARACTERS || name.chars().any(deceptive) {
        return Err(RegistrationError::Name);
    }
    Ok(Some(name))
}

pub(super) fn is_web_page(text: &str) -> bool {
    // It is shown to people: no character may be more than it seems.
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte);
    text.len() <= 2048
        && text.bytes().all(plain)
        && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}
