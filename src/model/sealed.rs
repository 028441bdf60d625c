use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Bytes that only the holder of a secret can read or change.
///
/// Sealed with XChaCha20-Poly1305 under a key derived from that secret with
/// HKDF-SHA-256: a token that the store never sees, or a [`MasterKey`]. A store
/// keeps them as they are.
///
/// [`MasterKey`]: crate::model::MasterKey
#[derive(Clone, Eq, PartialEq)]
pub struct Sealed(Box<[u8]>);

impl Sealed {
    /// The sealed bytes, for a store to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The sealed bytes, read back from a store.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// As base64url text, of which JSON needs fewer bytes than of a list of numbers.
impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(de::Error::custom)?;
        Ok(Self::from_bytes(bytes))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sealed({} bytes)", self.0.len())
    }
}

/// A value could not be sealed, or the bytes are not what was sealed.
#[derive(Clone, Copy, Debug, Error)]
#[error("a sealed value could not be made or opened")]
pub struct SealError;

#[cfg(feature = "server")]
pub(super) mod seal {
    use chacha20poly1305::aead::{Aead, KeyInit, Payload};
    use chacha20poly1305::{XChaCha20Poly1305, XNonce};
    use hkdf::Hkdf;
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use sha2::Sha256;
    use zeroize::Zeroizing;

    use super::{SealError, Sealed};
    use crate::types::{Entropy, Secret};

    const NONCE_LENGTH: usize = 24;

    /// A key of 256 bits.
    pub(in crate::model) type Key = Zeroizing<[u8; 32]>;

    impl Sealed {
        /// Seals `value` under `secret`; `purpose` keeps what is sealed for one
        /// place from being opened in another.
        pub(crate) fn seal<T: Serialize>(
            value: &T,
            secret: &Secret,
            purpose: &'static str,
            entropy: &dyn Entropy,
        ) -> Result<Self, SealError> {
            let key = derive(secret.expose().as_bytes(), purpose)?;
            let sealed = encrypt(&key, purpose.as_bytes(), value, entropy)?;
            Ok(Self::from_bytes(sealed))
        }

        /// Opens what [`Sealed::seal`] made of the same `secret` and `purpose`.
        pub(crate) fn open<T: DeserializeOwned>(
            &self,
            secret: &Secret,
            purpose: &'static str,
        ) -> Result<T, SealError> {
            let key = derive(secret.expose().as_bytes(), purpose)?;
            decrypt(&key, purpose.as_bytes(), &self.0)
        }
    }

    /// The key for one purpose, from a secret of full entropy.
    pub(in crate::model) fn derive(secret: &[u8], purpose: &str) -> Result<Key, SealError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        Hkdf::<Sha256>::new(None, secret)
            .expand(purpose.as_bytes(), key.as_mut())
            .map_err(|_| SealError)?;
        Ok(key)
    }

    /// A nonce and `value`, which only opens with the same `associated` bytes.
    pub(in crate::model) fn encrypt<T: Serialize>(
        key: &Key,
        associated: &[u8],
        value: &T,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_LENGTH];
        entropy.fill(&mut nonce).map_err(|_| SealError)?;
        let plain = Zeroizing::new(serde_json::to_vec(value).map_err(|_| SealError)?);
        let payload = Payload {
            msg: &plain,
            aad: associated,
        };
        let sealed = XChaCha20Poly1305::new_from_slice(key.as_slice())
            .map_err(|_| SealError)?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`encrypt`] made.
    pub(in crate::model) fn decrypt<T: DeserializeOwned>(
        key: &Key,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<T, SealError> {
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(SealError)?;
        let payload = Payload {
            msg: sealed,
            aad: associated,
        };
        let plain = XChaCha20Poly1305::new_from_slice(key.as_slice())
            .map_err(|_| SealError)?
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| SealError)?;
        serde_json::from_slice(&plain).map_err(|_| SealError)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::types::SystemEntropy;

        #[test]
        fn only_the_same_secret_and_purpose_open_what_was_sealed() {
            let secret = Secret::new("s");
            let sealed = Sealed::seal(&"text", &secret, "a", &SystemEntropy).unwrap();

            assert_eq!(sealed.open::<String>(&secret, "a").unwrap(), "text");
            assert!(sealed.open::<String>(&secret, "b").is_err());
            assert!(sealed.open::<String>(&Secret::new("t"), "a").is_err());
        }

        #[test]
        fn a_changed_or_shortened_text_does_not_open() {
            let secret = Secret::new("s");
            let sealed = Sealed::seal(&"text", &secret, "a", &SystemEntropy).unwrap();
            for position in 0..sealed.0.len() {
                let mut changed = sealed.0.to_vec();
                changed[position] ^= 1;
                let whole = Sealed::from_bytes(changed.clone());
                assert!(whole.open::<String>(&secret, "a").is_err());
                changed.truncate(position);
                let short = Sealed::from_bytes(changed);
                assert!(short.open::<String>(&secret, "a").is_err());
            }
        }
    }
}
