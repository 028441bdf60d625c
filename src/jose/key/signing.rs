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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::VerifyingKey;
    use crate::jose::key::test_entropy::Repeated;

    /// Made by `openssl genpkey`, which adds the public half.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQwh1dG1E9BVJnWw2
bdf94XcKtS1tPzrFKk0vmalKHEOhRANCAASXZGT8gGsHVi9BpJ9S0j3/uS7l5FT6
K+nmTTJBt/ok2EU+JD157935E23bvF1hxzQyKb2XmTJBjcqHGPXEL7QR
-----END PRIVATE KEY-----
";

    #[tokio::test]
    async fn a_key_verifies_what_it_signed_also_after_it_was_stored() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let key = SigningKey::generate(algorithm, &Repeated::byte(7)).unwrap();
            let stored = SigningKey::from_pkcs8_der(algorithm, &key.to_pkcs8_der()).unwrap();
            assert_eq!(stored.public_jwk(), key.public_jwk());

            let signature = stored.sign(b"message").await.unwrap();
            let public = VerifyingKey::from_jwk(key.public_jwk()).unwrap();
            assert_eq!(signature.len(), 64);
            assert!(public.verify(algorithm, b"message", &signature).is_ok());
            assert!(public.verify(algorithm, b"massage", &signature).is_err());
        }
    }

    #[test]
    fn a_key_is_made_of_the_given_randomness_alone() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let made_of = |byte| {
                let key = SigningKey::generate(algorithm, &Repeated::byte(byte)).unwrap();
                key.public_jwk().clone()
            };
            assert_eq!(made_of(7), made_of(7));
            assert_ne!(made_of(7), made_of(8));
        }
    }

    #[test]
    fn a_scalar_beyond_the_group_is_drawn_again() {
        let generate = |blocks| {
            let entropy = Repeated::blocks(blocks);
            SigningKey::generate(Algorithm::Es256, &entropy).map(|key| key.key_id)
        };
        let expected = generate(vec![[7; 32]]).unwrap();
        assert_eq!(generate(vec![[0; 32], [0xff; 32], [7; 32]]), Ok(expected));
        assert_eq!(generate(vec![[0; 32]]), Err(InvalidKey::Entropy));
        assert_eq!(generate(vec![[0xff; 32]]), Err(InvalidKey::Entropy));
        assert_eq!(generate(vec![]), Err(InvalidKey::Entropy));
    }

    #[test]
    fn the_kid_is_the_thumbprint_of_the_public_half() {
        let key = SigningKey::from_pkcs8_pem(Algorithm::Es256, PEM).unwrap();
        let json = serde_json::to_value(key.public_jwk()).unwrap();
        assert_eq!(json["x"], "l2Rk_IBrB1YvQaSfUtI9_7ku5eRU-ivp5k0yQbf6JNg");
        assert_eq!(json["y"], "RT4kPXnv3fkTbdu8XWHHNDIpvZeZMkGNyocY9cQvtBE");
        assert_eq!(json["kid"], key.public_jwk().thumbprint());
        assert_eq!(json["alg"], "ES256");
        assert!(json.get("d").is_none());
    }

    #[test]
    fn what_is_no_key_of_the_algorithm_is_refused() {
        let pem = |text: &str| SigningKey::from_pkcs8_pem(Algorithm::Es256, text).err();
        assert_eq!(pem(""), Some(InvalidKey::NotPem));
        assert_eq!(
            pem(&PEM.replace("PRIV", "EC PRIV")),
            Some(InvalidKey::NotPem)
        );
        assert_eq!(pem(&PEM.replace("MIGH", "M!GH")), Some(InvalidKey::NotPem));
        assert_eq!(
            pem(&PEM.replace("MIGH", "MIGG")),
            Some(InvalidKey::Malformed)
        );
        let wrong = SigningKey::from_pkcs8_pem(Algorithm::EdDsa, PEM);
        assert_eq!(wrong.err(), Some(InvalidKey::Malformed));
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es384] {
            let expected = Some(InvalidKey::CannotSign(algorithm));
            let read = SigningKey::from_pkcs8_pem(algorithm, PEM);
            assert_eq!(read.err(), expected);
            let made = SigningKey::generate(algorithm, &Repeated::byte(7));
            assert_eq!(made.err(), expected);
        }
    }

    #[test]
    fn a_key_does_not_show_itself_when_printed() {
        let key = SigningKey::generate(Algorithm::EdDsa, &Repeated::byte(7)).unwrap();
        let expected = format!(
            "SigningKey {{ algorithm: EdDsa, key_id: {:?}, .. }}",
            key.key_id
        );
        assert_eq!(format!("{key:?}"), expected);
    }
}
