use serde_json::Value;
use url::Url;

use crate::jose::{Jwk, JwkSet};
use crate::model::{AuthMethod, ClientKeys};
use crate::protocol::client_metadata::ClientMetadata;
use crate::server::error::{InvalidClientKeys, RegistrationError};
use crate::server::registration::accept::Source;

/// How a client that says this of itself has to prove who it is, and with which
/// keys.
///
/// A client may offer several ways ([RP Metadata Choices]): a signature is taken
/// whenever it is offered together with keys, since it alone cannot leak from
/// here; otherwise the way the client names first.
///
/// [RP Metadata Choices]: https://openid.net/specs/openid-connect-rp-metadata-choices-1_0.html
pub(super) fn accept_auth_method(
    metadata: &ClientMetadata,
    source: Source,
) -> Result<(AuthMethod, Option<ClientKeys>), RegistrationError> {
    let named = metadata.token_endpoint_auth_method.iter();
    let offered = metadata.token_endpoint_auth_methods_supported.iter();
    let mut names = named.chain(offered.flatten()).peekable();
    if names.peek().is_none() {
        return Ok((AuthMethod::None, None));
    }
    let usable = |method: &AuthMethod| source != Source::Document || !method.uses_secret();
    let methods = names.filter_map(|name| AuthMethod::from_name(name));
    let methods: Vec<_> = methods.filter(usable).collect();
    let other = methods
        .iter()
        .find(|method| **method != AuthMethod::PrivateKeyJwt);
    if methods.contains(&AuthMethod::PrivateKeyJwt) {
        let keys = accept_keys(metadata).and_then(|keys| within_reach(keys, source));
        match (keys, other) {
            (Ok(Some(keys)), _) => return Ok((AuthMethod::PrivateKeyJwt, Some(keys))),
            (Ok(None), None) => return Err(InvalidClientKeys::Missing.into()),
            (Err(invalid), None) => return Err(invalid.into()),
            // A client that offers another way as well gets in by that.
            (Ok(None) | Err(_), Some(_)) => {}
        }
    }
    let method = other.ok_or(RegistrationError::AuthMethod)?;
    Ok((*method, None))
}

pub(super) fn accept_keys(
    metadata: &ClientMetadata,
) -> Result<Option<ClientKeys>, InvalidClientKeys> {
    match (&metadata.jwks, &metadata.jwks_uri) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(InvalidClientKeys::Twice),
        (Some(set), None) => accept_set(set).map(Some),
        (None, Some(uri)) if uri.is_empty() => Ok(None),
        (None, Some(uri)) => accept_uri(uri).map(Some),
    }
}

fn within_reach(
    keys: Option<ClientKeys>,
    source: Source,
) -> Result<Option<ClientKeys>, InvalidClientKeys> {
    match keys {
        Some(ClientKeys::Uri(_)) if !source.fetches_keys() => Err(InvalidClientKeys::NotFetched),
        keys => Ok(keys),
    }
}

fn accept_set(set: &Value) -> Result<ClientKeys, InvalidClientKeys> {
    const MAX_KEYS: usize = 10;
    usable_keys(set, MAX_KEYS).map(ClientKeys::Set)
}

/// Judges a set of keys that was fetched from a `jwks_uri`, which may be used for
/// more than this.
pub(super) fn accept_published_set(set: &Value) -> Result<JwkSet, InvalidClientKeys> {
    const MAX_KEYS: usize = 100;
    usable_keys(set, MAX_KEYS)
}

fn usable_keys(set: &Value, most: usize) -> Result<JwkSet, InvalidClientKeys> {
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or(InvalidClientKeys::Unusable)?;
    if keys.len() > most {
        return Err(InvalidClientKeys::TooMany);
    }
    let mut usable = Vec::new();
    for key in keys {
        if holds_private_member(key) {
            return Err(InvalidClientKeys::Private);
        }
        usable.extend(serde_json::from_value::<Jwk>(key.clone()));
    }
    if usable.is_empty() {
        return Err(InvalidClientKeys::Unusable);
    }
    Ok(JwkSet::new(usable))
}

/// Whether the client published what it has to keep to itself
/// ([RFC 7518, section 6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).
fn holds_private_member(key: &Value) -> bool {
    const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    PRIVATE.iter().any(|member| key.get(member).is_some())
}

fn accept_uri(uri: &str) -> Result<ClientKeys, InvalidClientKeys> {
    let secure = Url::parse(uri).is_ok_and(|url| {
        let bare = url.username().is_empty() && url.password().is_none();
        url.scheme() == "https" && url.has_host() && bare && url.fragment().is_none()
    });
    let plain = uri.bytes().all(|byte| byte.is_ascii_graphic());
    if !secure || !plain || uri.len() > 2048 {
        return Err(InvalidClientKeys::Uri);
    }
    Ok(ClientKeys::Uri(uri.to_owned()))
}
