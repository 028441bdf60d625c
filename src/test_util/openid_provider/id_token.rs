use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::jose::{Signer, SigningKey};
use crate::test_util::openid_provider::{FakeOpenIdProvider, Fault, SignedIn, new_key};

impl FakeOpenIdProvider {
    /// The ID token for who signed in, as good as the faults let it be.
    pub(super) async fn id_token(&self, signed_in: &SignedIn, access_token: &str) -> String {
        let key = self.state().key.clone();
        let claims = Value::Object(self.claims(signed_in, access_token));
        let input = format!(
            "{}.{}",
            encode_json(&self.header(&key)),
            encode_json(&claims)
        );
        let signature = if self.has(Fault::UnsignedIdToken) {
            Vec::new()
        } else if self.has(Fault::SharedSecretIdToken) {
            shared_secret_signature(signed_in.client.secret.expose().as_bytes(), &input)
        } else if self.has(Fault::PublicKeyIdToken) {
            let public = json!(key.public_jwk()).to_string();
            shared_secret_signature(public.as_bytes(), &input)
        } else if self.has(Fault::ForeignIdToken) {
            sign(&new_key(self.entropy.as_ref()), &input).await
        } else {
            sign(&key, &input).await
        };
        let input = if self.has(Fault::ChangedIdToken) {
            let (header, _) = input.split_once('.').expect("two parts");
            let mut changed = claims;
            changed["sub"] = json!("somebody-else");
            format!("{header}.{}", encode_json(&changed))
        } else {
            input
        };
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header(&self, key: &SigningKey) -> Value {
        let shared = self.has(Fault::SharedSecretIdToken) || self.has(Fault::PublicKeyIdToken);
        let algorithm = match (self.has(Fault::UnsignedIdToken), shared) {
            (true, _) => "none",
            (false, true) => "HS256",
            (false, false) => key.algorithm().as_str(),
        };
        let typ = match self.has(Fault::AccessTokenType) {
            true => "at+jwt",
            false => "JWT",
        };
        let mut header = json!({"alg": algorithm, "typ": typ, "kid": key.key_id()});
        if self.has(Fault::UnknownKeyId) {
            header["kid"] = json!("a-key-in-no-set");
        }
        if self.has(Fault::NoKeyId) {
            header.as_object_mut().map(|header| header.remove("kid"));
        }
        header
    }

    fn claims(&self, signed_in: &SignedIn, access_token: &str) -> Map<String, Value> {
        let now = self.clock.now().as_secs();
        let hashed = match self.has(Fault::WrongAccessTokenHash) {
            true => "another access token",
            false => access_token,
        };
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", json!(self.issuer));
        set("aud", json!(signed_in.client.id));
        set("iat", json!(now));
        set("exp", json!(now + 600));
        set("sub", json!(signed_in.person.subject));
        set("name", json!(signed_in.person.name));
        set("at_hash", json!(half_hash(hashed)));
        if let Some(nonce) = &signed_in.nonce {
            set("nonce", json!(nonce));
        }
        if self.has(Fault::WrongNonce) {
            set("nonce", json!("a nonce that nobody sent"));
        }
        if !self.has(Fault::EmailInUserinfoOnly) {
            set("email", json!(signed_in.person.email()));
            set("email_verified", json!(true));
        }
        claims.extend(self.state().claims.clone());
        claims.retain(|_, value| !value.is_null());
        claims
    }
}

async fn sign(key: &SigningKey, input: &str) -> Vec<u8> {
    let signature = key.sign(input.as_bytes()).await;
    signature.expect("a key in this process signs")
}

fn shared_secret_signature(secret: &[u8], input: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret);
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(input.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn half_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token.as_bytes())[..16])
}

fn encode_json(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
