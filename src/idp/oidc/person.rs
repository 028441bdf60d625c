use serde_json::{Map, Value};

use crate::model::Identity;
use crate::types::{Issuer, Subject};

/// Claims that are about the token, not about the person.
const ABOUT_THE_TOKEN: [&str; 12] = [
    "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "at_hash", "c_hash", "s_hash",
];

/// The person that these claims describe.
pub(super) fn identity(
    issuer: &Issuer,
    subject: Subject,
    mut claims: Map<String, Value>,
) -> Identity {
    let mut identity = Identity::new(issuer.as_str(), subject);
    for name in ABOUT_THE_TOKEN {
        claims.remove(name);
    }
    take_email(&mut identity, &mut claims);
    identity.name = text(claims.remove("name"));
    identity.claims = claims;
    identity
}

/// The same person with what the userinfo adds; it replaces nothing that was signed.
pub(super) fn completed(mut identity: Identity, mut claims: Map<String, Value>) -> Identity {
    if identity.email.is_none() {
        take_email(&mut identity, &mut claims);
    }
    let name = text(claims.remove("name"));
    identity.name = identity.name.or(name);
    for name in ABOUT_THE_TOKEN.iter().chain(&["email", "email_verified"]) {
        claims.remove(*name);
    }
    for (name, value) in claims {
        identity.claims.entry(name).or_insert(value);
    }
    identity
}

/// Takes the address and what is said about it, always from the same claims: the
/// one may not vouch for the other's address.
fn take_email(identity: &mut Identity, claims: &mut Map<String, Value>) {
    identity.email = text(claims.remove("email"));
    let verified = claims.remove("email_verified");
    // Some providers write the truth value as a text.
    let said = matches!(verified, Some(Value::Bool(true)))
        || matches!(verified, Some(Value::String(text)) if text == "true");
    identity.email_verified = identity.email.is_some() && said;
}

/// The text of a claim that can be shown to people.
fn text(claim: Option<Value>) -> Option<String> {
    let Some(Value::String(text)) = claim else {
        return None;
    };
    let shown = !text.trim().is_empty() && !text.chars().any(char::is_control);
    shown.then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(json: Value) -> Map<String, Value> {
        serde_json::from_value(json).unwrap()
    }

    fn person(json: Value) -> Identity {
        let issuer = Issuer::parse("https://op.example").unwrap();
        identity(&issuer, Subject::parse("alice").unwrap(), map(json))
    }

    #[test]
    fn claims_become_an_identity_and_the_rest_is_kept() {
        let claims = json!({
            "iss": "https://op.example", "sub": "alice", "nonce": "n", "email": "a@b.example",
            "email_verified": true, "name": "Alice", "groups": ["x"],
        });
        let person = person(claims);
        assert_eq!(person.provider, "https://op.example");
        assert_eq!(person.email.as_deref(), Some("a@b.example"));
        assert!(person.email_verified);
        assert_eq!(person.name.as_deref(), Some("Alice"));
        assert_eq!(person.claims, map(json!({"groups": ["x"]})));
    }

    #[test]
    fn an_address_is_verified_only_if_the_provider_says_so_of_this_address() {
        for (claims, verified) in [
            (json!({"email": "a@b.example"}), false),
            (
                json!({"email": "a@b.example", "email_verified": "true"}),
                true,
            ),
            (
                json!({"email": "a@b.example", "email_verified": "false"}),
                false,
            ),
            (json!({"email": "a@b.example", "email_verified": 1}), false),
            (json!({"email_verified": true}), false),
            (json!({"email": 7, "email_verified": true}), false),
        ] {
            assert_eq!(person(claims.clone()).email_verified, verified, "{claims}");
        }
        let vouched = person(json!({"email_verified": true}));
        let completed = completed(vouched, map(json!({"email": "evil@b.example"})));
        assert_eq!(completed.email.as_deref(), Some("evil@b.example"));
        assert!(!completed.email_verified);
    }

    #[test]
    fn the_userinfo_replaces_nothing_that_was_signed() {
        let signed = person(json!({"name": "Alice", "groups": ["x"]}));
        let info = json!({"sub": "alice", "name": "Eve", "groups": ["admin"], "locale": "de"});
        let completed = completed(signed, map(info));
        assert_eq!(completed.name.as_deref(), Some("Alice"));
        let expected = map(json!({"groups": ["x"], "locale": "de"}));
        assert_eq!(completed.claims, expected);
    }
}
