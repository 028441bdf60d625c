//! How a client presents itself ([RFC 6749, section 2.3], [RFC 7521, section 4.2]).
//!
//! [RFC 6749, section 2.3]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3
//! [RFC 7521, section 4.2]: https://www.rfc-editor.org/rfc/rfc7521#section-4.2

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::jose::Jws;
use crate::protocol::form::Form;
use crate::types::{ClientId, Secret};

/// The one kind of assertion that there is ([RFC 7523, section 2.2]).
///
/// [RFC 7523, section 2.2]: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who a client says it is, and what it shows for it.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The identifier.
    pub client_id: ClientId,
    /// The identifier as it stands in the header, if form-decoding changed it:
    /// many clients do not encode it.
    pub raw_client_id: Option<ClientId>,
    /// What it shows.
    pub proof: ClientProof,
}

/// What a client shows for being who it says.
#[derive(Clone, Debug)]
pub enum ClientProof {
    /// Nothing: a public client.
    None,
    /// A secret in the `Authorization` header: as sent, and form-decoded.
    ///
    /// RFC 6749 says to encode both halves before Base64; many clients do not.
    /// Secrets made here read the same either way.
    Basic {
        /// The secret as it stands in the header.
        raw: Secret,
        /// The secret after form-decoding, if that makes sense.
        decoded: Option<Secret>,
    },
    /// A secret in the form.
    Post(Secret),
    /// A signed token in the form, which nobody has verified yet.
    Assertion(Secret),
}

/// The request shows no usable credentials.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidCredentials {
    /// There is neither a header nor a `client_id`.
    #[error("the request names no client")]
    Missing,
    /// The header is not `Basic` with base64 of `id:secret`.
    #[error("the Authorization header is malformed")]
    Header,
    /// There are two sets of credentials, or two that differ.
    #[error("the request presents a client in more than one way")]
    Several,
    /// The identifier is malformed.
    #[error("the client_id is malformed")]
    ClientId,
    /// The assertion is of another type than a signed token, or of none.
    #[error("the client_assertion_type is not {ASSERTION_TYPE}")]
    AssertionType,
    /// The assertion is missing, or is no token that names a client.
    #[error("the client_assertion is no signed token with a sub")]
    Assertion,
    /// The assertion is that of another client than the form names.
    #[error("the client_id is not the one that the client_assertion names")]
    AssertionClient,
}

impl ClientCredentials {
    /// Reads the credentials of a request.
    ///
    /// # Errors
    ///
    /// [`InvalidCredentials`] with the reason.
    pub fn parse(headers: &HeaderMap, form: &Form) -> Result<Self, InvalidCredentials> {
        let in_form = form.value("client_id");
        let post = form.value("client_secret");
        let assertion = AssertionInForm::find(form);
        let mut authorization = headers.get_all(AUTHORIZATION).iter();
        let header = authorization.next();
        let proofs = [header.is_some(), post.is_some(), assertion.is_some()];
        if authorization.next().is_some() || proofs.iter().filter(|proof| **proof).count() > 1 {
            return Err(InvalidCredentials::Several);
        }
        if let Some(assertion) = assertion {
            return assertion.parse(in_form);
        }
        let Some(header) = header else {
            return Ok(Self {
                client_id: parse_id(in_form.ok_or(InvalidCredentials::Missing)?)?,
                raw_client_id: None,
                proof: post.map_or(ClientProof::None, |text| {
                    ClientProof::Post(Secret::new(text))
                }),
            });
        };
        let header = header.to_str().map_err(|_| InvalidCredentials::Header)?;
        let mut credentials = Self::parse_basic(header)?;
        if let Some(named) = in_form {
            // Of the two readings of the header, the one that the form confirms.
            let meant = credentials.ids().find(|id| id.as_str() == named).cloned();
            credentials.client_id = meant.ok_or(InvalidCredentials::Several)?;
            credentials.raw_client_id = None;
        }
        Ok(credentials)
    }

    /// Every identifier that the client may mean, the likeliest first.
    pub fn ids(&self) -> impl Iterator<Item = &ClientId> {
        std::iter::once(&self.client_id).chain(&self.raw_client_id)
    }

    fn parse_basic(header: &str) -> Result<Self, InvalidCredentials> {
        let (scheme, encoded) = header.split_once(' ').ok_or(InvalidCredentials::Header)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(InvalidCredentials::Header);
        }
        let bytes = STANDARD
            .decode(encoded.trim())
            .map_err(|_| InvalidCredentials::Header)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidCredentials::Header)?;
        let (id, secret) = text.split_once(':').ok_or(InvalidCredentials::Header)?;
        let decoded_id = form_decoded(id).ok_or(InvalidCredentials::Header)?;
        Ok(Self {
            client_id: parse_id(&decoded_id)?,
            raw_client_id: ClientId::parse(id).ok().filter(|_| decoded_id != id),
            proof: ClientProof::Basic {
                raw: Secret::new(secret),
                decoded: form_decoded(secret).map(Secret::new),
            },
        })
    }
}

/// The parameters of an assertion, of which at least one is there.
struct AssertionInForm<'a> {
    kind: Option<&'a str>,
    token: Option<&'a str>,
}

impl<'a> AssertionInForm<'a> {
    fn find(form: &'a Form) -> Option<Self> {
        let kind = form.value("client_assertion_type");
        let token = form.value("client_assertion");
        (kind.is_some() || token.is_some()).then_some(Self { kind, token })
    }

