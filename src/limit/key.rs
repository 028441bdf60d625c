use std::fmt;

use sha2::{Digest, Sha256};

use crate::types::ClientAddress;

/// Whose requests are counted together: a hash, from which neither a token nor a
/// code can be read, and that is short however long its parts are.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct LimitKey(pub(super) [u8; 32]);

impl LimitKey {
    /// The key that everybody shares.
    #[must_use]
    pub fn everybody() -> Self {
        Self::of(&[])
    }

    /// The key of one address.
    #[must_use]
    pub fn address(address: ClientAddress) -> Self {
        Self::of(&[&address.to_string()])
    }

    /// The key of these texts, in this order.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length before it, no part runs into the next one.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The bytes of the key, for a limiter that counts in a database.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for LimitKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LimitKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let keys = [
            LimitKey::everybody(),
            LimitKey::of(&[""]),
            LimitKey::of(&["ab"]),
            LimitKey::of(&["a", "b"]),
            LimitKey::of(&["b", "a"]),
            LimitKey::of(&["", "ab"]),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(key), "{at}");
        }
    }
}
