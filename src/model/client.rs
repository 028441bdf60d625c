use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::jose::JwkSet;
use crate::types::{ClientId, RedirectUri, Scope, Secret, Timestamp, TokenHash};

/// A registered client ([RFC 6749, section 2]), with what it may use.
///
/// [RFC 6749, section 2]: https://www.rfc-editor.org/rfc/rfc6749#section-2
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClientRecord {
    /// The identifier the client goes by.
    pub id: ClientId,
    /// How the client came to be known.
    pub registration: Registration,
    /// What the client calls itself; shown to people, escaped, never trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The page of the client, as it claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Where answers may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// How the client proves who it is at the token endpoint.
    pub auth_method: AuthMethod,
    /// Hashes of every secret that is valid now; empty for a public client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<TokenHash>,
    /// The grants the client may use.
    pub grant_types: BTreeSet<GrantType>,
    /// The scope the client registered for: what it gets when it asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The keys that a client with [`AuthMethod::PrivateKeyJwt`] signs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<ClientKeys>,
    /// The hash of the token with which the client manages its registration
    /// ([RFC 7592](https://www.rfc-editor.org/rfc/rfc7592)), if it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management: Option<TokenHash>,
}

/// Where the public keys of a client are ([RFC 7591, section 2]).
///
/// [RFC 7591, section 2]: https://www.rfc-editor.org/rfc/rfc7591#section-2
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKeys {
    /// Here (`jwks`).
    Set(JwkSet),
    /// At this URL (`jwks_uri`), which the client chose: fetch it guarded.
    Uri(String),
}

/// How a client came to be known.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// The operator configured it.
    Preregistered,
    /// It registered itself ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)).
    Dynamic {
        /// When it registered.
        registered_at: Timestamp,
        /// From when on it may be forgotten, as long as it holds no grant.
        unused_until: Timestamp,
    },
    /// Its identifier is the URL of a document that describes it. Never stored.
    Document,
    /// It registered itself, and its identifier holds what it said, sealed.
    /// Never stored.
    SelfContained {
        /// When it registered.
        registered_at: Timestamp,
    },
}

impl Registration {
    /// From when on the client may be forgotten, as long as it holds no grant.
    #[must_use]
    pub const fn unused_until(self) -> Option<Timestamp> {
        match self {
            Self::Dynamic { unused_until, .. } => Some(unused_until),
            Self::Preregistered | Self::Document | Self::SelfContained { .. } => None,
        }
    }
}

/// How a client authenticates at the token endpoint ([RFC 7591, section 2]).
///
/// [RFC 7591, section 2]: https://www.rfc-editor.org/rfc/rfc7591#section-2
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client: it has nothing to prove itself with.
    None,
    /// A secret in the `Authorization` header.
    ClientSecretBasic,
    /// A secret in the form.
    ClientSecretPost,
    /// A signature by a key of its own ([RFC 7523, section 2.2]).
    ///
    /// [RFC 7523, section 2.2]: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Every method, in the order in which metadata lists them.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
    ];

    /// The method's registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Whether the client proves itself with a secret that both sides know.
    #[must_use]
    pub const fn uses_secret(self) -> bool {
        match self {
            Self::ClientSecretBasic | Self::ClientSecretPost => true,
            Self::None | Self::PrivateKeyJwt => false,
        }
    }

    /// The method with this registered name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// A grant a client may use ([RFC 7591, section 2]).
///
/// [RFC 7591, section 2]: https://www.rfc-editor.org/rfc/rfc7591#section-2
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code that a person's sign-in gave.
    AuthorizationCode,
    /// A token that renews the access without the person.
    RefreshToken,
    /// The client's own credentials: a machine without a person.
    ClientCredentials,
}

impl GrantType {
    /// Every grant, in the order in which metadata lists them.
    pub const ALL: [Self; 3] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
    ];

    /// The grant's registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// The grant with this registered name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}

/// What a client is beside its identifier and how it came to be known, without
/// names: for where each byte counts.
pub(crate) type ClientContents = (
    Option<String>,
    Option<String>,
    Vec<RedirectUri>,
    AuthMethod,
    Vec<TokenHash>,
    BTreeSet<GrantType>,
    Option<Scope>,
    Option<ClientKeys>,
    Option<TokenHash>,
);

impl ClientRecord {
    pub(crate) fn into_contents(self) -> (ClientId, Registration, ClientContents) {
        let contents = (
            self.name,
            self.client_uri,
            self.redirect_uris,
            self.auth_method,
            self.secrets,
            self.grant_types,
            self.scope,
            self.keys,
            self.management,
        );
        (self.id, self.registration, contents)
    }

    pub(crate) fn from_contents(
        id: ClientId,
        registration: Registration,
        contents: ClientContents,
    ) -> Self {
        let (
            name,
            client_uri,
            redirect_uris,
            auth_method,
            secrets,
            grant_types,
            scope,
            keys,
            management,
        ) = contents;
        Self {
            id,
            registration,
            name,
            client_uri,
            redirect_uris,
            auth_method,
            secrets,
            grant_types,
            scope,
            keys,
            management,
        }
    }

    /// Whether the client has nothing to prove itself with.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether answers may be sent to `presented`.
    #[must_use]
    pub fn allows_redirect_to(&self, presented: &RedirectUri) -> bool {
        self.redirect_uris
            .iter()
            .any(|registered| registered.matches(presented))
    }

    /// Whether `secret` is one of this client's.
    #[must_use]
    pub fn has_secret(&self, secret: &Secret) -> bool {
        let hash = secret.hash();
        // Every secret is compared, so that time does not tell which one matched.
        self.secrets
            .iter()
            .fold(false, |found, known| found | (*known == hash))
    }
}
