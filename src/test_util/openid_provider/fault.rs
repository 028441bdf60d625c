/// A way in which a [`FakeOpenIdProvider`](super::FakeOpenIdProvider) misbehaves.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing can be reached.
    NetworkDown,
    /// The metadata comes with the status 503.
    MetadataUnavailable,
    /// The metadata is no JSON.
    MetadataGarbage,
    /// The metadata is larger than anybody needs.
    MetadataOversized,
    /// The keys come with the status 503.
    KeysUnavailable,
    /// Among the keys there are some that nobody can use.
    UnusableKeys,
    /// The signing key says that it is for encryption.
    KeyForEncryption,
    /// The token endpoint answers with the status 500.
    TokenUnavailable,
    /// The token endpoint answers with the status 429.
    TokenBusy,
    /// The token endpoint refuses the code, with a description.
    TokenRefused,
    /// The token endpoint answers with something that is no JSON.
    TokenGarbage,
    /// The token endpoint sends a redirect.
    TokenRedirect,
    /// The ID token has a nonce that nobody sent.
    WrongNonce,
    /// The ID token has the hash of another access token.
    WrongAccessTokenHash,
    /// The ID token is not signed: `alg` is `none`.
    UnsignedIdToken,
    /// The ID token is signed by HS256 with the client secret.
    SharedSecretIdToken,
    /// The ID token is signed by HS256 with the public key as the secret.
    PublicKeyIdToken,
    /// The ID token is signed by a stranger who uses the name of our key.
    ForeignIdToken,
    /// The ID token names a key that is in no set.
    UnknownKeyId,
    /// The ID token names no key.
    NoKeyId,
    /// The subject in the ID token was changed after it was signed.
    ChangedIdToken,
    /// The ID token says that it is an access token: `typ` is `at+jwt`.
    AccessTokenType,
    /// The answer names another issuer, as if the person had been sent elsewhere.
    WrongAnswerIssuer,
    /// The answer names no issuer, although the metadata promises it.
    NoAnswerIssuer,
    /// The address is told by the userinfo endpoint alone.
    EmailInUserinfoOnly,
    /// The userinfo endpoint answers with the status 500.
    UserinfoUnavailable,
    /// The userinfo is about somebody else.
    UserinfoOfAnother,
    /// The userinfo says that it is a token.
    UserinfoNotJson,
}
