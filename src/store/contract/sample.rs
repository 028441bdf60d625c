//! Records to store. Different names make different keys.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::jose::Algorithm;
use crate::model::{
    AccessTokenRecord, ApiKeyRecord, AuthMethod, ClientKeys, ClientRecord, CodeRecord, CodeStage,
    GrantRecord, GrantType, IssuedRecords, PendingRecord, RefreshRecord, Registration,
    RotatedRecords, Sealed, SigningKeyRecord, SpentToken,
};
use crate::types::{ApiKeyId, ClientId, GrantId, RedirectUri, Scope, Timestamp, TokenHash};

/// How long a pending request, a code and an access token live.
pub(in crate::store) const SHORT: Duration = Duration::from_secs(600);
/// How long a refresh token lives.
pub(in crate::store) const LONG: Duration = Duration::from_secs(30 * 86_400);
/// How long a grant lives that is not refreshed.
pub(in crate::store) const WHOLE: Duration = Duration::from_secs(90 * 86_400);
/// How long a client that nobody uses is kept.
pub(in crate::store) const UNUSED: Duration = Duration::from_secs(86_400);

/// Text that a backend may trip over, in keys where they allow it and in values.
pub(in crate::store) const ODD: &str = r#"%00 ' " \ `;--*?[a-z]{}$1:|/..//,<>&#~^"#;
const FOREIGN: &str = "\u{0}\r\n\t'\u{feff}\u{202e}é\u{0065}\u{0301}ß漢字\u{1f980}\u{10ffff}";

pub(in crate::store) fn client_id(name: &str) -> ClientId {
    ClientId::parse(name).expect("a sample is valid")
}

pub(in crate::store) fn grant_id(name: &str) -> GrantId {
    GrantId::from(format!("grant {name}"))
}

pub(in crate::store) fn hash(kind: &str, name: &str) -> TokenHash {
    TokenHash::of(&format!("{kind} {name}"))
}

pub(in crate::store) fn client(name: &str, now: Timestamp) -> ClientRecord {
    ClientRecord {
        id: client_id(name),
        registration: Registration::Dynamic {
            registered_at: now,
            unused_until: now.plus(UNUSED),
        },
        name: Some(FOREIGN.to_owned()),
        client_uri: Some(ODD.to_owned()),
        redirect_uris: vec![
            redirect_uri("https://a.example/?b=c&d=%27"),
            redirect_uri("http://127.0.0.1/x"),
        ],
        auth_method: AuthMethod::ClientSecretBasic,
        secrets: vec![hash("secret", name), hash("another secret", name)],
        grant_types: GrantType::ALL.into_iter().collect(),
        scope: Some(scope()),
        keys: Some(ClientKeys::Uri(ODD.to_owned())),
        management: Some(hash("management", name)),
    }
}

pub(in crate::store) fn preregistered(name: &str) -> ClientRecord {
    ClientRecord {
        id: client_id(name),
        registration: Registration::Preregistered,
        name: None,
        client_uri: None,
        redirect_uris: Vec::new(),
        auth_method: AuthMethod::None,
        secrets: Vec::new(),
        grant_types: BTreeSet::new(),
        scope: None,
        keys: None,
        management: None,
    }
}

fn redirect_uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).expect("a sample is valid")
}

fn scope() -> Scope {
    Scope::parse("files:read files:write https://a.example/b?c='d'").expect("a sample is valid")
}

/// As much as a backend has to take at once, each byte of it meaning something.
pub(in crate::store) fn big() -> Sealed {
    Sealed::from_bytes((0..=u8::MAX).cycle().take(64 * 1024).collect())
}

pub(in crate::store) fn pending(name: &str, now: Timestamp) -> PendingRecord {
    PendingRecord {
        state: hash("state", name),
        authorization: Sealed::from_bytes(name.as_bytes().to_vec()),
        expires_at: now.plus(SHORT),
    }
}

pub(in crate::store) fn code(name: &str, now: Timestamp) -> CodeRecord {
    CodeRecord {
        hash: hash("code", name),
        login: Sealed::from_bytes(name.as_bytes().to_vec()),
        stage: CodeStage::Fresh,
        expires_at: now.plus(SHORT),
    }
}

pub(in crate::store) fn grant(name: &str, now: Timestamp) -> GrantRecord {
    GrantRecord {
        id: grant_id(name),
        client_id: client_id("a client"),
        subject: hash("subject", "a person"),
        details: Sealed::from_bytes(format!("{name}{FOREIGN}").into_bytes()),
        granted_at: now,
        expires_at: now.plus(WHOLE),
    }
}

pub(in crate::store) fn access(name: &str, grant: &str, now: Timestamp) -> AccessTokenRecord {
    AccessTokenRecord {
        hash: hash("access token", name),
        grant_id: grant_id(grant),
        scope: scope(),
        issued_at: now,
        expires_at: now.plus(SHORT),
    }
}

/// The first refresh token of a grant.
pub(in crate::store) fn refresh(grant: &str, now: Timestamp) -> RefreshRecord {
    RefreshRecord {
        grant_id: grant_id(grant),
        family: hash("family", grant),
        current: hash("first refresh token", grant),
        previous: None,
        expires_at: now.plus(LONG),
    }
}

/// What a rotation makes of `spent`; `name` tells it from other ones.
pub(in crate::store) fn rotated(
    spent: &RefreshRecord,
    name: &str,
    now: Timestamp,
) -> RefreshRecord {
    RefreshRecord {
        current: hash("refresh token", name),
        previous: Some(SpentToken {
            hash: spent.current,
            spent_at: now,
            answer: Sealed::from_bytes(name.as_bytes().to_vec()),
        }),
        expires_at: now.plus(LONG),
        ..spent.clone()
    }
}

/// What the use of a refresh token stores, with an access token.
pub(in crate::store) fn rotation(
    spent: &RefreshRecord,
    grant: &str,
    name: &str,
    now: Timestamp,
) -> RotatedRecords {
    RotatedRecords {
        refresh: rotated(spent, name, now),
        access: Some(access(name, grant, now)),
        grant_expires_at: now.plus(WHOLE),
    }
}

pub(in crate::store) fn signing_key(generation: u32, now: Timestamp) -> SigningKeyRecord {
    SigningKeyRecord {
        generation,
        algorithm: Algorithm::EdDsa,
        signs_from: now.plus(LONG * generation),
        private: Sealed::from_bytes(vec![0, 255, 39, u8::try_from(generation).unwrap_or(1)]),
    }
}

pub(in crate::store) fn api_key_id(name: &str) -> ApiKeyId {
    ApiKeyId::from(format!("key {name}"))
}

/// An API key that ends.
pub(in crate::store) fn api_key(name: &str, now: Timestamp) -> ApiKeyRecord {
    ApiKeyRecord {
        id: api_key_id(name),
        hash: hash("API key", name),
        details: Sealed::from_bytes(format!("{name}{FOREIGN}").into_bytes()),
        created_at: now,
        expires_at: Some(now.plus(LONG)),
    }
}

/// A grant with both tokens, all named alike.
pub(in crate::store) fn issued(name: &str, now: Timestamp) -> IssuedRecords {
    IssuedRecords {
        grant: grant(name, now),
        access: Some(access(name, name, now)),
        refresh: Some(refresh(name, now)),
    }
}
