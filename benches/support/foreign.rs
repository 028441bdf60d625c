//! Tokens of other issuers, made when the benchmark starts.

use std::cell::Cell;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use oauth_for_mcp::jose::{Algorithm, Jwk, JwkSet};
use oauth_for_mcp::resource::verifier::JwtVerifier;
use oauth_for_mcp::resource::{ResourceServer, ResourceServerBuilder, ScopePolicy};
use oauth_for_mcp::types::{Issuer, ResourceUri};

use crate::bearer::{BODY, Floor};
use crate::published::Published;
use crate::ready::ready;

const ISSUER: &str = "https://idp.example.com";
const KEY_ID: &str = "2026-01";

const CLAIMS: &str = r#"{"iss":"https://idp.example.com","sub":"248289761001","aud":"https://mcp.example.com/mcp","exp":9790000600,"iat":1790000000,"jti":"bUFmGzXAwjDYn4kRAC","client_id":"s6BhdRkqt3","scope":"notes:read notes:write"}"#;

/// Tokens that somebody else signed, and the key to check them with.
pub(crate) struct Foreign {
    guard: ResourceServer,
    requests: Vec<(HeaderMap, Floor)>,
    /// The next one to look at.
    next: Cell<usize>,
}

/// Signs a message.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// Somebody who signs.
struct Issuing {
    algorithm: Algorithm,
    jwk: Jwk,
    public: ParsedPublicKey,
    sign: Sign,
}

impl Foreign {
    /// As many tokens, at a guard that is otherwise as it is by default.
    pub(crate) fn signed_with(
        algorithm: Algorithm,
        tokens: usize,
        configure: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Self {
        Issuing::with(algorithm).issue(tokens, configure)
    }

    /// Everything between the header and the handler, for one token after another.
    pub(crate) fn verify(&self) {
        let (headers, _) = self.next();
        let token = ready(self.guard.authenticate(headers)).expect("a good token");
        let decided = self.guard.authorize(Some(&token), headers, Some(BODY));
        decided.expect("enough scope");
        std::hint::black_box(token);
    }

    /// The bare signature check of one token after another.
    pub(crate) fn floor(&self) -> &Floor {
        &self.next().1
    }

    fn next(&self) -> &(HeaderMap, Floor) {
        let next = self.next.get();
        self.next.set((next + 1) % self.requests.len());
        &self.requests[next]
    }
}

impl Issuing {
    fn with(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Self::rsa(algorithm),
            Algorithm::Es384 => Self::p384(),
            Algorithm::Es256 => Self::p256(),
            Algorithm::EdDsa => Self::ed25519(),
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
        let public = ParsedPublicKey::new(checking, der).expect("a public key");
        Self::new(algorithm, jwk, public, move |message| {
            let mut signature = vec![0; pair.public_modulus_len()];
            let signed = pair.sign(signing, &SystemRandom::new(), message, &mut signature);
            signed.expect("a signature");
            signature
        })
    }

    fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let point = pair.public_key().as_ref();
        let number = |range: std::ops::Range<usize>| point[range].try_into().expect("32 octets");
        let jwk = Jwk::p256(number(1..33), number(33..65));
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).expect("a public key");
        Self::new(Algorithm::Es256, jwk, public, move |message| {
            let signature = pair.sign(&SystemRandom::new(), message);
            signature.expect("a signature").as_ref().to_vec()
        })
    }

    fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let octets = pair.public_key().as_ref();
        let jwk = Jwk::ed25519(octets.try_into().expect("32 octets"));
        let public = ParsedPublicKey::new(&ED25519, octets).expect("a public key");
        Self::new(Algorithm::EdDsa, jwk, public, move |message| {
            pair.sign(message).as_ref().to_vec()
        })
    }

    fn p384() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        let point = pair.public_key().as_ref();
        let number = |range: std::ops::Range<usize>| point[range].try_into().expect("48 octets");
        let jwk = Jwk::p384(number(1..49), number(49..97));
        let public = ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).expect("a public key");
        Self::new(Algorithm::Es384, jwk, public, move |message| {
            let signature = pair.sign(&SystemRandom::new(), message);
            signature.expect("a signature").as_ref().to_vec()
        })
    }

    fn new(
        algorithm: Algorithm,
        jwk: Jwk,
        public: ParsedPublicKey,
        sign: impl Fn(&[u8]) -> Vec<u8> + 'static,
    ) -> Self {
        let jwk = jwk.with_algorithm(algorithm).expect("a key for it");
        Self {
            algorithm,
            jwk: jwk.with_key_id(KEY_ID),
            public,
            sign: Box::new(sign),
        }
    }

    fn issue(
        self,
        tokens: usize,
        configure: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Foreign {
        let requests = (0..tokens).map(|number| {
            let token = self.token(number);
            let value = format!("Bearer {token}").parse().expect("a header");
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            (headers, Floor::of_token(self.public.clone(), &token))
        });
        Foreign {
            requests: requests.collect(),
            next: Cell::new(0),
            guard: configure(guard(&JwkSet::new(vec![self.jwk.clone()])))
                .build()
                .expect("good settings"),
        }
    }

    fn token(&self, number: usize) -> String {
        let header = format!(
            r#"{{"alg":"{}","typ":"at+jwt","kid":"{KEY_ID}"}}"#,
            self.algorithm
        );
        let claims = CLAIMS.replace("DYn4kRAC", &format!("{number:08}"));
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode((self.sign)(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// A server that trusts the issuer, whose keys it fetches.
fn guard(jwks: &JwkSet) -> ResourceServerBuilder {
    let issuer = Issuer::parse(ISSUER).expect("an issuer");
    let fetch = Published(serde_json::to_vec(jwks).expect("keys are JSON").into());
    let verifier = JwtVerifier::builder(issuer.clone(), Arc::new(fetch))
        .keys_uri("https://idp.example.com/jwks")
        .build()
        .expect("good settings");
    let resource = ResourceUri::parse("https://mcp.example.com/mcp").expect("a resource");
    let policy = ScopePolicy::builder()
        .connect("notes:read")
        .tool("add_note", "notes:write")
        .build();
    ResourceServer::builder(resource, vec![issuer], Arc::new(verifier))
        .scope_policy(policy.expect("good entries"))
}
