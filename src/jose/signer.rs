use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use thiserror::Error;

use crate::jose::{Algorithm, Jwk};

/// A private key that signs, wherever it lives.
///
/// The key may be in this process or in a key management service; the service
/// then answers [`sign`](Self::sign) over the network.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// The public half of the key. Always the same for one signer.
    fn public_jwk(&self) -> &Jwk;

    /// The algorithm of every signature. Always the same for one signer, and
    /// one of [`Jwk::algorithms`] of the public half.
    fn algorithm(&self) -> Algorithm;

    /// The `kid` for tokens and for the published key. Always the same for one
    /// signer, and never that of another key.
    fn key_id(&self) -> &str;

    /// Signs `message`, which is not hashed yet.
    ///
    /// The signature has the form of [RFC 7518, section 3]: for ECDSA the two
    /// numbers side by side, not DER.
    ///
    /// [RFC 7518, section 3]: https://www.rfc-editor.org/rfc/rfc7518#section-3
    ///
    /// # Errors
    ///
    /// [`SignError`] if there is no signature now. That is an outage: it says
    /// nothing about the message, and the caller issues nothing.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// No signature could be made; nothing may be issued.
#[derive(Debug, Error)]
#[error("signing failed")]
pub struct SignError(#[source] Box<dyn Error + Send + Sync>);

impl SignError {
    /// The outage that has this cause.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// The members of a header that we write.
#[derive(Serialize)]
struct WrittenHeader<'a> {
    alg: Algorithm,
    typ: &'a str,
    kid: &'a str,
}

/// Signs `claims` as a compact token of the kind `typ` ([RFC 7515, section 7.1]).
///
/// [RFC 7515, section 7.1]: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
///
/// # Errors
///
/// [`SignError`] if the signer fails or the claims cannot be written as JSON.
pub async fn sign_compact(
    signer: &dyn Signer,
    typ: &str,
    claims: &(impl Serialize + Sync),
) -> Result<String, SignError> {
    let header = WrittenHeader {
        alg: signer.algorithm(),
        typ,
        kid: signer.key_id(),
    };
    let header = serde_json::to_vec(&header).map_err(SignError::new)?;
    let claims = serde_json::to_vec(claims).map_err(SignError::new)?;
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = signer.sign(token.as_bytes()).await?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Jws;

    /// A key somewhere else, which answers with fixed octets or not at all.
    #[derive(Debug)]
    struct Remote {
        public: Jwk,
        answer: Option<[u8; 64]>,
    }

    #[async_trait]
    impl Signer for Remote {
        fn public_jwk(&self) -> &Jwk {
            &self.public
        }

        fn algorithm(&self) -> Algorithm {
            Algorithm::EdDsa
        }

        fn key_id(&self) -> &str {
            "a\"b"
        }

        async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
            let answer = self.answer.ok_or_else(|| SignError::new("no route"))?;
            Ok(answer.to_vec())
        }
    }

    fn remote(answer: Option<[u8; 64]>) -> Remote {
        let public = Jwk::ed25519([1; 32]);
        Remote { public, answer }
    }

    #[tokio::test]
    async fn a_token_names_its_algorithm_type_and_key() {
        let signer = remote(Some([7; 64]));
        let claims = serde_json::json!({"iss": "a"});
        let token = sign_compact(&signer, "at+jwt", &claims).await.unwrap();

        let jws = Jws::parse(&token).unwrap();
        assert_eq!(jws.header().algorithm, Algorithm::EdDsa);
        assert_eq!(jws.header().typ.as_deref(), Some("at+jwt"));
        assert_eq!(jws.header().key_id.as_deref(), Some("a\"b"));
        assert_eq!(jws.payload(), br#"{"iss":"a"}"#);
        assert_eq!(jws.signature(), [7; 64]);
        let (input, _) = token.rsplit_once('.').unwrap();
        assert_eq!(jws.signing_input, input);
    }

    #[tokio::test]
    async fn an_outage_of_the_signer_gives_no_token_and_keeps_its_cause() {
        let error = sign_compact(&remote(None), "at+jwt", &())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "signing failed");
        assert_eq!(error.source().unwrap().to_string(), "no route");
    }
}
