use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::resource::verified::VerifiedToken;
use crate::types::{Entropy, EntropyError};

/// A key of 256 bits that binds the sessions of a stateful transport to those who
/// opened them.
///
/// A session id leaves with a signature that covers who opened the session; for
/// anybody else it names none. So nothing is remembered, and replicas with the
/// same key know each other's sessions.
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

    /// The id under which `caller` knows the session that the handler calls `id`.
    pub(crate) fn bind(&self, id: &str, caller: Option<&VerifiedToken>) -> String {
        let signature = self.sign(id, caller).finalize().into_bytes();
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What the handler calls the session that `caller` knows as `bound`; `None` if
    /// somebody else opened it.
    ///
    /// A session that nobody in particular opened is open to everybody.
    pub(crate) fn unbind<'a>(
        &self,
        bound: &'a str,
        caller: Option<&VerifiedToken>,
    ) -> Option<&'a str> {
        let (id, signature) = bound.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_of = |who| self.sign(id, who).verify_slice(&signature).is_ok();
        (is_of(caller) || is_of(None)).then_some(id)
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

    fn sign(&self, id: &str, caller: Option<&VerifiedToken>) -> Hmac<Sha256> {
        let mut mac = self.mac();
        let mut add = |text: &str| {
            // With its length, so that no text runs into the next.
            mac.update(&text.len().to_be_bytes());
            mac.update(text.as_bytes());
        };
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
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionKey(..)")
    }
}
