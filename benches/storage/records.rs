//! Records as large as those that the server makes of a sign-in. The same number
//! makes the same keys, which are spread like random ones.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_for_mcp::model::{
    AuthMethod, ClientRecord, CodeRecord, CodeStage, GrantRecord, GrantType, IssuedRecords,
    PendingRecord, RefreshRecord, Registration, RotatedRecords, Sealed, SpentToken,
};
use oauth_for_mcp::types::{
    ClientId, Clock, GrantId, RedirectUri, Scope, SystemClock, Timestamp, TokenHash,
};

/// How many bytes the server seals, as `People` of the memory benchmark has them.
const REQUEST: usize = 600;
const LOGIN: usize = 780;
const DETAILS: usize = 278;
const ANSWER: usize = 810;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// Codes and requests live for longer than real ones, so that a filled store
/// stays filled.
fn later(number: usize) -> Timestamp {
    now().plus(DAY + Duration::from_secs(number as u64 % 3600))
}

fn hash(kind: &str, number: usize) -> TokenHash {
    TokenHash::of(&format!("{kind} {number}"))
}

fn identifier(kind: &str, number: usize) -> String {
    URL_SAFE_NO_PAD.encode(&hash(kind, number).as_bytes()[..16])
}

fn sealed(kind: &str, number: usize, length: usize) -> Sealed {
    let bytes = *hash(kind, number).as_bytes();
    Sealed::from_bytes(bytes.into_iter().cycle().take(length).collect())
}

pub(crate) fn client_id(number: usize) -> ClientId {
    ClientId::parse(&identifier("client", number)).expect("base64url")
}

pub(crate) fn grant_id(number: usize) -> GrantId {
    GrantId::from(identifier("grant", number))
}

pub(crate) fn code_hash(number: usize) -> TokenHash {
    hash("code", number)
}

pub(crate) fn state_hash(number: usize) -> TokenHash {
    hash("state", number)
}

/// A client under this identifier, as Claude registers.
pub(crate) fn client_as(id: ClientId, redirect_uri: &str) -> ClientRecord {
    ClientRecord {
        id,
        registration: Registration::Dynamic {
            registered_at: now(),
            unused_until: now().plus(DAY),
        },
        name: Some("Claude".to_owned()),
        client_uri: None,
        redirect_uris: vec![RedirectUri::parse(redirect_uri).expect("a redirect URI")],
        auth_method: AuthMethod::None,
        secrets: vec![],
        grant_types: GrantType::ALL.into_iter().collect(),
        scope: Some(Scope::parse("notes:read notes:write").expect("a scope")),
        keys: None,
        management: None,
    }
}

pub(crate) fn client(number: usize) -> ClientRecord {
    client_as(client_id(number), "https://claude.ai/api/mcp/auth_callback")
}

/// As a client is kept for longer by a sign-in.
pub(crate) fn renewed(number: usize) -> Registration {
    Registration::Dynamic {
        registered_at: now(),
        unused_until: later(number).plus(DAY),
    }
}

/// The identifier of a client's assertion, and when it ends.
pub(crate) fn assertion(number: usize) -> (TokenHash, Timestamp) {
    (hash("assertion", number), later(number))
}

pub(crate) fn pending(number: usize) -> PendingRecord {
    PendingRecord {
        state: state_hash(number),
        authorization: sealed("request", number, REQUEST),
        expires_at: later(number),
    }
}

pub(crate) fn code(number: usize) -> CodeRecord {
    CodeRecord {
        hash: code_hash(number),
        login: sealed("login", number, LOGIN),
        stage: CodeStage::Fresh,
        expires_at: later(number),
    }
}

pub(crate) fn grant(number: usize) -> GrantRecord {
    GrantRecord {
        id: grant_id(number),
        client_id: client_id(number),
        subject: hash("subject", number),
        details: sealed("details", number, DETAILS),
        granted_at: now(),
        expires_at: now().plus(DAY * 30),
    }
}

/// What a code gives, with signed access tokens, which are not stored.
pub(crate) fn issued(number: usize) -> IssuedRecords {
    IssuedRecords {
        grant: grant(number),
        access: None,
        refresh: Some(RefreshRecord {
            grant_id: grant_id(number),
            family: hash("family", number),
            current: token_hash(number, 0),
            previous: None,
            expires_at: now().plus(DAY * 30),
        }),
    }
}

/// The refresh token after so many rotations.
pub(crate) fn token_hash(number: usize, rotations: usize) -> TokenHash {
    hash("refresh token", number + rotations * 1_000_000_007)
}

/// What the rotation after so many others stores.
pub(crate) fn rotated(number: usize, rotations: usize) -> RotatedRecords {
    let expires_at = now().plus(DAY * 30);
    RotatedRecords {
        refresh: RefreshRecord {
            grant_id: grant_id(number),
            family: hash("family", number),
            current: token_hash(number, rotations + 1),
            previous: Some(SpentToken {
                hash: token_hash(number, rotations),
                spent_at: now(),
                answer: sealed("answer", number, ANSWER),
            }),
            expires_at,
        },
        access: None,
        grant_expires_at: expires_at,
    }
}
