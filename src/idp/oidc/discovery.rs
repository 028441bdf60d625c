use http::Uri;
use serde::Deserialize;
use url::Url;

use crate::fetch::Fetch;
use crate::fetch::document::endpoint_of;
use crate::idp::oidc::document;
use crate::idp::oidc::error::{Document, OidcError};
use crate::types::Issuer;

/// How to authenticate at a provider's token endpoint ([RFC 6749, section 2.3.1]).
///
/// [RFC 6749, section 2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OpenIdClientAuth {
    /// In the `Authorization` header (`client_secret_basic`).
    Basic,
    /// In the form (`client_secret_post`).
    Post,
}

/// What a provider says about itself ([OpenID Connect Discovery, section 3]).
///
/// [OpenID Connect Discovery, section 3]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Uri,
    pub(super) jwks_uri: Uri,
    pub(super) userinfo_endpoint: Option<Uri>,
    /// `None` if the provider takes a secret in no way that we know.
    pub(super) client_auth: Option<OpenIdClientAuth>,
    /// Whether every authorization answer names its issuer ([RFC 9207]).
    ///
    /// [RFC 9207]: https://www.rfc-editor.org/rfc/rfc9207#section-3
    pub(super) answers_name_issuer: bool,
}

#[derive(Deserialize)]
struct WireMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

/// Fetches the metadata of `issuer` from its well-known place.
pub(super) async fn load(fetch: &dyn Fetch, issuer: &Issuer) -> Result<Metadata, OidcError> {
    let uri = issuer.endpoint("/.well-known/openid-configuration");
    let uri = uri.parse().map_err(|_| OidcError::Request)?;
    judge(
        document::load(fetch, &uri, Document::Metadata).await?,
        issuer,
    )
}

fn judge(wire: WireMetadata, issuer: &Issuer) -> Result<Metadata, OidcError> {
    if wire.issuer != issuer.as_str() {
        return Err(OidcError::MetadataOfAnother);
    }
    let endpoint = |name, text: &str| endpoint_of(issuer, text).ok_or(OidcError::Endpoint(name));
    let uri = |name, text: &str| {
        let url = endpoint(name, text)?;
        url.as_str().parse().map_err(|_| OidcError::Endpoint(name))
    };
    let userinfo_endpoint = wire.userinfo_endpoint.as_deref();
    Ok(Metadata {
        authorization_endpoint: endpoint("authorization_endpoint", &wire.authorization_endpoint)?,
        token_endpoint: uri("token_endpoint", &wire.token_endpoint)?,
        jwks_uri: uri("jwks_uri", &wire.jwks_uri)?,
        userinfo_endpoint: userinfo_endpoint
            .map(|text| uri("userinfo_endpoint", text))
            .transpose()?,
        client_auth: client_auth(wire.token_endpoint_auth_methods_supported.as_deref()),
        answers_name_issuer: wire.authorization_response_iss_parameter_supported == Some(true),
    })
}

/// The way that the provider takes a secret; basic if it does not say.
fn client_auth(methods: Option<&[String]>) -> Option<OpenIdClientAuth> {
    let Some(methods) = methods else {
        return Some(OpenIdClientAuth::Basic);
    };
    let offered = |name: &str| methods.iter().any(|method| method == name);
    if offered("client_secret_basic") {
        return Some(OpenIdClientAuth::Basic);
    }
    offered("client_secret_post").then_some(OpenIdClientAuth::Post)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://op.example/tenant";

    fn judged(issuer: &str, change: impl FnOnce(&mut Value)) -> Result<Metadata, String> {
        let mut metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": "https://op.example/authorize?tenant=1",
            "token_endpoint": "https://op.example/token",
            "jwks_uri": "https://op.example/jwks",
            "userinfo_endpoint": "https://op.example/userinfo",
            "more": {"is": "ignored"},
        });
        change(&mut metadata);
        let wire = serde_json::from_value(metadata).map_err(|error| error.to_string())?;
        let issuer = Issuer::parse(issuer).unwrap();
        judge(wire, &issuer).map_err(|error| error.to_string())
    }

    #[test]
    fn metadata_of_another_issuer_is_refused_even_if_a_slash_is_all_that_differs() {
        assert!(judged(ISSUER, |_| ()).is_ok());
        for other in [
            "https://op.example/tenant/",
            "https://OP.example/tenant",
            "",
        ] {
            let error = judged(ISSUER, |metadata| metadata["issuer"] = json!(other));
            assert_eq!(
                error.unwrap_err(),
                OidcError::MetadataOfAnother.to_string(),
                "{other}"
            );
        }
    }

    #[test]
    fn every_endpoint_is_https_unless_everything_is_on_this_machine() {
        let names = [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
        ];
        for name in names {
            for bad in [
                "http://op.example/x",
                "http://127.0.0.1/x",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "https://u:p@op.example/x",
                "https://op.example/x#y",
                "/relative",
                "",
            ] {
                let error = judged(ISSUER, |metadata| metadata[name] = json!(bad));
                let expected = OidcError::Endpoint(name).to_string();
                assert_eq!(error.unwrap_err(), expected, "{name}: {bad}");
            }
            let here = "http://127.0.0.1:9";
            let local = |metadata: &mut Value| metadata[name] = json!("http://localhost:9/x");
            assert!(judged(here, local).is_ok());
            let away = |metadata: &mut Value| metadata[name] = json!("http://op.example/x");
            assert!(judged(here, away).is_err());
        }
    }

    #[test]
    fn the_way_to_authenticate_is_chosen_from_what_the_provider_takes() {
        let chosen = |methods: Value| {
            let name = "token_endpoint_auth_methods_supported";
            judged(ISSUER, |metadata| metadata[name] = methods)
                .unwrap()
                .client_auth
        };
        let (basic, post) = (Some(OpenIdClientAuth::Basic), Some(OpenIdClientAuth::Post));
        assert_eq!(judged(ISSUER, |_| ()).unwrap().client_auth, basic);
        assert_eq!(chosen(Value::Null), basic);
        let both = json!(["client_secret_post", "client_secret_basic"]);
        assert_eq!(chosen(both), basic);
        assert_eq!(chosen(json!(["none", "client_secret_post"])), post);
        assert_eq!(chosen(json!(["private_key_jwt"])), None);
    }
}
