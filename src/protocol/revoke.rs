//! Revocation request ([RFC 7009, section 2.1]).
//!
//! [RFC 7009, section 2.1]: https://www.rfc-editor.org/rfc/rfc7009#section-2.1

use thiserror::Error;

use crate::protocol::form::Form;
use crate::types::Secret;

/// A client gives up a token. The hint about its type is not needed here.
#[derive(Clone, Debug)]
pub struct RevocationRequest {
    /// The token.
    pub token: Secret,
}

/// The form has no `token`.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the token is missing")]
pub struct InvalidRevocationRequest;

impl RevocationRequest {
    /// Reads a revocation request from a form.
    ///
    /// # Errors
    ///
    /// [`InvalidRevocationRequest`] if there is no `token`.
    pub fn parse(form: &Form) -> Result<Self, InvalidRevocationRequest> {
        let token = form.value("token").ok_or(InvalidRevocationRequest)?;
        Ok(Self {
            token: Secret::new(token),
        })
    }
}
