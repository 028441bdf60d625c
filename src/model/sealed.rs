use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes that only the holder of a secret can read or change.
///
/// Sealed with XChaCha20-Poly1305 under a key derived from that secret with
/// HKDF-SHA-256. A store keeps them as they are.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The sealed bytes, for a store to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The sealed bytes, read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
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
mod seal {
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

    impl Sealed {
        /// Seals `value` under `secret`; `purpose` keeps what is sealed for one
        /// place from being opened in another.
        pub(crate) fn seal<T: Serialize>(
            value: &T,
            secret: &Secret,
            purpose: &'static str,
            entropy: &dyn Entropy,
        ) -> Result<Self, SealError> {
            let mut nonce = [0_u8; NONCE_LENGTH];
            entropy.fill(&mut nonce).map_err(|_| SealError)?;
            let plain = Zeroizing::new(serde_json::to_vec(value).map_err(|_| SealError)?);
            let payload = Payload {
                msg: &plain,
                aad: purpose.as_bytes(),
            };
            let sealed = cipher(secret, purpose)?
                .encrypt(&XNonce::from(nonce), payload)
                .map_err(|_| SealError)?;
            Ok(Self([nonce.as_slice(), &sealed].concat()))
        }

        /// Opens what [`Sealed::seal`] made of the same `secret` and `purpose`.
        pub(crate) fn open<T: DeserializeOwned>(
            &self,
            secret: &Secret,
            purpose: &'static str,
        ) -> Result<T, SealError> {
            let (nonce, sealed) = self
                .0
                .split_first_chunk::<NONCE_LENGTH>()
                .ok_or(SealError)?;
            let payload = Payload {
                msg: sealed,
                aad: purpose.as_bytes(),
            };
            let plain = cipher(secret, purpose)?
                .decrypt(&XNonce::from(*nonce), payload)
                .map(Zeroizing::new)
                .map_err(|_| SealError)?;
            serde_json::from_slice(&plain).map_err(|_| SealError)
        }
    }

    fn cipher(secret: &Secret, purpose: &'static str) -> Result<XChaCha20Poly1305, SealError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        Hkdf::<Sha256>::new(None, secret.expose().as_bytes())
            .expand(purpose.as_bytes(), key.as_mut())
            .map_err(|_| SealError)?;
        XChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|_| SealError)
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
                let mut changed = sealed.clone();
                changed.0[position] ^= 1;
                assert!(changed.open::<String>(&secret, "a").is_err());
                changed.0.truncate(position);
                assert!(changed.open::<String>(&secret, "a").is_err());
            }
        }
    }
}
