use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::idp::oidc::error::OidcError;
use crate::jose::{
    Algorithm, Audience, ClaimRules, ExpectedClaims, Header, RegisteredClaims, VerifiedJws,
    numeric_date,
};
use crate::types::{ClientId, Issuer, Secret, Subject, Timestamp};

/// What an ID token says about a person, once it was found to count.
#[derive(Debug)]
pub(super) struct IdToken {
    pub(super) subject: Subject,
    pub(super) claims: Map<String, Value>,
}

/// What an ID token has to agree with.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) client_id: &'a ClientId,
    pub(super) nonce: &'a Secret,
    pub(super) access_token: &'a Secret,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: Subject,
    aud: Audience,
    #[serde(with = "numeric_date")]
    exp: Timestamp,
    #[serde(with = "numeric_date")]
    iat: Timestamp,
    #[serde(default, with = "numeric_date::option")]
    nbf: Option<Timestamp>,
    nonce: Option<String>,
    azp: Option<String>,
    at_hash: Option<String>,
}

/// Judges an ID token whose signature was checked ([OpenID Connect Core, section
/// 3.1.3.7]).
///
/// [OpenID Connect Core, section 3.1.3.7]: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
pub(super) fn judge(
    verified: &VerifiedJws<'_>,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<IdToken, OidcError> {
    if is_another_kind(verified.header()) {
        return Err(OidcError::Kind);
    }
    let claims: Claims = verified.claims().map_err(|_| OidcError::Claims)?;
    judge_registered(&claims, expected, now)?;
    judge_party(&claims, expected.client_id)?;
    let nonce = claims.nonce.as_deref().map(Secret::from);
    if nonce.as_ref() != Some(expected.nonce) {
        return Err(OidcError::Nonce);
    }
    if let Some(hash) = &claims.at_hash {
        let algorithm = verified.header().algorithm;
        if *hash != half_hash(algorithm, expected.access_token) {
            return Err(OidcError::AccessTokenHash);
        }
    }
    Ok(IdToken {
        subject: claims.sub,
        claims: verified.claims().map_err(|_| OidcError::Claims)?,
    })
}

/// Whether the token says that it is made for another purpose, such as `at+jwt`
/// or `logout+jwt` ([RFC 8725, section 3.11]). ID tokens have no type of their own.
///
/// [RFC 8725, section 3.11]: https://www.rfc-editor.org/rfc/rfc8725#section-3.11
fn is_another_kind(header: &Header) -> bool {
    let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
    typ.is_some_and(|typ| typ.ends_with("+jwt"))
}

fn judge_registered(
    claims: &Claims,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<(), OidcError> {
    let registered = RegisteredClaims {
        issuer: &claims.iss,
        audience: &claims.aud,
        expires_at: claims.exp,
        not_before: claims.nbf,
        issued_at: Some(claims.iat),
    };
    let wanted = ExpectedClaims {
        issuer: expected.issuer.as_str(),
        audiences: &[expected.client_id.as_str()],
    };
    ClaimRules::default()
        .judge(&registered, &wanted, now)
        .map_err(OidcError::Registered)
}

/// A token for several recipients was asked for by one of them: it has to be us.
fn judge_party(claims: &Claims, client_id: &ClientId) -> Result<(), OidcError> {
    let ours = match &claims.azp {
        Some(party) => party == client_id.as_str(),
        None => claims.aud.iter().count() == 1,
    };
    if ours {
        return Ok(());
    }
    Err(OidcError::AuthorizedParty)
}

/// The left half of the token's hash, by the hash of the signature's algorithm.
///
/// Ed25519 hashes with SHA-512.
fn half_hash(algorithm: Algorithm, token: &Secret) -> String {
    let token = token.expose().as_bytes();
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => Sha256::digest(token).to_vec(),
        Algorithm::Es384 => Sha384::digest(token).to_vec(),
        Algorithm::EdDsa => Sha512::digest(token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_specification_comes_out() {
        // OpenID Connect Core, appendix A.4.
        let token = Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        let hash = "77QmUPtjPfzWtF2AnpK9RQ";
        assert_eq!(half_hash(Algorithm::Rs256, &token), hash);
        assert_ne!(half_hash(Algorithm::EdDsa, &token), hash);
        assert_eq!(half_hash(Algorithm::EdDsa, &token).len(), 43);
    }
}
