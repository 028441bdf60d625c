use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use url::Url;

use crate::model::{AuthMethod, ClientRecord, Registration};
use crate::protocol::client_metadata::ClientMetadata;
use crate::server::error::RegistrationError;
use crate::server::registration::accept::{Source, accept, is_web_page};
use crate::server::registration::auth_method::accept_keys;
use crate::server::registration::document::DocumentError;
use crate::types::{DocumentUrl, Scope};

const MAX_DEPTH: usize = 16;

/// Judges the document at `url`: the client, if it can be one here.
pub(super) fn judge(
    url: &DocumentUrl,
    body: &[u8],
    grantable: &Scope,
) -> Result<ClientRecord, DocumentError> {
    let text = std::str::from_utf8(body).map_err(|_| DocumentError::NotUtf8)?;
    if depth(text) > MAX_DEPTH {
        return Err(DocumentError::TooDeep);
    }
    if parse::<Members>(text)?.repeated {
        return Err(DocumentError::RepeatedMember);
    }
    let own: OwnMembers = parse(text)?;
    if own.client_id.as_deref() != Some(url.as_str()) {
        return Err(DocumentError::OtherClientId);
    }
    if own.client_secret.is_some() || own.client_secret_expires_at.is_some() {
        return Err(DocumentError::Secret);
    }
    let mut metadata: ClientMetadata = parse(text)?;
    judge_metadata(&metadata)?;
    // A host speaks for its own pages only.
    metadata.client_uri = metadata.client_uri.filter(|page| is_of_host(url, page));
    let accepted = accept(metadata, Source::Document, grantable)?;
    Ok(accepted.into_record(url.client_id(), Registration::Document))
}

/// What is in a document and in no registration.
#[derive(Deserialize)]
struct OwnMembers {
    client_id: Option<String>,
    client_secret: Option<IgnoredAny>,
    client_secret_expires_at: Option<IgnoredAny>,
}

fn judge_metadata(metadata: &ClientMetadata) -> Result<(), DocumentError> {
    let name = metadata.client_name.as_deref().unwrap_or_default();
    if name.trim().is_empty() {
        return Err(DocumentError::NoName);
    }
    if name.contains(['<', '>']) {
        return Err(DocumentError::Markup);
    }
    for (member, link) in [
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
        ("tos_uri", &metadata.tos_uri),
        ("policy_uri", &metadata.policy_uri),
    ] {
        let hidden = |link: &str| link.contains(|c: char| c.is_control() || "<>\"\\ ".contains(c));
        if link
            .as_deref()
            .is_some_and(|link| hidden(link) || !is_web_page(link))
        {
            return Err(DocumentError::Link(member));
        }
    }
    let named = metadata.token_endpoint_auth_method.as_deref();
    if named.is_some_and(needs_secret) {
        return Err(DocumentError::Secret);
    }
    // Whether they are used or not: a key that leaked or that nobody finds is one to mend.
    accept_keys(metadata).map_err(RegistrationError::from)?;
    Ok(())
}

fn needs_secret(method: &str) -> bool {
    method == "client_secret_jwt"
        || AuthMethod::from_name(method).is_some_and(AuthMethod::uses_secret)
}

fn is_of_host(url: &DocumentUrl, page: &str) -> bool {
    Url::parse(page).is_ok_and(|page| page.host_str() == url.url().host_str())
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    serde_json::from_str(text).map_err(|_| DocumentError::Malformed)
}

/// How many objects and lists are within each other.
fn depth(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        let literal = std::mem::take(&mut escaped);
        match byte {
            b'\\' if quoted => escaped = !literal,
            b'"' if !literal => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// The members of an object, seen as no more than names.
struct Members {
    repeated: bool,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self { repeated: false })
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        let mut seen = HashSet::new();
        while let Some((name, IgnoredAny)) = members.next_entry::<String, _>()? {
            self.repeated |= !seen.insert(name);
        }
        Ok(self)
    }
}
