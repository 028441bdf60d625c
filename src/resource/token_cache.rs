use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use siphasher::sip128::SipHasher24;

use crate::protocol::bearer::PresentedToken;
use crate::resource::verified::VerifiedToken;
use crate::types::Timestamp;

/// For how long verified tokens are remembered, and how many.
///
/// What this process revokes it forgets at once. What another replica or another
/// authorization server revokes counts here until `revocation_bound` is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenCacheConfig {
    /// The most time between two checks of a token; never beyond its end.
    pub revocation_bound: Duration,
    /// How many tokens are remembered. A token that is longer than 1 KiB counts
    /// once for each KiB that it has begun.
    pub capacity: u32,
}

impl Default for TokenCacheConfig {
    /// 10 seconds, and 10,000 tokens.
    fn default() -> Self {
        Self {
            revocation_bound: Duration::from_secs(10),
            capacity: 10_000,
        }
    }
}

/// Tokens that were good a moment ago, by their hash.
pub(super) struct TokenCache {
    revocation_bound: Duration,
    hash: SipHasher24,
    known: Cache<TokenKey, Known, ByLength, ByHash>,
}

/// What a token is remembered by: SipHash-2-4 of 128 bits.
///
/// Its key is a secret of this process, so that nobody can make a token that has
/// the hash of another; and it takes less time than SHA-256, which every request
/// would pay for.
#[derive(Clone, Copy)]
pub(super) struct TokenKey {
    hash: u128,
    /// How long the token is, in KiB begun.
    weight: u16,
}

impl PartialEq for TokenKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for TokenKey {}

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // It needs no further hashing.
        hasher.write_u128(self.hash);
    }
}

#[derive(Clone)]
struct Known {
    token: VerifiedToken,
    verified_at: Timestamp,
}

impl TokenCache {
    /// An empty cache; `secret` has to be random.
    pub(super) fn new(config: TokenCacheConfig, secret: &[u8; 16]) -> Self {
        let capacity = config.capacity as usize;
        Self {
            revocation_bound: config.revocation_bound,
            hash: SipHasher24::new_with_key(secret),
            known: Cache::with(
                capacity,
                u64::from(config.capacity),
                ByLength,
                ByHash,
                quick_cache::sync::DefaultLifecycle::default(),
            ),
        }
    }

    pub(super) fn key_of(&self, token: PresentedToken<'_>) -> TokenKey {
        let text = token.expose().as_bytes();
        TokenKey {
            hash: self.hash.hash(text).as_u128(),
            weight: u16::try_from(text.len().div_ceil(1024)).unwrap_or(u16::MAX),
        }
    }

    /// The token with this key, if it need not be verified again.
    pub(super) fn find(&self, key: &TokenKey, now: Timestamp) -> Option<VerifiedToken> {
        let known = self.known.get(key)?;
        // A clock that was put back leads no token past its bound.
        let age = now
            .since(known.verified_at)
            .max(known.verified_at.since(now));
        let counts = age < self.revocation_bound && now < known.token.expires_at();
        if counts && known.token.stands() {
            return Some(known.token);
        }
        self.known.remove(key);
        None
    }

    pub(super) fn remember(&self, key: TokenKey, token: &VerifiedToken, now: Timestamp) {
        let known = Known {
            token: token.clone(),
            verified_at: now,
        };
        self.known.insert(key, known);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenCache({} tokens)", self.known.len())
    }
}

#[derive(Clone)]
struct ByLength;

impl Weighter<TokenKey, Known> for ByLength {
    fn weight(&self, key: &TokenKey, _: &Known) -> u64 {
        u64::from(key.weight)
    }
}

#[derive(Clone)]
struct ByHash;

impl BuildHasher for ByHash {
    type Hasher = FirstBytes;

    fn build_hasher(&self) -> FirstBytes {
        FirstBytes(0)
    }
}

struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::jose::Audience;
    use crate::resource::verifier::{TokenClaims, TokenKind};
    use crate::types::Subject;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn token() -> VerifiedToken {
        let subject = Subject::parse("alice").unwrap();
        let (kind, audience) = (TokenKind::AccessToken, Audience::one("a"));
        let claims = TokenClaims::new(kind, "i", subject, audience, Timestamp::from_secs(2_000));
        VerifiedToken::for_test(claims)
    }

    fn key(number: u32, weight: u16) -> TokenKey {
        TokenKey {
            hash: SipHasher24::new().hash(&number.to_be_bytes()).as_u128(),
            weight,
        }
    }

    fn cache(capacity: u32) -> TokenCache {
        let config = TokenCacheConfig {
            revocation_bound: Duration::from_secs(10),
            capacity,
        };
        TokenCache::new(config, &[7; 16])
    }

    #[test]
    fn however_many_tokens_come_no_more_are_remembered_than_there_is_room() {
        let (short, long) = (cache(100), cache(100));
        for number in 0..10_000 {
            short.remember(key(number, 1), &token(), NOW);
            long.remember(key(number, 4), &token(), NOW);
        }
        assert!((50..=100).contains(&short.known.len()), "{short:?}");
        assert!((10..=25).contains(&long.known.len()), "{long:?}");
    }

    #[test]
    fn a_token_weighs_what_it_is_long() {
        for (length, weight) in [(1, 1), (1_024, 1), (1_025, 2), (8_192, 8)] {
            let value = format!("Bearer {}", "a".repeat(length)).parse().unwrap();
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            let token = PresentedToken::parse(&headers).unwrap().unwrap();
            assert_eq!(cache(1).key_of(token).weight, weight, "{length}");
        }
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_prolong_what_is_remembered() {
        let (cache, key) = (cache(100), key(1, 1));
        cache.remember(key, &token(), NOW);
        assert!(
            cache
                .find(&key, NOW.minus(Duration::from_secs(9)))
                .is_some()
        );
        assert!(
            cache
                .find(&key, NOW.minus(Duration::from_secs(10)))
                .is_none()
        );
        assert!(cache.find(&key, NOW).is_none(), "it is forgotten");
    }
}
