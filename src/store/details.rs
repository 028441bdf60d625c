use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{GrantDetails, Identity};
use crate::types::{ResourceUri, Scope, Subject, Timestamp};

/// [`GrantDetails`] as they are sealed: with short names and without what goes
/// without saying, as every store keeps them for every grant.
#[derive(Deserialize, Serialize)]
pub(super) struct SealedDetails {
    /// Left out for a machine, which signs in nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// The person at the identity provider, or the machine.
    sub: Subject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    told: Map<String, Value>,
    /// For whom the tokens speak, if the policy gave the person another subject
    /// than the one at the identity provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    local: Option<Subject>,
    scope: Scope,
    aud: ResourceUri,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    claims: Map<String, Value>,
    ends: Timestamp,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl From<GrantDetails> for SealedDetails {
    fn from(details: GrantDetails) -> Self {
        let GrantDetails {
            subject,
            identity,
            scope,
            resource,
            claims,
            ends_at,
        } = details;
        let (iss, identity) = match identity {
            Some(identity) => (Some(identity.provider.clone()), identity),
            None => (None, Identity::new("", subject.clone())),
        };
        Self {
            local: (subject != identity.subject).then_some(subject),
            iss,
            sub: identity.subject,
            email: identity.email,
            verified: identity.email_verified,
            name: identity.name,
            told: identity.claims,
            scope,
            aud: resource,
            claims,
            ends: ends_at,
        }
    }
}

impl From<SealedDetails> for GrantDetails {
    fn from(sealed: SealedDetails) -> Self {
        Self {
            subject: sealed.local.unwrap_or_else(|| sealed.sub.clone()),
            identity: sealed.iss.map(|provider| Identity {
                provider,
                subject: sealed.sub,
                email: sealed.email,
                email_verified: sealed.verified,
                name: sealed.name,
                claims: sealed.told,
            }),
            scope: sealed.scope,
            resource: sealed.aud,
            claims: sealed.claims,
            ends_at: sealed.ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn reread(details: &GrantDetails) -> (String, GrantDetails) {
        let text = serde_json::to_string(&SealedDetails::from(details.clone())).unwrap();
        let sealed: SealedDetails = serde_json::from_str(&text).unwrap();
        (text, sealed.into())
    }

    #[test]
    fn what_is_sealed_is_read_as_it_was() {
        let subject = |text| Subject::parse(text).unwrap();
        let mut details = GrantDetails {
            subject: subject("ada"),
            identity: Some(Identity::new("https://idp.example", subject("ada"))),
            scope: Scope::parse("a b").unwrap(),
            resource: ResourceUri::parse("https://mcp.example/mcp").unwrap(),
            claims: Map::new(),
            ends_at: Timestamp::from_secs(7),
        };
        let (text, read) = reread(&details);
        assert_eq!(read, details);
        assert_eq!(
            text,
            r#"{"iss":"https://idp.example","sub":"ada","scope":"a b","aud":"https://mcp.example/mcp","ends":7}"#
        );

        details.subject = subject("somebody");
        let ada = details.identity.as_mut().unwrap();
        ada.email = Some("ada@example.com".to_owned());
        ada.email_verified = true;
        ada.name = Some("Ada".to_owned());
        ada.claims = object(json!({ "groups": ["a"] }));
        details.claims = object(json!({ "tenant": 1 }));
        assert_eq!(reread(&details).1, details);

        details.identity = None;
        let (text, read) = reread(&details);
        assert_eq!(read, details);
        assert!(text.starts_with(r#"{"sub":"somebody","scope""#), "{text}");
    }
}
