use std::fmt;

use async_trait::async_trait;
use jsonwebtoken::jwk::EllipticCurve;
use zeroize::Zeroizing;

use crate::jose::key::backend::{PROVIDER, PrivateKey};
use crate::jose::key::pkcs8;
use crate::jose::{Algorithm, InvalidKey, Jwk, SignError, Signer};
use crate::types::Entropy;

/// A private key in this process, for `ES256` or `EdDSA`.
///
/// Its `kid` is the thumbprint of its public half, so that no two keys share one.
/// The key itself never shows when printed and is wiped on drop.
pub struct SigningKey {
    algorithm: Algorithm,
    key_id: String,
    public: Jwk,
    private: PrivateKey,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// How often a random number that cannot be a key is replaced by another.
    ///
    /// One in four billion cannot: a second one means that the source is broken.
    const ATTEMPTS: usize = 4;

    /// A new key, made of nothing but the bytes of `entropy`.
    ///
    /// # Errors
    ///
    /// [`InvalidKey::CannotSign`] unless `algorithm` is `ES256` or `EdDSA`;
    /// [`InvalidKey::Entropy`] if the source of randomness failed.
    pub fn generate(algorithm: Algorithm, entropy: &dyn Entropy) -> Result<Self, InvalidKey> {
        let prefix = match algorithm {
            Algorithm::Es256 => pkcs8::P256_PREFIX,
            Algorithm::EdDsa => pkcs8::ED25519_PREFIX,
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es384 => {
                return Err(InvalidKey::CannotSign(algorithm));
            }
        };
        let mut secret = Zeroizing::new([0_u8; 32]);
        for _ in 0..Self::ATTEMPTS {
            let filled = entropy.fill(secret.as_mut());
            filled.map_err(|_| InvalidKey::Entropy)?;
            // The form is ours, so what fails is a scalar beyond the group's order.
            if let Ok(key) = Self::parse(algorithm, pkcs8::document(prefix, &secret)) {
                return Ok(key);
            }
        }
        Err(InvalidKey::Entropy)
    }

    /// Reads a key from a PKCS#8 document.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if `der` is no private key of `algorithm`, or `algorithm`
    /// is neither `ES256` nor `EdDSA`.
    pub fn from_pkcs8_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, InvalidKey> {
        Self::parse(algorithm, Zeroizing::new(der.to_vec()))
    }

    /// Reads a key from a PEM text with the label `PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if `text` holds no private key of `algorithm`, or
    /// `algorithm` is neither `ES256` nor `EdDSA`.
    pub fn from_pkcs8_pem(algorithm: Algorithm, text: &str) -> Result<Self, InvalidKey> {
        Self::parse(algorithm, pkcs8::from_pem(text).ok_or(InvalidKey::NotPem)?)
    }

    /// The key as a PKCS#8 document, to be kept as a secret.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    fn parse(algorithm: Algorithm, pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, InvalidKey> {
        let private = PrivateKey::parse(algorithm, &pkcs8)?;
        let public = public_half(algorithm, &pkcs8)?;
        let key_id = public.thumbprint();
        let public = public
            .with_key_id(key_id.clone())
            .with_algorithm(algorithm)
            .map_err(|_| InvalidKey::Inconsistent)?;
        Ok(Self {
            algorithm,
            key_id,
            public,
            private,
            pkcs8,
        })
    }
}

/// The public half of a private key that was found to parse.
fn public_half(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Jwk, InvalidKey> {
    let utils = &PROVIDER.key_utils;
    let exact = |octets: Vec<u8>| octets.try_into().map_err(|_| InvalidKey::Malformed);
    match algorithm {
        Algorithm::Es256 => {
            let name = jsonwebtoken::Algorithm::ES256;
            let point = (utils.ec_pub_components_from_private_key)(pkcs8, name);
            let (_, x, y) = point.map_err(|_| InvalidKey::Malformed)?;
            Ok(Jwk::p256(exact(x)?, exact(y)?))
        }
        Algorithm::EdDsa => {
            let curve = EllipticCurve::Ed25519;
            let x = (utils.ed_pub_components_from_private_key)(pkcs8, &curve);
            Ok(Jwk::ed25519(exact(x.map_err(|_| InvalidKey::Malformed)?)?))
        }
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es384 => {
            Err(InvalidKey::CannotSign(algorithm))
        }
    }
}

#[async_trait]
impl Signer for SigningKey {
    fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn key_id(&self) -> &str {
        &self.key_id
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.private.sign(message)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
