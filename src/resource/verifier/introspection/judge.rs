use std::time::Duration;

use serde_json::{Map, Value};

use crate::jose::Audience;
use crate::protocol::introspect::ActiveToken;
use crate::resource::verifier::renamed_audience::RenamedAudiences;
use crate::resource::verifier::{TokenClaims, TokenKind};
use crate::types::{Issuer, ResourceUri, Subject, Timestamp};

/// How long an answer counts that does not say when its token ends.
const WITHOUT_EXPIRY: Duration = Duration::from_secs(60);

/// What is known of an endpoint, with which its answers are read.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) issuer: Issuer,
    /// For whom a token is if the endpoint does not say; normally for nobody.
    pub(super) assumed_audience: Option<ResourceUri>,
    pub(super) audiences: RenamedAudiences,
}

impl Rules {
    /// What an active token says, or why it is no good access token.
    pub(super) fn judge(
        &self,
        token: ActiveToken,
        now: Timestamp,
    ) -> Result<TokenClaims, &'static str> {
        let issuer = self.issuer.as_str();
        // An endpoint that serves many issuers knows the tokens of all of them.
        if token.issuer.is_some_and(|named| named != issuer) {
            return Err("the endpoint says that it is of another issuer");
        }
        let says_access_token = says_access_token(&token.rest)?;
        let audience = match (token.audience, &self.assumed_audience) {
            (Some(audience), _) => audience,
            (None, None) => return Err("the endpoint does not say for whom it is"),
            (None, Some(_)) if !says_access_token => {
                return Err("the endpoint says neither for whom nor what it is");
            }
            (None, Some(assumed)) => Audience::one(assumed.as_str()),
        };
        let subject = token.subject.or_else(|| {
            let client = token.client_id.as_ref()?;
            Subject::parse(client.as_str()).ok()
        });
        let subject = subject.ok_or("the endpoint does not say for whom it speaks")?;
        let expires_at = token.expires_at.unwrap_or(now.plus(WITHOUT_EXPIRY));
        let kind = TokenKind::AccessToken;
        let mut claims = TokenClaims::new(kind, issuer, subject, audience, expires_at);
        claims.client_id = token.client_id;
        claims.scope = token.scope.unwrap_or_default();
        claims.not_before = token.not_before;
        claims.extra = token.rest;
        Ok(self.audiences.resolve(claims))
    }
}

/// Where servers say what kind of token it is, and what they call an access token.
///
/// RFC 7662 has `token_type` alone, which a refresh token may have as well.
const KINDS: [(&str, &[&str]); 3] = [
    ("token_type", &["bearer", "access_token"]),
    // Keycloak; `Refresh`, `Offline` and `ID` are its others.
    ("typ", &["bearer", "at+jwt", "application/at+jwt"]),
    // Ory Hydra; `refresh_token` is its other.
    ("token_use", &["access_token", "access"]),
];

