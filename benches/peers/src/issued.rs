//! Tokens of an external authorization server, made when the benchmark starts.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://idp.example.com";
pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";
pub(crate) const SCOPE: &str = "notes:read";
pub(crate) const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];
const KEY_ID: &str = "2026-01";

/// A token, the set of keys that its issuer publishes, and the check of its
/// signature that cannot be saved.
pub(crate) struct Issued {
    pub(crate) algorithm: &'static str,
    pub(crate) token: String,
    pub(crate) jwks: Value,
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Issued {
    pub(crate) fn signed_with(algorithm: &'static str) -> Self {
        let message = signing_input(algorithm);
        let random = SystemRandom::new();
        let (jwk, key, signature) = match algorithm {
            "RS256" => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    message.as_bytes(),
                    &mut signature,
                )
                .expect("a signature");
                let der = pair.public_key().as_ref();
                // The DER of a public key of 2048 bits has its modulus here.
                let jwk = json!({"kty": "RSA", "n": encode(&der[9..265]), "e": "AQAB"});
                let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der);
                (jwk, key, signature)
            }
            "ES256" => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
                let signature = pair.sign(&random, message.as_bytes()).expect("a signature");
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..65]));
                let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                (jwk, key, signature.as_ref().to_vec())
            }
            "EdDSA" => {
                let pair = Ed25519KeyPair::generate().expect("a key");
                let signature = pair.sign(message.as_bytes()).as_ref().to_vec();
                let public = pair.public_key().as_ref();
                let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(public)});
                let key = ParsedPublicKey::new(&ED25519, public);
                (jwk, key, signature)
            }
            other => panic!("there is no key for {other}"),
        };
        let jwk = named(jwk, algorithm);
        Self {
            algorithm,
            token: format!("{message}.{}", encode(&signature)),
            jwks: json!({"keys": [jwk]}),
            key: key.expect("a public key"),
            message: message.into_bytes(),
            signature,
        }
    }

    /// The signature check alone, with the key parsed and the signature decoded.
    pub(crate) fn floor(&self) {
        let result = self.key.verify_sig(&self.message, &self.signature);
        result.expect("a good signature");
    }

    /// A token that says the same and whose signature is wrong.
    pub(crate) fn forged(&self) -> String {
        let (message, _) = self.token.rsplit_once('.').expect("a token");
        let mut signature = self.signature.clone();
        signature[7] ^= 1;
        format!("{message}.{}", encode(&signature))
    }
}

fn named(mut jwk: Value, algorithm: &str) -> Value {
    jwk["alg"] = algorithm.into();
    jwk["kid"] = KEY_ID.into();
    jwk["use"] = "sig".into();
    jwk
}

fn signing_input(algorithm: &str) -> String {
    let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": KEY_ID});
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    let claims = json!({
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": RESOURCE,
        "exp": now + 24 * 60 * 60,
        "iat": now,
        "jti": "bUFmGzXAwjYDn4kRAC",
        "client_id": "s6BhdRkqt3",
        "scope": "notes:read notes:write",
    });
    let part = |value: Value| encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