    /// The token names the client, so that the form need not
    /// ([RFC 7521, section 4.2](https://www.rfc-editor.org/rfc/rfc7521#section-4.2)).
    fn parse(self, in_form: Option<&str>) -> Result<ClientCredentials, InvalidCredentials> {
        if self.kind != Some(ASSERTION_TYPE) {
            return Err(InvalidCredentials::AssertionType);
        }
        let token = self.token.ok_or(InvalidCredentials::Assertion)?;
        let jws = Jws::parse(token).map_err(|_| InvalidCredentials::Assertion)?;
        let subject = jws.claimed_subject();
        let subject = subject.ok_or(InvalidCredentials::Assertion)?;
        if in_form.is_some_and(|id| id != subject) {
            return Err(InvalidCredentials::AssertionClient);
        }
        Ok(ClientCredentials {
            client_id: parse_id(&subject)?,
            raw_client_id: None,
            proof: ClientProof::Assertion(Secret::new(token)),
        })
    }
}

fn parse_id(text: &str) -> Result<ClientId, InvalidCredentials> {
    ClientId::parse(text).map_err(|_| InvalidCredentials::ClientId)
}

fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn parse(header: Option<&str>, form: &str) -> Result<ClientCredentials, InvalidCredentials> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        ClientCredentials::parse(&headers, &Form::parse(form.as_bytes()).unwrap())
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_secret_in_the_header_may_be_encoded_or_raw() {
        let credentials = parse(Some(&basic("a%3Ab:p%2Fq")), "").unwrap();
        assert_eq!(credentials.client_id.as_str(), "a:b");
        assert_eq!(credentials.ids().count(), 2);
        let ClientProof::Basic { raw, decoded } = credentials.proof else {
            panic!("not basic")
        };
        assert_eq!(
            (raw, decoded),
            (Secret::new("p%2Fq"), Some(Secret::new("p/q")))
        );
    }

    /// An unsigned assertion of this client.
    fn assertion(claims: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let header = encode(r#"{"alg":"ES256"}"#);
        format!("{header}.{}.AAAA", encode(claims))
    }

    #[test]
    fn an_assertion_names_the_client_and_the_form_may_agree() {
        let assertion = assertion(r#"{"sub":"a"}"#);
        let form = format!("client_assertion_type={ASSERTION_TYPE}&client_assertion={assertion}");
        for form in [form.clone(), format!("{form}&client_id=a")] {
            let credentials = parse(None, &form).unwrap();
            assert_eq!(credentials.client_id.as_str(), "a");
            assert_eq!(credentials.ids().count(), 1);
            let ClientProof::Assertion(token) = credentials.proof else {
                panic!("no assertion")
            };
            assert_eq!(token.expose(), assertion);
        }
    }

    #[test]
    fn an_assertion_that_cannot_be_looked_into_is_refused_with_its_reason() {
        use InvalidCredentials::{Assertion, AssertionClient, AssertionType, ClientId, Several};
        let good = assertion(r#"{"sub":"a"}"#);
        let kind = ASSERTION_TYPE;
        let beside =
            |more: &str| format!("client_assertion_type={kind}&client_assertion={good}&{more}");
        let with = |token: &str| format!("client_assertion_type={kind}&client_assertion={token}");
        let basic = basic("a:b");
        let cases = [
            (None, format!("client_assertion={good}"), AssertionType),
            (None, format!("client_assertion_type={kind}"), Assertion),
            (None, with("").to_string(), Assertion),
            (None, with("x.y.z"), Assertion),
            (None, with("a.b"), Assertion),
            (None, with(&assertion("{}")), Assertion),
            (None, with(&assertion(r#"{"iss":"a"}"#)), Assertion),
            (None, with(&assertion(r#"{"sub":""}"#)), ClientId),
            (None, with(&"A".repeat(8193)), Assertion),
            (None, beside("client_id=b"), AssertionClient),
            (None, beside("client_id=A"), AssertionClient),
            (None, beside("client_secret=b"), Several),
            (Some(basic.as_str()), beside(""), Several),
            (
                Some(basic.as_str()),
                format!("client_assertion_type={kind}"),
                Several,
            ),
            (Some("Bearer x"), beside(""), Several),
        ];
        for (header, form, expected) in cases {
            let result = parse(header, &form).map(|_| ());
            assert_eq!(result, Err(expected), "{header:?} {form}");
        }
        for other in [
            "",
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        ] {
            let form = format!("client_assertion_type={other}&client_assertion={good}");
            assert_eq!(
                parse(None, &form).map(|_| ()),
                Err(AssertionType),
                "{other}"
            );
        }
    }

    #[test]
    fn unusable_credentials_are_refused_with_their_reason() {
        use InvalidCredentials::{ClientId, Header, Missing, Several};
        let good = basic("a:b");
        let cases = [
            (None, "", Missing),
            (None, "client_secret=x", Missing),
            (None, "client_id=%C3%A9", ClientId),
            (Some("Basic"), "", Header),
            (Some("Bearer x"), "client_id=a", Header),
            (Some("Basic !!!"), "", Header),
            (Some(basic("nocolon").as_str()), "", Header),
            (Some(basic("%ff:x").as_str()), "", Header),
            (Some(good.as_str()), "client_secret=b", Several),
            (Some(good.as_str()), "client_id=other", Several),
        ]
        .map(|(header, form, expected)| (header.map(str::to_owned), form, expected));
        for (header, form, expected) in cases {
            let result = parse(header.as_deref(), form).map(|_| ());
            assert_eq!(result, Err(expected), "{header:?} {form}");
        }
    }
}
