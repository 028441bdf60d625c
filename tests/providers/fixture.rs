//! What a provider publishes and signs, and a resource that trusts it.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use oauth_for_mcp::VerifiedToken;
use oauth_for_mcp::fetch::{Fetch, FetchError, FetchLimits};
use oauth_for_mcp::resource::provider::{ClientRegistration, Provider};
use oauth_for_mcp::resource::verifier::JwtVerifier;
use oauth_for_mcp::resource::{ResourceError, ResourceServer, TokenRefusal};
use oauth_for_mcp::test_util::TestClock;
use oauth_for_mcp::types::{Clock as _, Issuer, ResourceUri};
use serde_json::{Value, json};

pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";

/// RSA, as all of the vendors sign; made once, since that takes a while.
static KEY: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

/// A provider in the shape that its vendor documents.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) provider: Provider,
    /// Where the vendor says that the keys are.
    pub(crate) published: Vec<(String, Value)>,
    /// Where the vendor says that its metadata is.
    pub(crate) metadata_at: String,
    /// As the vendor documents it, as far as it concerns a resource and its clients.
    pub(crate) metadata: Value,
    /// The header of tokens, without `alg` and `kid`.
    pub(crate) header: Value,
    /// The claims of an access token, without times.
    pub(crate) access_token: Value,
    /// The claims of an ID token of the same sign-in, without times.
    pub(crate) id_token: Value,
    /// The audience, if it is not the URL of the resource.
    pub(crate) audience: Option<&'static str>,
    /// Whether the registration endpoint wants a token that only administrators have.
    pub(crate) administrators_register: bool,
    /// The issuer of another customer of the vendor.
    pub(crate) other_tenant: &'static str,
}

impl Fixture {
    /// Makes sure that the preset takes what it should, and refuses the rest.
    pub(crate) async fn expect_only_access_tokens(&self) -> VerifiedToken {
        let resource = self.resource();
        let good = self.access_token.clone();
        let verified = self.verify(&resource, &good).await.unwrap();

        self.expect_no_id_token(&resource).await;
        // Of whatever kind the header says that they are.
        for header in [self.header.clone(), json!({ "typ": "at+jwt" })] {
            self.expect_no_token_of_others(&resource, &header).await;
        }
        verified
    }

    /// Makes sure that ID tokens are refused, and not because of their audience or of
    /// what only some of them have.
    pub(crate) async fn expect_no_id_token(&self, resource: &ResourceServer) {
        let refused = self.verify(resource, &self.id_token).await;
        assert!(refused.is_err(), "an ID token: {refused:?}");
        let good = &self.access_token;
        let mut id_token = self.id_token.clone();
        for name in ["aud", "client_id"] {
            if good.get(name).is_some() && (name == "aud" || good.get("aud").is_none()) {
                id_token[name] = good[name].clone();
            }
        }
        let refused = self.verify(resource, &id_token).await.unwrap_err();
        expect(&refused, TokenRefusal::Kind);

        for name in ["nonce", "at_hash", "c_hash", "s_hash"] {
            id_token.as_object_mut().unwrap().remove(name);
        }
        let refused = self.verify(resource, &id_token).await.unwrap_err();
        expect(&refused, TokenRefusal::Kind);
    }

    /// Makes sure that good tokens for somebody else or from somebody else are refused.
    pub(crate) async fn expect_no_token_of_others(
        &self,
        resource: &ResourceServer,
        header: &Value,
    ) {
        for audience in ["https://other.example.com/mcp", "other"] {
            let mut other = self.access_token.clone();
            other["aud"] = json!(audience);
            let refused = self.show(resource, &sign(header, &other)).await;
            expect(&refused.unwrap_err(), TokenRefusal::Audience);
        }
        let mut other = self.access_token.clone();
        other["iss"] = json!(self.other_tenant);
        let refused = self.show(resource, &sign(header, &other)).await;
        expect(&refused.unwrap_err(), TokenRefusal::NotAuthentic);
    }