/// Whether the endpoint says that it is an access token; it may say nothing.
///
/// Err if it says something else, or that the token is bound to a key of its client,
/// which a bearer does not show.
fn says_access_token(rest: &Map<String, Value>) -> Result<bool, &'static str> {
    if rest.contains_key("cnf") {
        return Err("it is bound to a key of its client");
    }
    let mut said = false;
    for (name, names_of_access_tokens) in KINDS {
        let Some(value) = rest.get(name) else {
            continue;
        };
        let is_one = |text: &str| {
            let mut names = names_of_access_tokens.iter();
            names.any(|name| name.eq_ignore_ascii_case(text))
        };
        if !value.as_str().is_some_and(is_one) {
            return Err("it is no access token");
        }
        said = true;
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::introspect::Introspection;
    use crate::types::Scope;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn judged_by(rules: &Rules, change: Value) -> Result<TokenClaims, &'static str> {
        let mut answer = json!({
            "active": true,
            "aud": "https://mcp.example/mcp",
            "client_id": "robot",
            "exp": 2_000,
        });
        let members = answer.as_object_mut().unwrap();
        let Value::Object(change) = change else {
            panic!("a change is an object")
        };
        members.extend(change);
        let Introspection::Active(token) =
            Introspection::parse(answer.to_string().as_bytes()).unwrap()
        else {
            panic!("it is active")
        };
        rules.judge(*token, NOW)
    }

    fn rules() -> Rules {
        Rules {
            issuer: Issuer::parse("https://a.example").unwrap(),
            assumed_audience: None,
            audiences: RenamedAudiences::default(),
        }
    }

    fn judged(change: Value) -> Result<TokenClaims, &'static str> {
        judged_by(&rules(), change)
    }

    #[test]
    fn an_issuer_may_be_left_out_and_is_compared_byte_for_byte() {
        for change in [json!({}), json!({"iss": "https://a.example"})] {
            assert_eq!(judged(change).unwrap().issuer, "https://a.example");
        }
        for other in ["https://a.example/", "https://A.example", "https://b", ""] {
            assert!(judged(json!({ "iss": other })).is_err(), "{other}");
        }
    }

    #[test]
    fn what_the_endpoint_calls_something_else_is_no_access_token() {
        for good in [
            json!({"token_type": "Bearer"}),
            json!({"token_type": "bearer"}),
            json!({"token_type": "BEARER", "typ": "Bearer"}),
            json!({"token_type": "access_token"}),
            json!({"typ": "at+jwt"}),
            json!({"token_type": "Bearer", "token_use": "access_token"}),
        ] {
            assert!(judged(good.clone()).is_ok(), "{good}");
        }
        for bad in [
            json!({"token_type": "refresh_token"}),
            json!({"token_type": "DPoP"}),
            json!({"token_type": "N_A"}),
            json!({"token_type": ""}),
            json!({"token_type": ["Bearer"]}),
            json!({"token_type": "Bearer", "typ": "Refresh"}),
            json!({"typ": "Offline"}),
            json!({"typ": "ID"}),
            json!({"token_type": "Bearer", "token_use": "refresh_token"}),
            json!({"token_use": "id"}),
            json!({"token_type": "Bearer", "cnf": {"x5t#S256": "x"}}),
            json!({"cnf": {}}),
        ] {
            assert!(judged(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_speaks_is_the_client_if_nobody_else_is_named_and_never_called_a_machine() {
        let machine = judged(json!({})).unwrap();
        assert_eq!(machine.subject.as_str(), "robot");
        assert!(!machine.is_machine, "nobody said so");
        let person = judged(json!({"sub": "ada"})).unwrap();
        assert_eq!(person.subject.as_str(), "ada");
        assert!(judged(json!({"client_id": null})).is_err(), "nobody");
        // A client id may be longer than a subject.
        assert!(judged(json!({"client_id": "a".repeat(256)})).is_err());
    }

    #[test]
    fn an_audience_is_never_made_up_unless_the_host_says_so() {
        let nobody = json!({"aud": null, "token_type": "Bearer"});
        assert!(judged(nobody.clone()).is_err());
        let assuming = Rules {
            assumed_audience: ResourceUri::parse("https://mcp.example/mcp").ok(),
            ..rules()
        };
        let claims = judged_by(&assuming, nobody).unwrap();
        assert!(claims.audience.contains("https://mcp.example/mcp"));
        // Some endpoints tell a refresh token by saying nothing of it.
        assert!(judged_by(&assuming, json!({"aud": null})).is_err());
        for told in [json!([]), json!("https://other.example")] {
            let claims = judged_by(&assuming, json!({ "aud": told })).unwrap();
            assert!(!claims.audience.contains("https://mcp.example/mcp"));
        }
    }

    #[test]
    fn a_token_without_an_end_is_good_for_a_minute() {
        let claims = judged(json!({"exp": null})).unwrap();
        assert_eq!(claims.expires_at, Timestamp::from_secs(1_060));
        let claims = judged(json!({"exp": 7})).unwrap();
        assert_eq!(claims.expires_at, Timestamp::from_secs(7));
    }

    #[test]
    fn everything_else_is_handed_on() {
        let told = json!({"scope": "a b", "nbf": 5, "username": "Ada", "jti": "7"});
        let claims = judged(told).unwrap();
        assert_eq!(Ok(claims.scope), Scope::parse("a b"));
        assert_eq!(claims.not_before, Some(Timestamp::from_secs(5)));
        assert_eq!(claims.extra["username"], "Ada");
        assert_eq!(claims.extra["jti"], "7");
        assert!(judged(json!({})).unwrap().scope.is_empty());
    }
}
