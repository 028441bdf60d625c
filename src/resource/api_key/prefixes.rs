use crate::protocol::bearer::BearerToken;
use crate::resource::api_key::prefix::ApiKeyPrefix;
use crate::resource::verifier::VerifierError;

/// What the keys of a verifier begin with, and what they began with before.
#[derive(Clone, Debug)]
pub(super) struct Prefixes {
    pub(super) current: ApiKeyPrefix,
    pub(super) retired: Vec<ApiKeyPrefix>,
}

impl Prefixes {
    pub(super) const fn new(current: ApiKeyPrefix) -> Self {
        Self {
            current,
            retired: Vec::new(),
        }
    }

    /// Makes sure that a token is a whole key of this kind, from its text alone.
    ///
    /// What begins like a key and is none was meant for us, and is shown to nobody
    /// else; nor is a key of a prefix that is retired.
    pub(super) fn expect_key(&self, token: &BearerToken) -> Result<(), VerifierError> {
        let text = token.secret().expose();
        if self.current.is_of_form(text) {
            return Ok(());
        }
        if self.current.begins(text) {
            return Err(VerifierError::Refused("it is no whole API key"));
        }
        if self.retired.iter().any(|prefix| prefix.begins(text)) {
            return Err(VerifierError::Refused(
                "the prefix of the API key is retired",
            ));
        }
        Err(VerifierError::Foreign)
    }
}
