use async_trait::async_trait;

use crate::protocol::bearer::BearerToken;
use crate::resource::api_key::prefixes::Prefixes;
use crate::resource::verifier::{TokenClaims, TokenVerifier, VerifierError};
use crate::store::Vault;
use crate::types::Timestamp;

/// Verifies the API keys that [`ApiKeys`](super::ApiKeys) issued.
///
/// Costs one point read a key. Tokens of others are told apart by their text, and
/// are neither hashed nor looked up.
#[derive(Clone, Debug)]
pub struct ApiKeyVerifier {
    pub(super) vault: Vault,
    pub(super) prefixes: Prefixes,
}

#[async_trait]
impl TokenVerifier for ApiKeyVerifier {
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        self.prefixes.expect_key(token)?;
        let looking = self.vault.revocations().before_looking();
        let found = self.vault.find_api_key(&token.secret().hash(), now).await;
        let found = found.map_err(|error| VerifierError::Unavailable(Box::new(error)))?;
        let refused = VerifierError::Refused("the API key is unknown, expired or revoked");
        let key = found.ok_or(refused)?;
        let standing = looking.found(key.id.as_str());
        Ok(TokenClaims::of_api_key(key, standing))
    }
}
