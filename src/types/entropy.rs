use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::types::Secret;

/// The source of randomness failed; nothing may be issued.
#[derive(Clone, Copy, Debug, Error)]
#[error("the source of randomness failed")]
pub struct EntropyError;

/// A source of randomness for tokens, codes and keys.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` with bytes that nobody can predict.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source failed; the content of `bytes` is then
    /// meaningless and must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

impl dyn Entropy {
    /// A new secret of 256 bits, as 43 characters of base64url.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source failed.
    pub fn secret(&self) -> Result<Secret, EntropyError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        self.fill(bytes.as_mut())?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// A new public identifier of 128 bits, as 22 characters of base64url.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source failed.
    pub fn identifier(&self) -> Result<String, EntropyError> {
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The randomness of the operating system.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks for randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}
