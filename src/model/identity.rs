use serde::{Deserialize, Serialize};

use crate::types::Subject;

/// Who signed in, as the identity provider tells it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// Which provider says so: an OpenID issuer, or the provider's own name.
    pub provider: String,
    /// The person at that provider; unique there and never reassigned.
    pub subject: Subject,
    /// The address of the person, if the provider told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the provider says that the address belongs to the person.
    pub email_verified: bool,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Every further claim the provider made, for a policy to look at.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub claims: serde_json::Map<String, serde_json::Value>,
}

impl Identity {
    /// An identity of which nothing but provider and subject is known.
    #[must_use]
    pub fn new(provider: impl Into<String>, subject: Subject) -> Self {
        Self {
            provider: provider.into(),
            subject,
            email: None,
            email_verified: false,
            name: None,
            claims: serde_json::Map::new(),
        }
    }
}
