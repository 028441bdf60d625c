use serde_json::Value;

use crate::jose::Header;
use crate::protocol::claims::ACCESS_TOKEN_TYPE;
use crate::resource::verifier::TokenKind;
use crate::types::{ClientId, Scope};

/// How an authorization server writes its access tokens.
///
/// Begins with [`rfc9068`](Self::rfc9068), and gets what the server does
/// differently.
#[derive(Clone, Copy, Debug)]
pub struct TokenShape {
    mark: Option<AccessTokenMark>,
    scopes: &'static [&'static str],
    clients: &'static [&'static str],
    client_is_audience: bool,
}

/// By which claims an access token is told from an ID token, where the `typ` of the
/// header does not tell.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum AccessTokenMark {
    /// This claim has this value, which it has in no ID token.
    Value(&'static str, &'static str),
    /// All of these claims are there, which are in no ID token, and none is there
    /// that binds an ID token to a sign-in (`nonce`, `at_hash`, `c_hash`, `s_hash`).
    Claims(&'static [&'static str]),
    /// As [`Claims`](Self::Claims), and at least one of the second ones is there as
    /// well and not empty.
    ClaimsAndOneOf(&'static [&'static str], &'static [&'static str]),
}

impl TokenShape {
    /// As [RFC 9068] has it: the `typ` is `at+jwt`, and nothing else is an access
    /// token. The scope is in `scope`, the client in `client_id` or else in `azp`.
    ///
    /// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068#section-2
    #[must_use]
    pub const fn rfc9068() -> Self {
        Self {
            mark: None,
            scopes: &["scope"],
            clients: &["client_id", "azp"],
            client_is_audience: false,
        }
    }

    /// A token whose `typ` is `JWT`, or that has none, is an access token as well if
    /// it has this mark.
    #[must_use]
    pub const fn marked_by(mut self, mark: AccessTokenMark) -> Self {
        self.mark = Some(mark);
        self
    }

    /// Where the scope is: in the first of these claims that is there, as a text or
    /// as an array.
    #[must_use]
    pub const fn scope_in(mut self, claims: &'static [&'static str]) -> Self {
        self.scopes = claims;
        self
    }

    /// Where the client is: in the first of these claims that is there.
    #[must_use]
    pub const fn client_in(mut self, claims: &'static [&'static str]) -> Self {
        self.clients = claims;
        self
    }

    /// A token that has no `aud` is meant for the client that it was issued to.
    ///
    /// That client then has to be an [accepted audience] of the resource.
    ///
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    #[must_use]
    pub const fn client_stands_in_for_audience(mut self) -> Self {
        self.client_is_audience = true;
        self
    }

    pub(super) const fn client_is_audience(&self) -> bool {
        self.client_is_audience
    }

    /// What kind of token this is.
    pub(super) fn kind<'a>(
        &self,
        header: &Header,
        claims: impl Fn(&str) -> Option<&'a Value>,
    ) -> TokenKind {
        let says_nothing = header.typ.is_none() || header.has_typ("JWT");
        let is_marked = || self.mark.is_some_and(|mark| mark.is_on(claims));
        if header.has_typ(ACCESS_TOKEN_TYPE) || (says_nothing && is_marked()) {
            return TokenKind::AccessToken;
        }
        TokenKind::Other
    }

    /// Reads the scope, which is empty if no claim has it.
    pub(super) fn scope(claim: Option<Value>) -> Option<Scope> {
        let parsed = match claim {
            None => return Some(Scope::empty()),
            Some(Value::String(text)) => Scope::parse(&text),
            Some(Value::Array(tokens)) => {
                let texts: Option<Vec<_>> = tokens.iter().map(Value::as_str).collect();
                Scope::from_texts(texts?)
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                return None;
            }
        };
        parsed.ok()
    }

    /// Reads the client, if a claim has it; `None` if that is no identifier.
    pub(super) fn client(claim: Option<Value>) -> Option<Option<ClientId>> {
        let Some(value) = claim else {
            return Some(None);
        };
        ClientId::parse(value.as_str()?).ok().map(Some)
    }
}

/// The claims in which a shape looks for the client and the scope, each in its place.
#[derive(Debug)]
pub(super) struct ShapedClaims<'s> {
    pub(super) shape: &'s TokenShape,
    values: Vec<Option<Value>>,
}

impl<'s> ShapedClaims<'s> {
    pub(super) fn new(shape: &'s TokenShape) -> Self {
        let values = vec![None; shape.clients.len() + shape.scopes.len()];
        Self { shape, values }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> + use<'s> {
        self.shape.clients.iter().chain(self.shape.scopes).copied()
    }

    /// Where the claim belongs, if it is one of these.
    pub(super) fn slot(&mut self, name: &str) -> Option<&mut Option<Value>> {
        let place = self.names().position(|known| known == name)?;
        self.values.get_mut(place)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let place = self.names().position(|known| known == name)?;
        self.values.get(place)?.as_ref()
    }

    pub(super) fn take_client(&mut self) -> Option<Value> {
        self.take_first(self.shape.clients)
    }

    pub(super) fn take_scope(&mut self) -> Option<Value> {
        self.take_first(self.shape.scopes)
    }

    fn take_first(&mut self, names: &[&str]) -> Option<Value> {
        names.iter().find_map(|name| self.slot(name)?.take())
    }

    /// What was not taken, since what comes before it counts.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, Value)> {
        let all = self.names().zip(self.values);
        all.filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }
}

impl AccessTokenMark {
    /// What only an ID token has ([OpenID Connect Core, sections 2 and 3.3.2.11]).
    ///
    /// [OpenID Connect Core, sections 2 and 3.3.2.11]: https://openid.net/specs/openid-connect-core-1_0.html#IDToken
    const OF_A_SIGN_IN: [&'static str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

    fn is_on<'a>(self, claims: impl Fn(&str) -> Option<&'a Value>) -> bool {
        match self {
            Self::Value(name, value) => claims(name).and_then(Value::as_str) == Some(value),
            Self::Claims(names) => Self::are_on(names, claims),
            Self::ClaimsAndOneOf(names, some) => {
                let says = |name: &&str| claims(name).is_some_and(is_filled);
                some.iter().any(says) && Self::are_on(names, claims)
            }
        }
    }

    fn are_on<'a>(names: &[&str], claims: impl Fn(&str) -> Option<&'a Value>) -> bool {
        let is_there = |name: &&str| claims(name).is_some();
        names.iter().all(is_there) && !Self::OF_A_SIGN_IN.iter().any(is_there)
    }
}

/// Whether a claim is a text or an array with something in it.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(members) => !members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}
