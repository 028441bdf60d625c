//! Tokens of other issuers, made when the benchmark starts.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_for_mcp::jose::{Algorithm, Jwk, Jws, VerifyingKey};

use crate::bearer::Floor;

const CLAIMS: &str = r#"{"iss":"https://idp.example.com","sub":"248289761001","aud":"https://mcp.example.com/mcp","exp":1790000600,"iat":1790000000,"jti":"bUFmGzXAwjYDn4kRAC","client_id":"s6BhdRkqt3","scope":"notes:read notes:write"}"#;

/// A token that somebody else signed, and the key to check it with.
pub(crate) struct Foreign {
    token: String,
    key: VerifyingKey,
    floor: Floor,
}

impl Foreign {
    pub(crate) fn signed_with(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Self::rsa(algorithm),
            Algorithm::Es384 => Self::p384(),
            Algorithm::Es256 | Algorithm::EdDsa => panic!("{algorithm} is one of our own"),
        }
    }

    fn rsa(algorithm: Algorithm) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = pair.public_key().as_ref();
        // The DER of a public key of 2048 bits has its modulus here.
        let jwk = Jwk::rsa(der[9..265].to_vec(), vec![1, 0, 1]).expect("a key");
        let pss = algorithm == Algorithm::Ps256;
        let (signing, checking) = if pss {
            (&RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256)
        } else {
            (&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256)
        };
        let message = signing_input(algorithm);
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            signing,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        )
        .expect("a signature");
        let public = ParsedPublicKey::new(checking, der).expect("a public key");
        Self::new(algorithm, jwk, public, &message, &signature)
    }

    fn p384() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        let point = pair.public_key().as_ref();
        let number = |range: std::ops::Range<usize>| point[range].try_into().expect("48 octets");
        let jwk = Jwk::p384(number(1..49), number(49..97));
        let message = signing_input(Algorithm::Es384);
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes());
        let signature = signature.expect("a signature");
        let public = ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).expect("a public key");
        Self::new(Algorithm::Es384, jwk, public, &message, signature.as_ref())
    }

    fn new(
        algorithm: Algorithm,
        jwk: Jwk,
        public: ParsedPublicKey,
        message: &str,
        signature: &[u8],
    ) -> Self {
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        let jwk = jwk.with_algorithm(algorithm).expect("a key for it");
        Self {
            key: VerifyingKey::from_jwk(&jwk).expect("a key"),
            floor: Floor::of_token(public, &token),
            token,
        }
    }

    /// Takes the token apart and checks its signature.
    pub(crate) fn verify(&self) {
        let jws = Jws::parse(&self.token).expect("a token");
        let verified = jws.verify(&self.key).expect("a good signature");
        std::hint::black_box(verified);
    }

    pub(crate) const fn floor(&self) -> &Floor {
        &self.floor
    }
}

fn signing_input(algorithm: Algorithm) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"2026-01"}}"#);
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}", encode(&header), encode(CLAIMS))
}
