//! What an operator must see (layer 2).
//!
//! Events carry causes that clients never hear, and never a secret.

mod sink;

use crate::types::{ApiKeyId, ClientAddress, ClientId, GrantId, Scope, Subject, Timestamp};

pub use sink::{EventSink, TracingSink};

/// Something happened that an operator may want to know or to count.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A client registered itself.
    ClientRegistered {
        /// The client.
        client_id: ClientId,
    },
    /// A client changed its registration, or the host did.
    ClientChanged {
        /// The client.
        client_id: ClientId,
    },
    /// A client was removed by itself or by the host, and its grants with it.
    ClientRemoved {
        /// The client.
        client_id: ClientId,
    },
    /// A registration was refused.
    RegistrationRefused {
        /// Why.
        reason: String,
    },
    /// A client wanted to be known by its document, which is refused.
    ClientDocumentRefused {
        /// The client, by the URL of the document.
        client_id: ClientId,
        /// Why.
        reason: String,
    },
    /// The set of keys that a client publishes cannot be used.
    ClientKeysRefused {
        /// Where it is.
        uri: String,
        /// Why.
        reason: String,
    },
    /// An authorization request was refused.
    AuthorizationRefused {
        /// Why.
        reason: String,
    },
    /// A person did not agree to what a client asked for.
    ConsentDenied {
        /// The client.
        client_id: ClientId,
    },
    /// A sign-in failed, at the identity provider or on the way back.
    LoginFailed {
        /// Why.
        reason: String,
    },
    /// A person signed in and a code was handed out.
    LoginCompleted {
        /// The client.
        client_id: ClientId,
        /// The person.
        subject: Subject,
        /// What the client will get.
        scope: Scope,
    },
    /// A code was redeemed or a token refreshed.
    TokensIssued {
        /// The client.
        client_id: ClientId,
        /// The grant.
        grant_id: GrantId,
        /// What the access token carries.
        scope: Scope,
    },
    /// A token request was refused.
    TokenRequestRefused {
        /// Why.
        reason: String,
    },
    /// A code was used a second time by its client; its grant is revoked.
    CodeReplayed {
        /// The client.
        client_id: ClientId,
        /// The grant that is gone.
        grant_id: GrantId,
    },
    /// A client assertion came a second time: somebody read it on the way, or the
    /// client is broken. Nothing was given for it.
    AssertionReplayed {
        /// The client.
        client_id: ClientId,
    },
    /// A refresh token was used again after its grace period; its grant is
    /// revoked. Either the client or a thief is behind by one token.
    RefreshTokenReused {
        /// The client.
        client_id: ClientId,
        /// The grant that is gone.
        grant_id: GrantId,
    },
    /// A client gave up its grant, or the host ended it.
    GrantRevoked {
        /// The client.
        client_id: ClientId,
        /// The grant that is gone.
        grant_id: GrantId,
    },
    /// The host issued an API key.
    ApiKeyIssued {
        /// Names the key.
        id: ApiKeyId,
        /// For whom it speaks.
        subject: Subject,
        /// What it may be used for.
        scope: Scope,
    },
    /// The host ended an API key.
    ApiKeyRevoked {
        /// Names the key that is gone.
        id: ApiKeyId,
    },
    /// An access token was refused.
    AccessTokenRefused {
        /// Why.
        reason: String,
    },
    /// An access token was good but its scope did not suffice.
    ScopeInsufficient {
        /// For whom the token speaks.
        subject: Subject,
        /// What the operation needs.
        required: Scope,
    },
    /// A key to sign access tokens with was made and stored.
    SigningKeyCreated {
        /// Which key of the issuer it is, counted from 1.
        generation: u32,
        /// From when on it signs.
        signs_from: Timestamp,
    },
    /// What had expired was deleted from the store.
    Swept {
        /// How many records there were.
        deleted: usize,
    },
    /// Requests were refused because there were too many of them. At most one such
    /// event a minute tells of one limit at one endpoint.
    RateLimited {
        /// The path of the endpoint, below the issuer; `*` if the limit holds for
        /// several together.
        endpoint: &'static str,
        /// The name of the limit.
        limit: &'static str,
        /// Where the request came from, if that is known.
        address: Option<ClientAddress>,
        /// How many more were refused since the event before.
        more: u64,
    },
    /// Requests come without the address of their peer, so that no limit that
    /// goes by address holds; told of once.
    PeerAddressUnknown,
    /// Something the server depends on failed; clients hear 503 or 500.
    Outage {
        /// What failed, with its causes.
        cause: String,
    },
}

/// An error with all its causes, for the operator.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