    /// Makes sure that the metadata leads to the very keys that the preset uses, and
    /// says of clients what the preset says.
    pub(crate) async fn expect_metadata_to_agree(&self) {
        let named = self.metadata["issuer"].as_str().unwrap();
        let issuer = Issuer::parse(named).unwrap();
        let known = [self.provider.authorization_server(), self.provider.issuer()];
        assert!(known.contains(&&issuer), "{named}");
        let keys_uri = self.metadata["jwks_uri"].as_str().unwrap();
        assert_eq!(keys_uri, self.published[0].0);

        // Whoever has no preset finds the keys so: an issuer is all that is known.
        let by_metadata = JwtVerifier::builder(issuer.clone(), self.network());
        let by_metadata = Arc::new(by_metadata.build().unwrap());
        let resource = ResourceUri::parse(RESOURCE).unwrap();
        let resource = ResourceServer::builder(resource, vec![issuer], by_metadata)
            .clock(Arc::new(TestClock::default()));
        let mut claims = self.access_token.clone();
        (claims["iss"], claims["aud"]) = (json!(named), json!(RESOURCE));
        let token = sign(&json!({ "typ": "at+jwt" }), &claims);
        self.show(&resource.build().unwrap(), &token).await.unwrap();

        let documents = self.metadata.get("client_id_metadata_document_supported");
        let registers = match self.metadata.get("registration_endpoint") {
            // It is there for administrators.
            Some(_) if self.administrators_register => ClientRegistration::Preregistered,
            Some(_) if documents == Some(&json!(true)) => ClientRegistration::Documents,
            Some(_) => ClientRegistration::Dynamic,
            None => ClientRegistration::Preregistered,
        };
        assert_eq!(self.provider.registration(), registers);
    }

    fn network(&self) -> Arc<dyn Fetch> {
        let mut pages = self.published.clone();
        pages.push((self.metadata_at.clone(), self.metadata.clone()));
        Arc::new(Published(Mutex::new(pages)))
    }

    /// A resource set up as `docs/providers.md` says for this provider.
    pub(crate) fn resource(&self) -> ResourceServer {
        let resource = ResourceUri::parse(RESOURCE).unwrap();
        let network = self.network();
        let guard = self.provider.resource_server(resource, network).unwrap();
        let mut builder = guard.clock(Arc::new(TestClock::default()));
        if let Some(audience) = self.audience {
            builder = builder.accepted_audience(audience);
        }
        builder.build().unwrap()
    }

    /// Shows the resource a token with these claims, well signed.
    pub(crate) async fn verify(
        &self,
        resource: &ResourceServer,
        claims: &Value,
    ) -> Result<VerifiedToken, ResourceError> {
        self.show(resource, &sign(&self.header, claims)).await
    }

    async fn show(
        &self,
        resource: &ResourceServer,
        token: &str,
    ) -> Result<VerifiedToken, ResourceError> {
        let bearer = format!("Bearer {token}");
        let mut headers = HeaderMap::new();
        headers.insert("authorization", bearer.parse().unwrap());
        resource.authenticate(&headers).await
    }
}

#[track_caller]
pub(crate) fn expect(error: &ResourceError, refusal: TokenRefusal) {
    let ResourceError::InvalidToken(found) = error else {
        panic!("{error:?}");
    };
    assert_eq!(*found, refusal);
}

/// The set of keys that every fixture signs with.
pub(crate) fn keys() -> Value {
    // The DER of a public key of 2048 bits has its modulus here.
    let modulus = &KEY.public_key().as_ref()[9..265];
    json!({ "keys": [{
        "kty": "RSA", "use": "sig", "kid": "2026", "e": "AQAB",
        "n": URL_SAFE_NO_PAD.encode(modulus), "x5t": "2026", "x5c": ["AAAA"],
    }] })
}

fn sign(header: &Value, claims: &Value) -> String {
    let now = TestClock::default().now().as_secs();
    let (mut header, mut claims) = (header.clone(), claims.clone());
    header["alg"] = json!("RS256");
    header["kid"] = json!("2026");
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 3600);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; KEY.public_modulus_len()];
    #[expect(clippy::disallowed_methods, reason = "the signature needs no chance")]
    let random = SystemRandom::new();
    KEY.sign(&RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature)
        .unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Pages that a provider publishes; everything else is not found.
struct Published(Mutex<Vec<(String, Value)>>);

impl fmt::Debug for Published {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Published")
    }
}

#[async_trait]
impl Fetch for Published {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        _limits: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let url = request.uri().to_string();
        let pages = self.0.lock().unwrap();
        let page = pages.iter().find(|(known, _)| *known == url);
        let (status, body) = match page {
            Some((_, body)) => (200, body.to_string()),
            None => (404, "not found".to_owned()),
        };
        Ok(Response::builder()
            .status(status)
            .body(body.into())
            .unwrap())
    }
}
