use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use siphasher::sip128::SipHasher13;

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
    /// How many tokens are remembered. One that says much, or of whose sign-in much is
    /// known, counts once for each KiB that is begun to keep it: its texts, every
    /// further claim and who signed in, about as they lie in memory.
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
    hash: SipHasher13,
    known: Cache<TokenKey, Known, BySize, ByHash>,
}

/// What a token is remembered by: SipHash-1-3 of 128 bits.
///
/// Its key is a secret of this process, and no hash ever leaves it: nobody can look
/// for a token that has the hash of another. It takes a fraction of the time of
/// SHA-256, which every request would pay for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct TokenKey(u128);

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // It needs no further hashing.
        hasher.write_u128(self.0);
    }
}

#[derive(Clone)]
struct Known {
    token: VerifiedToken,
    verified_at: Timestamp,
    /// What is kept, in KiB begun.
    weight: u32,
}

impl TokenCache {
    /// An empty cache; `secret` has to be random.
    pub(super) fn new(config: TokenCacheConfig, secret: &[u8; 16]) -> Self {
        let capacity = config.capacity as usize;
        Self {
            revocation_bound: config.revocation_bound,
            hash: SipHasher13::new_with_key(secret),
            known: Cache::with(
                capacity,
                u64::from(config.capacity),
                BySize,
                ByHash,
                quick_cache::sync::DefaultLifecycle::default(),
            ),
        }
    }

    pub(super) fn key_of(&self, token: PresentedToken<'_>) -> TokenKey {
        TokenKey(self.hash.hash(token.expose()).as_u128())
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
        let weight = token.size().div_ceil(1024).max(1);
        let known = Known {
            token: token.clone(),
            verified_at: now,
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
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
struct BySize;

impl Weighter<TokenKey, Known> for BySize {
    fn weight(&self, _: &TokenKey, known: &Known) -> u64 {
        u64::from(known.weight)
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
    use http::header::AUTHORIZATION;
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::Audience;
    use crate::model::Identity;
    use crate::protocol::header::Single;
    use crate::resource::verifier::{SignedIn, TokenClaims, TokenKind};
    use crate::types::{Scope, Subject};

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    const KIB: usize = 1024;

    fn token() -> VerifiedToken {
        token_with(|_| {})
    }

    fn token_with(change: impl FnOnce(&mut TokenClaims)) -> VerifiedToken {
        let subject = Subject::parse("alice").unwrap();
        let (kind, audience) = (TokenKind::AccessToken, Audience::one("a"));
        let mut claims =
            TokenClaims::new(kind, "i", subject, audience, Timestamp::from_secs(2_000));
        change(&mut claims);
        VerifiedToken::for_test(claims)
    }

    fn saying(value: Value) -> VerifiedToken {
        token_with(|claims| {
            claims.extra.insert("more".to_owned(), value);
        })
    }

    fn key(number: u32) -> TokenKey {
        TokenKey(SipHasher13::new().hash(&number.to_be_bytes()).as_u128())
    }

    fn weight_of(token: &VerifiedToken) -> u32 {
        let cache = cache(1_000_000);
        cache.remember(key(1), token, NOW);
        cache.known.get(&key(1)).unwrap().weight
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
        let big = saying(json!("a".repeat(4 * KIB - 100)));
        for number in 0..10_000 {
            short.remember(key(number), &token(), NOW);
            long.remember(key(number), &big, NOW);
        }
        assert!((50..=100).contains(&short.known.len()), "{short:?}");
        assert!((10..=25).contains(&long.known.len()), "{long:?}");
    }

    #[test]
    fn a_token_weighs_what_is_kept_of_it_in_kib_begun() {
        assert_eq!(weight_of(&token()), 1);
        for (size, weight) in [(KIB, 1), (KIB + 1, 2), (8 * KIB, 8), (64 * KIB, 64)] {
            let rest = size - token().size();
            let sized = token_with(|claims| claims.issuer.push_str(&"i".repeat(rest)));
            assert_eq!(weight_of(&sized), weight, "{size}");
        }
    }

    #[test]
    fn whatever_a_token_says_and_whoever_signed_in_has_weight() {
        let long = || "a".repeat(9 * KIB);
        let subject = || Subject::parse("alice").unwrap();
        let mut ada = Identity::new("p", subject());
        ada.claims.insert("told".to_owned(), json!(long()));
        let many = (0..100).map(|number| format!("{number}:{}", "a".repeat(100)));
        let scope = Scope::from_texts(many).unwrap();
        for (case, heavy) in [
            ("a text", saying(json!(long()))),
            ("a name", saying(json!({ long(): 1 }))),
            ("a deep text", saying(json!([[{ "a": [long()] }]]))),
            // Of a few characters each, and 32 bytes in memory.
            ("numbers", saying(json!(vec![1; 9 * KIB / 32]))),
            ("scopes", token_with(|claims| claims.scope = scope)),
            (
                "an audience",
                token_with(|claims| claims.audience = Audience::one(long())),
            ),
            (
                "who signed in",
                token_with(|claims| claims.signed_in = ada.into()),
            ),
            (
                "what tells who signed in",
                token_with(|claims| {
                    claims.signed_in = SignedIn::read_when_asked(|| None).keeping(9 * KIB);
                }),
            ),
        ] {
            assert!(weight_of(&heavy) >= 9, "{case}: {}", weight_of(&heavy));
        }
    }

    #[test]
    fn what_a_token_is_remembered_by_only_who_has_the_secret_can_tell() {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", "Bearer abc".parse().unwrap());
        let authorization = Single::of(&headers, AUTHORIZATION);
        let presented = PresentedToken::find(authorization).unwrap().unwrap();
        let key_with = |secret: u8| {
            let cache = TokenCache::new(TokenCacheConfig::default(), &[secret; 16]);
            cache.key_of(presented)
        };
        assert!(key_with(1) == key_with(1));
        assert!(key_with(1) != key_with(2));
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_prolong_what_is_remembered() {
        let (cache, key) = (cache(100), key(1));
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
