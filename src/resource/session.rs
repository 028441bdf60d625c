use std::convert::Infallible;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use quick_cache::sync::Cache;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::resource::verified::VerifiedToken;
use crate::types::{Entropy, EntropyError, ResourceUri};

/// A key of 256 bits that binds the sessions of a stateful transport to those who
/// opened them.
///
/// A session id leaves with a signature that covers who opened the session; for
/// anybody else it names none. So replicas with the same key know each other's
/// sessions.
pub struct SessionKey(Zeroizing<[u8; 32]>);

impl SessionKey {
    /// The key with these bytes, which have to be random.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// A new key, which ends with the process.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Another secret, for the hashes by which tokens are remembered.
    pub(super) fn secret_of_tokens(&self) -> [u8; 16] {
        let mut mac = self.mac();
        // No session id begins with a length of eight times 255.
        mac.update(&[255; 8]);
        let mut secret = [0; 16];
        secret.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        secret
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length")
    }
}

/// The sessions of one endpoint.
///
/// Of those that nobody in particular opened it remembers who used them first, 10,000
/// at most, and as long as there is room.
pub(crate) struct Sessions {
    key: SessionKey,
    /// Replicas share the key, and so may other endpoints.
    resource: String,
    /// By the signature of nobody, that of whoever used the session first.
    taken: Cache<Signature, Signature>,
}

type Signature = [u8; 32];

impl Sessions {
    const TAKEN: usize = 10_000;

    pub(super) fn new(key: SessionKey, resource: &ResourceUri) -> Self {
        Self {
            key,
            resource: resource.as_str().to_owned(),
            taken: Cache::new(Self::TAKEN),
        }
    }

    /// The id under which `caller` knows the session that the handler calls `id`.
    pub(crate) fn bind(&self, id: &str, caller: Option<&VerifiedToken>) -> String {
        let signature = self.signature(id, caller);
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What the handler calls the session that `caller` knows as `bound`; `None` if it
    /// is not theirs.
    ///
    /// A session that nobody in particular opened belongs to the first one who says
    /// who they are, and until then to everybody: whoever began without a token goes
    /// on in the same session once they have one.
    pub(crate) fn unbind<'a>(
        &self,
        bound: &'a str,
        caller: Option<&VerifiedToken>,
    ) -> Option<&'a str> {
        let (id, signature) = bound.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_of = |who| self.sign(id, who).verify_slice(&signature).is_ok();
        let is_theirs = is_of(caller) && caller.is_some();
        let is_free = || is_of(None) && self.take(id, caller);
        (is_theirs || is_free()).then_some(id)
    }

    /// Whether nobody else has used the session before.
    fn take(&self, id: &str, caller: Option<&VerifiedToken>) -> bool {
        let nobody = self.signature(id, None);
        let taken_by = match caller {
            None => return self.taken.peek(&nobody).is_none(),
            Some(_) => self.signature(id, caller),
        };
        let mine = || Ok::<_, Infallible>(taken_by);
        let Ok(first) = self.taken.get_or_insert_with(&nobody, mine);
        first == taken_by
    }

    fn sign(&self, id: &str, caller: Option<&VerifiedToken>) -> Hmac<Sha256> {
        let mut mac = self.key.mac();
        let mut add = |text: &str| {
            // With its length, so that no text runs into the next.
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        };
        add(&self.resource);
        add(id);
        if let Some(token) = caller {
            add(token.issuer());
            add(token.subject().as_str());
            add(token.client_id().map_or("", |client| client.as_str()));
            // Who loses one key of several loses no more than its sessions.
            add(token.api_key_id().map_or("", |key| key.as_str()));
        }
        mac
    }

    fn signature(&self, id: &str, caller: Option<&VerifiedToken>) -> Signature {
        self.sign(id, caller).finalize().into_bytes().into()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sessions")
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionKey(..)")
    }
}
