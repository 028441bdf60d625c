use crate::types::{Entropy, EntropyError, Secret, TokenHash};

/// The secret in the cookie of one person's browser: it ties a consent page and
/// a sign-in to the browser that began them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrowserSecret(Secret);

impl BrowserSecret {
    /// Reads the value of the cookie; `None` if we cannot have made it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == 43 && text.bytes().all(base64url)).then(|| Self(Secret::new(text)))
    }

    /// A secret for a browser that has none.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        entropy.secret().map(Self)
    }

    /// The value for the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    pub(super) fn hash(&self) -> TokenHash {
        self.0.hash()
    }
}
