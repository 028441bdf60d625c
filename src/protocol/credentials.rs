//! How a client presents itself ([RFC 6749, section 2.3]).
//!
//! [RFC 6749, section 2.3]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::protocol::form::Form;
use crate::types::{ClientId, Secret};

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
        let mut authorization = headers.get_all(AUTHORIZATION).iter();
        let header = authorization.next();
        if authorization.next().is_some() || (header.is_some() && post.is_some()) {
            return Err(InvalidCredentials::Several);
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
