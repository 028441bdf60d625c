use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::event::Event;
use crate::jose::{
    Audience, ClaimError, ClaimRules, ExpectedClaims, Header, InvalidJws, Jws, KeySetError,
    RegisteredClaims, VerifiedJws, numeric_date,
};
use crate::model::ClientRecord;
use crate::server::client_auth::ClientAuthError;
use crate::server::config::{AuthorizationServer, paths};
use crate::server::error::Outage;
use crate::types::{ClientAddress, ClientId, Issuer, Secret, Timestamp, TokenHash};

/// The longest that an assertion may be good for.
const MAX_LIFETIME: Duration = Duration::from_secs(300);
/// The most that clocks may differ.
const LEEWAY: Duration = Duration::from_secs(60);
const MAX_ID_CHARACTERS: usize = 256;

/// What a client says of itself and signs ([RFC 7523, section 3]).
///
/// [RFC 7523, section 3]: https://www.rfc-editor.org/rfc/rfc7523#section-3
#[derive(Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(with = "numeric_date")]
    exp: Timestamp,
    #[serde(default, with = "numeric_date::option")]
    nbf: Option<Timestamp>,
    #[serde(default, with = "numeric_date::option")]
    iat: Option<Timestamp>,
    jti: String,
}

/// Why a client assertion proves nothing.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AssertionError {
    /// The text is no signed token, or no key of the client made its signature.
    #[error("{0}")]
    Signature(#[from] InvalidJws),
    /// The client has no such key.
    #[error("no key of the client signed it")]
    UnknownKey,
    /// It is a token of another kind.
    #[error("its typ is neither JWT nor client-authentication+jwt")]
    Type,
    /// A claim that has to be there is missing, malformed or repeated.
    #[error("its claims are missing, malformed or repeated")]
    Claims,
    /// Issuer, audience or time are wrong.
    #[error("{0}")]
    Registered(#[from] ClaimError),
    /// It speaks for somebody else than the client that signed it.
    #[error("its sub is not the client")]
    Subject,
    /// It is meant for others as well, who could use it here.
    #[error("its audience names others beside this server")]
    SharedAudience,
    /// It is good for longer than it may be.
    #[error("it expires more than five minutes from now")]
    TooLong,
    /// It cannot be told from others.
    #[error("its jti is empty or longer than 256 characters")]
    Id,
    /// It was used before.
    #[error("it was used before")]
    Replayed,
}

impl From<KeySetError> for AssertionError {
    fn from(error: KeySetError) -> Self {
        match error {
            KeySetError::UnknownKey => Self::UnknownKey,
            KeySetError::Invalid(invalid) => Self::Signature(invalid),
        }
    }
}

impl AuthorizationServer {
    /// Verifies that `client` signed `assertion`, for this server, just now, and
    /// uses it up.
    ///
    /// What costs nothing to judge comes first: only for an assertion that would
    /// be good if the client signed it, keys are fetched from where it says.
    pub(super) async fn verify_assertion(
        &self,
        client: &ClientRecord,
        assertion: &Secret,
        from: Option<ClientAddress>,
    ) -> Result<(), ClientAuthError> {
        let now = self.clock.now();
        let jws = Jws::parse(assertion.expose()).map_err(AssertionError::from)?;
        judge_type(jws.header())?;
        let names = names_of(&self.issuer);
        jws.refuse_by_claims(|claims| {
            let claims = claims.map_err(|_| AssertionError::Claims)?;
            judge(&claims, &client.id, &names, now)
        })?;
        let keys = client.keys.as_ref().ok_or(AssertionError::UnknownKey)?;
        let known = self.client_keys(keys, from).await?;
        let newer;
        let (verdict, used) = match known.set().verify(&jws) {
            Err(KeySetError::UnknownKey) if known.may_be_old(now) => {
                newer = self.newer_client_keys(keys, Arc::clone(&known)).await;
                (newer.set().verify(&jws), &newer)
            }
            verdict => (verdict, &known),
        };
        let claims = read(&verdict.map_err(AssertionError::from)?)?;
        judge(&claims, &client.id, &names, now)?;
        self.keys_were_of_use(keys, used);
        self.admit_assertion(client).await?;
        self.use_up(&client.id, &claims, now).await
    }

    /// Comes last: nobody can use up the identifier of an assertion that is not
    /// good in every other way.
    async fn use_up(
        &self,
        client: &ClientId,
        claims: &AssertionClaims,
        now: Timestamp,
    ) -> Result<(), ClientAuthError> {
        let id = replay_id(client, &claims.jti);
        // Remembered until no server takes it any more, whichever clock is behind.
        let until = claims.exp.plus(LEEWAY).plus(LEEWAY);
        let first = self.store().use_once(&id, until, now).await;
        if first.map_err(Outage::from)? {
            return Ok(());
        }
        self.emit(&Event::AssertionReplayed {
            client_id: client.clone(),
        });
        Err(AssertionError::Replayed.into())
    }
}

/// The identifiers of two clients never meet, whatever is in them: the length
/// tells where one ends and the other begins.
fn replay_id(client: &ClientId, jti: &str) -> TokenHash {
    let client = client.as_str();
    TokenHash::of(&format!("client assertion {} {client} {jti}", client.len()))
}

/// Everything that a client may call this server.
fn names_of(issuer: &Issuer) -> [String; 3] {
    let text = issuer.as_str();
    // Many URL types add a slash or drop one.
    let other = match text.strip_suffix('/') {
        Some(bare) => bare.to_owned(),
        None => format!("{text}/"),
    };
    [text.to_owned(), other, issuer.endpoint(paths::TOKEN)]
}

/// Tokens of other kinds that the client signed are no assertions; many libraries
/// name no kind.
fn judge_type(header: &Header) -> Result<(), AssertionError> {
    let fits = ["JWT", "client-authentication+jwt"].map(|typ| header.has_typ(typ));
    if header.typ.is_none() || fits.contains(&true) {
        Ok(())
    } else {
        Err(AssertionError::Type)
    }
}

fn read(verified: &VerifiedJws<'_>) -> Result<AssertionClaims, AssertionError> {
    verified.claims().map_err(|_| AssertionError::Claims)
}

/// Judges the claims of an assertion that `client` signed
/// ([RFC 7523, section 3](https://www.rfc-editor.org/rfc/rfc7523#section-3)).
fn judge(
    claims: &AssertionClaims,
    client: &ClientId,
    names: &[String],
    now: Timestamp,
) -> Result<(), AssertionError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let registered = RegisteredClaims {
        issuer: &claims.iss,
        audience: &claims.aud,
        expires_at: claims.exp,
        not_before: claims.nbf,
        issued_at: claims.iat,
    };
    let expected = ExpectedClaims {
        issuer: client.as_str(),
        audiences: &names,
    };
    ClaimRules::with_leeway(LEEWAY).judge(&registered, &expected, now)?;
    if claims.sub != client.as_str() {
        return Err(AssertionError::Subject);
    }
    // Another server that it is meant for could show it here first.
    if !claims.aud.iter().all(|name| names.contains(&name)) {
        return Err(AssertionError::SharedAudience);
    }
    if claims.exp > now.plus(MAX_LIFETIME).plus(LEEWAY) {
        return Err(AssertionError::TooLong);
    }
    if !(1..=MAX_ID_CHARACTERS).contains(&claims.jti.chars().count()) {
        return Err(AssertionError::Id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: u64 = 1_000_000;
    const ISSUER: &str = "https://auth.example/tenant";

    fn claims() -> Value {
        json!({
            "iss": "desk",
            "sub": "desk",
            "aud": ISSUER,
            "exp": NOW + 300,
            "iat": NOW,
            "jti": "1",
        })
    }

    fn judged(claims: &Value) -> Result<(), AssertionError> {
        judged_text(&claims.to_string())
    }

    fn judged_text(text: &str) -> Result<(), AssertionError> {
        let claims: AssertionClaims =
            serde_json::from_str(text).map_err(|_| AssertionError::Claims)?;
        let client = ClientId::parse("desk").unwrap();
        let names = names_of(&Issuer::parse(ISSUER).unwrap());
        judge(&claims, &client, &names, Timestamp::from_secs(NOW))
    }

    /// What becomes of good claims with one of them replaced, or left out.
    fn with(name: &str, value: Value) -> Result<(), AssertionError> {
        let mut claims = claims();
        claims[name] = value;
        judged(&claims)
    }

    #[test]
    fn claims_that_are_as_they_have_to_be_are_good() {
        assert_eq!(judged(&claims()), Ok(()));
        for (name, value) in [
            ("aud", json!("https://auth.example/tenant/")),
            ("aud", json!("https://auth.example/tenant/token")),
            ("aud", json!([ISSUER])),
            ("aud", json!([ISSUER, "https://auth.example/tenant/token"])),
            ("exp", json!(NOW + 360)),
            ("exp", json!(NOW - 59)),
            ("exp", json!((NOW + 1) as f64 + 0.5)),
            ("iat", json!(NOW + 60)),
            ("iat", json!(1)),
            ("nbf", json!(NOW + 60)),
            ("jti", json!("é".repeat(256))),
            ("more", json!({ "a": [1] })),
        ] {
            assert_eq!(with(name, value.clone()), Ok(()), "{name}: {value}");
        }
        let mut bare = claims();
        bare.as_object_mut().unwrap().remove("iat");
        assert_eq!(judged(&bare), Ok(()));
    }

    #[test]
    fn an_assertion_of_another_client_or_for_another_server_is_refused_with_its_reason() {
        use AssertionError::{Claims, Registered, SharedAudience, Subject};
        use ClaimError::{Audience, Issuer};
        let other = "https://other.example";
        for (name, value, expected) in [
            ("iss", json!("lamp"), Registered(Issuer)),
            ("iss", json!("Desk"), Registered(Issuer)),
            ("iss", json!(""), Registered(Issuer)),
            ("iss", json!(["desk"]), Claims),
            ("sub", json!("lamp"), Subject),
            ("sub", json!("desk "), Subject),
            ("sub", json!(null), Claims),
            ("aud", json!(other), Registered(Audience)),
            ("aud", json!([]), Registered(Audience)),
            ("aud", json!([ISSUER, other]), SharedAudience),
            ("aud", json!([other, ISSUER]), SharedAudience),
            ("aud", json!([ISSUER, 7]), Claims),
            ("aud", json!({}), Claims),
        ] {
            assert_eq!(with(name, value.clone()), Err(expected), "{name}: {value}");
        }
        for near in [
            "https://auth.example",
            "https://auth.example/tenant//",
            "https://AUTH.example/tenant",
            "https://auth.example/tenant/token/",
            "https://auth.example/tenant/revoke",
        ] {
            let judged = with("aud", json!(near));
            assert_eq!(judged, Err(Registered(Audience)), "{near}");
        }
    }

    #[test]
    fn an_assertion_of_another_time_or_without_a_name_is_refused_with_its_reason() {
        use AssertionError::{Claims, Id, Registered, TooLong};
        use ClaimError::{Expired, IssuedInTheFuture, NotYetValid};
        for (name, value, expected) in [
            ("exp", json!(NOW - 60), Registered(Expired)),
            ("exp", json!(0), Registered(Expired)),
            ("exp", json!(NOW + 361), TooLong),
            ("exp", json!(u64::MAX), TooLong),
            ("exp", json!(null), Claims),
            ("exp", json!("1000100"), Claims),
            ("exp", json!(-1), Claims),
            ("nbf", json!(NOW + 61), Registered(NotYetValid)),
            ("nbf", json!(null), Claims),
            ("iat", json!(NOW + 61), Registered(IssuedInTheFuture)),
            ("iat", json!("now"), Claims),
            ("jti", json!(""), Id),
            ("jti", json!("x".repeat(257)), Id),
            ("jti", json!(7), Claims),
        ] {
            assert_eq!(with(name, value.clone()), Err(expected), "{name}: {value}");
        }
    }

    #[test]
    fn a_claim_that_is_missing_or_repeated_is_refused() {
        for name in ["iss", "sub", "aud", "exp", "jti"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(judged(&claims), Err(AssertionError::Claims), "{name}");
        }
        for name in ["iss", "sub", "aud", "exp", "iat", "jti"] {
            let text = claims().to_string();
            let twice = format!("{{\"{name}\":{},{}", claims()[name], &text[1..]);
            assert_eq!(judged_text(&twice), Err(AssertionError::Claims), "{name}");
        }
    }

    #[test]
    fn two_clients_never_share_an_identifier_that_was_used() {
        let id = |client: &str, jti: &str| replay_id(&ClientId::parse(client).unwrap(), jti);
        assert_eq!(id("a", "b"), id("a", "b"));
        assert_ne!(id("a", "b"), id("b", "b"));
        assert_ne!(id("a", "b"), id("a", "c"));
        assert_ne!(id("a b", "c"), id("a", "b c"));
        assert_ne!(id("a", " b"), id("a ", "b"));
    }
}
