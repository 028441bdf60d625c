//! About how many bytes claims take beside those that all claims take.

use serde_json::{Map, Value};

use crate::model::Identity;
use crate::resource::verifier::TokenClaims;
use crate::types::Scope;

impl TokenClaims {
    /// About how many bytes are kept for their texts and further claims.
    pub(in crate::resource) fn size(&self) -> usize {
        let Self {
            is_access_token: _,
            issuer,
            subject,
            audience,
            client_id,
            scope,
            expires_at: _,
            not_before: _,
            issued_at: _,
            grant_id,
            signed_in,
            is_machine: _,
            extra,
            standing: _,
            api_key_id,
        } = self;
        let names = [
            issuer.as_str(),
            subject.as_str(),
            client_id.as_ref().map_or("", |client| client.as_str()),
            grant_id.as_ref().map_or("", |grant| grant.as_str()),
            api_key_id.as_ref().map_or("", |key| key.as_str()),
        ];
        let audience = audience.iter().map(|text| size_of::<String>() + text.len());
        names.map(str::len).iter().sum::<usize>()
            + audience.sum::<usize>()
            + size_of_scope(scope)
            + signed_in.size()
            + size_of_members(extra)
    }
}

pub(super) fn size_of_identity(identity: &Identity) -> usize {
    let texts = [
        identity.provider.as_str(),
        identity.subject.as_str(),
        identity.email.as_deref().unwrap_or_default(),
        identity.name.as_deref().unwrap_or_default(),
    ];
    let own = size_of::<Identity>();
    own + texts.map(str::len).iter().sum::<usize>() + size_of_members(&identity.claims)
}

fn size_of_scope(scope: &Scope) -> usize {
    let sizes = scope
        .iter()
        .map(|token| size_of_val(token) + token.as_str().len());
    sizes.sum()
}

fn size_of_members(members: &Map<String, Value>) -> usize {
    let sizes = members
        .iter()
        .map(|(name, value)| size_of::<String>() + name.len() + size_of_value(value));
    sizes.sum()
}

/// What is written in two characters may take many times as much.
fn size_of_value(value: &Value) -> usize {
    let beside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size_of_value).sum(),
        Value::Object(members) => size_of_members(members),
    };
    size_of::<Value>() + beside
}
