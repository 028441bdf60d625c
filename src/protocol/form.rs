//! Parameters of requests, in a query or a form body ([RFC 6749, appendix B]).
//!
//! [RFC 6749, appendix B]: https://www.rfc-editor.org/rfc/rfc6749#appendix-B

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode;
use thiserror::Error;

/// The parameters of a request, each at most once.
///
/// A parameter without a value counts as absent ([RFC 6749, section 3.1]).
///
/// [RFC 6749, section 3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-3.1
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Form(Vec<(String, String)>);

/// The text is no set of parameters that can be acted on.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidForm {
    /// A parameter is there twice.
    #[error("a parameter is repeated")]
    Repeated(String),
    /// A name or a value is not UTF-8 once decoded.
    #[error("a parameter is not UTF-8")]
    Encoding,
    /// There are more than 64 parameters.
    #[error("there are too many parameters")]
    TooMany,
}

impl Form {
    const MAX_PARAMETERS: usize = 64;
    /// The one parameter that may stand more than once ([RFC 8707, section 2]).
    ///
    /// [RFC 8707, section 2]: https://www.rfc-editor.org/rfc/rfc8707#section-2
    const REPEATABLE: &'static str = "resource";

    /// Parses a query string or a form body.
    ///
    /// # Errors
    ///
    /// [`InvalidForm`] if a parameter other than `resource` is repeated, is not
    /// UTF-8, or there are more than 64.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidForm> {
        // What separates parameters is ASCII, so that the whole is UTF-8 exactly
        // if each of them is.
        if holds_more_than_ascii(text) && percent_decode(text).decode_utf8().is_err() {
            return Err(InvalidForm::Encoding);
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if parameters.len() == Self::MAX_PARAMETERS {
                return Err(InvalidForm::TooMany);
            }
            let repeated = parameters.iter().any(|(known, _)| *known == name);
            if repeated && name != Self::REPEATABLE {
                return Err(InvalidForm::Repeated(name.into_owned()));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    /// The parameter `name`, if it is there and has a value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Every value of the parameter `name`.
    pub fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The parameters as a query string or form body.
    #[must_use]
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// Whether anything but ASCII comes out when `text` is decoded; it rarely does.
fn holds_more_than_ascii(text: &[u8]) -> bool {
    let encoded = |pair: &[u8]| pair[0] == b'%' && pair[1] >= b'8';
    !text.is_ascii() || text.windows(2).any(encoded)
}

impl<'a, N: Into<Cow<'a, str>>, V: Into<Cow<'a, str>>> FromIterator<(N, V)> for Form {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let owned = |(name, value): (N, V)| (name.into().into_owned(), value.into().into_owned());
        Self(pairs.into_iter().map(owned).collect())
    }
}

impl fmt::Debug for Form {
    /// Names only: values may be codes, tokens and secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Form")?;
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_without_a_value_is_absent() {
        let form = Form::parse(b"a=&b&c=1").unwrap();
        assert_eq!(
            (form.value("a"), form.value("b"), form.value("c")),
            (None, None, Some("1"))
        );
    }

    #[test]
    fn a_repeated_parameter_is_refused_except_resource() {
        assert_eq!(
            Form::parse(b"a=1&a=1"),
            Err(InvalidForm::Repeated("a".into()))
        );
        assert_eq!(
            Form::parse(b"a=&%61=1"),
            Err(InvalidForm::Repeated("a".into()))
        );
        let form = Form::parse(b"resource=x&resource=y").unwrap();
        assert_eq!(form.values("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        assert_eq!(Form::parse(b"a=%ff"), Err(InvalidForm::Encoding));
        assert_eq!(Form::parse(b"%c3=1"), Err(InvalidForm::Encoding));
        assert_eq!(Form::parse(b"a=%c3&%a9=1"), Err(InvalidForm::Encoding));
        assert!(Form::parse(b"a=%ef%bf%bd").is_ok());
    }

    #[test]
    fn the_number_of_parameters_is_bounded() {
        let many: Vec<_> = (0..65).map(|number| format!("p{number}=1")).collect();
        assert_eq!(
            Form::parse(many.join("&").as_bytes()),
            Err(InvalidForm::TooMany)
        );
    }

    #[test]
    fn values_do_not_show_when_printed() {
        let form = Form::parse(b"code=hunter2").unwrap();
        assert_eq!(format!("{form:?}"), r#"Form["code"]"#);
    }
}
