use std::env;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use serde_json::Map;
use thiserror::Error;

use crate::model::{ApiKey, ApiKeyDetails};
use crate::protocol::bearer::BearerToken;
use crate::resource::api_key::file::{self, ApiKeyFileError, Keys};
use crate::resource::api_key::prefix::{ApiKeyPrefix, InvalidApiKey};
use crate::resource::api_key::prefixes::Prefixes;
use crate::resource::verifier::{TokenClaims, TokenVerifier, VerifierError};
use crate::store::{BeforeLooking, Revocations};
use crate::types::{ApiKeyId, ResourceUri, Scope, Secret, Subject, Timestamp};

/// API keys that the operator wrote down: in a file, which holds their hashes, or one
/// in an environment variable.
///
/// ```
/// use oauth_for_mcp::resource::api_key::StaticApiKeys;
/// use oauth_for_mcp::types::ResourceUri;
///
/// let resource = ResourceUri::parse("https://mcp.example.com/mcp")?;
/// let keys = StaticApiKeys::from_json(
///     br#"[{
///         "name": "nightly import",
///         "subject": "importer",
///         "scopes": ["notes:read"],
///         "key_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
///         "expires_at": "2027-01-31T00:00:00Z"
///     }]"#,
///     &resource,
/// )?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// Whatever begins with the [prefix](Self::prefix) is for these keys to judge, and no
/// other verifier is asked about it: beside keys of a store, give these a prefix of
/// their own.
pub struct StaticApiKeys {
    prefixes: Prefixes,
    keys: RwLock<Arc<Keys>>,
    revocations: Arc<Revocations>,
}

/// The API key in an environment variable cannot be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum StaticApiKeyError {
    /// There is no such variable.
    #[error("the environment variable {0} is not set: put an API key there, {MAKE_ONE}")]
    Missing(String),
    /// What is in it is no key.
    #[error("in the environment variable {variable}: {problem}; make one {MAKE_ONE}")]
    Unusable {
        /// The variable.
        variable: String,
        /// What is wrong.
        problem: InvalidApiKey,
    },
}

const MAKE_ONE: &str = "with: echo mcpkey_$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')";

impl StaticApiKeys {
    /// Reads a file of keys, which are good at `resource`; see
    /// [`from_json`](Self::from_json).
    ///
    /// # Errors
    ///
    /// [`ApiKeyFileError`] with what is wrong, and nothing of what is in the file.
    pub fn from_file(
        path: impl AsRef<Path>,
        resource: &ResourceUri,
    ) -> Result<Self, ApiKeyFileError> {
        Self::from_json(&file::read(path.as_ref())?, resource)
    }

    /// Reads a JSON array of keys, which are good at `resource`.
    ///
    /// Each is an object with `name`, `subject`, `scopes` and `key_sha256`, the
    /// SHA-256 of the whole key in hexadecimal or base64url; if it ends, with
    /// `expires_at`, and if a program acts for itself with it, with `"machine": true`.
    ///
    /// # Errors
    ///
    /// [`ApiKeyFileError`] with what is wrong, and nothing of what is in the array.
    pub fn from_json(json: &[u8], resource: &ResourceUri) -> Result<Self, ApiKeyFileError> {
        let keys = file::parse(json, resource)?;
        Ok(Self::new(ApiKeyPrefix::default(), keys))
    }

    /// The one key in the environment variable `variable`, in the clear, which speaks
    /// for `subject` and has no end.
    ///
    /// # Errors
    ///
    /// [`StaticApiKeyError`], which says how to make a key, if there is none or it
    /// could be guessed.
    pub fn from_env(
        variable: &str,
        resource: &ResourceUri,
        subject: Subject,
        scope: Scope,
    ) -> Result<Self, StaticApiKeyError> {
        let key = env::var(variable).unwrap_or_default();
        if key.is_empty() {
            return Err(StaticApiKeyError::Missing(variable.to_owned()));
        }
        Self::of_key(&Secret::new(key), resource, subject, scope).map_err(|problem| {
            StaticApiKeyError::Unusable {
                variable: variable.to_owned(),
                problem,
            }
        })
    }

    /// One key, wherever it is from, which speaks for `subject` and has no end.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKey`] if it could be guessed.
    pub fn of_key(
        key: &Secret,
        resource: &ResourceUri,
        subject: Subject,
        scope: Scope,
    ) -> Result<Self, InvalidApiKey> {
        let prefix = ApiKeyPrefix::of(key)?;
        let hash = key.hash();
        let known = ApiKey {
            id: ApiKeyId::of(&hash),
            details: ApiKeyDetails {
                name: "configured".to_owned(),
                subject,
                scope,
                resource: resource.clone(),
                is_machine: false,
                claims: Map::new(),
            },
            created_at: Timestamp::default(),
            expires_at: None,
        };
        Ok(Self::new(prefix, Keys::from([(hash, known)])))
    }

    fn new(prefix: ApiKeyPrefix, keys: Keys) -> Self {
        Self {
            prefixes: Prefixes::new(prefix),
            keys: RwLock::new(Arc::new(keys)),
            revocations: Arc::default(),
        }
    }

    /// What the keys begin with; `mcpkey` for those of a file.
    #[must_use]
    pub fn prefix(mut self, prefix: ApiKeyPrefix) -> Self {
        self.prefixes.current = prefix;
        self
    }

    /// What keys began with before: they do not count, and are refused here instead of
    /// being shown to the next verifier.
    #[must_use]
    pub fn retired_prefix(mut self, prefix: ApiKeyPrefix) -> Self {
        self.prefixes.retired.push(prefix);
        self
    }

    /// Lets the keys of `other` count from now on, and no others: for a file that was
    /// read again. A key that is gone or changed is forgotten at once, wherever this
    /// process remembers it.
    ///
    /// What keys begin with stays as it was set up here, whatever it is in `other`.
    pub fn replace(&self, other: Self) {
        let new = other.keys.into_inner();
        let new = new.unwrap_or_else(PoisonError::into_inner);
        let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *held, Arc::clone(&new));
        // While nobody looks: whoever has seen the old keys looked before this.
        for (hash, key) in old.iter() {
            if new.get(hash) != Some(key) {
                self.revocations.note(key.id.as_str());
            }
        }
    }

    /// The keys as they are, and the moment before they may change.
    fn look(&self) -> (BeforeLooking, Arc<Keys>) {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        (self.revocations.before_looking(), Arc::clone(&keys))
    }
}

impl fmt::Debug for StaticApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, keys) = self.look();
        let prefix = self.prefixes.current.as_str();
        write!(formatter, "StaticApiKeys({} keys {prefix}_..)", keys.len())
    }
}

#[async_trait]
impl TokenVerifier for StaticApiKeys {
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        self.prefixes.expect_key(token)?;
        let hash = token.secret().hash();
        let (looking, keys) = self.look();
        let key = keys.get(&hash);
        let live = key.filter(|key| key.expires_at.is_none_or(|end| end > now));
        let key = live.ok_or(VerifierError::Refused("the API key is unknown or expired"))?;
        let standing = looking.found(key.id.as_str());
        Ok(TokenClaims::of_api_key(key.clone(), standing))
    }
}
