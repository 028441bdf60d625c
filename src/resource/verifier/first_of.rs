use std::sync::Arc;

use async_trait::async_trait;

use crate::protocol::bearer::BearerToken;
use crate::resource::verifier::{TokenClaims, TokenVerifier, VerifierError};
use crate::types::Timestamp;

/// Several verifiers, of which the first one that knows such a token decides.
///
/// What one of them refuses is refused, and what one cannot find out now is not
/// shown to the next: only a token that is foreign to a verifier goes on. Put first
/// what can tell from the token alone, such as API keys, and last what has to send
/// it to somebody, such as introspection.
#[derive(Debug)]
pub struct FirstOf(Vec<Arc<dyn TokenVerifier>>);

impl FirstOf {
    /// Asks these verifiers in this order.
    #[must_use]
    pub const fn new(verifiers: Vec<Arc<dyn TokenVerifier>>) -> Self {
        Self(verifiers)
    }
}

#[async_trait]
impl TokenVerifier for FirstOf {
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        for verifier in &self.0 {
            match verifier.verify(token, now).await {
                Err(VerifierError::Foreign) => {}
                decided => return decided,
            }
        }
        Err(VerifierError::Foreign)
    }
}
