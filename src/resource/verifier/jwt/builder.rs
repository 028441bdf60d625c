use std::sync::Arc;

use thiserror::Error;

use crate::event::{EventSink, TracingSink};
use crate::fetch::{Fetch, RemoteCopyLimits};
use crate::jose::{JwkSet, LastHeader, VerifyingKeySet};
use crate::resource::verifier::jwt::keys::{IssuerKeys, Place, PublishedKeys, keys_uri};
use crate::resource::verifier::jwt::{JwtVerifier, TokenShape};
use crate::resource::verifier::renamed_audience::RenamedAudiences;
use crate::types::{Issuer, ResourceUri};

/// Settings of a [`JwtVerifier`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct JwtVerifierBuilder {
    issuer: Issuer,
    other_names: Vec<Issuer>,
    keys: Keys,
    shape: TokenShape,
    audiences: RenamedAudiences,
    limits: RemoteCopyLimits,
    events: Arc<dyn EventSink>,
}

#[derive(Debug)]
enum Keys {
    AtHand(VerifyingKeySet),
    Fetched(Arc<dyn Fetch>, Option<String>),
}

/// The settings do not make a verifier.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidJwtVerifier {
    /// The address of the keys is not `https`, or has a user name, a password or a
    /// fragment; plain `http` is for a server and keys on this machine.
    #[error("the keys of an issuer are at an https URL")]
    KeysUri,
    /// None of the keys at hand can be used.
    #[error("none of the keys at hand can be used")]
    NoUsableKey,
}

impl JwtVerifierBuilder {
    pub(super) fn fetching(issuer: Issuer, fetch: Arc<dyn Fetch>) -> Self {
        Self::new(issuer, Keys::Fetched(fetch, None))
    }

    pub(super) fn at_hand(issuer: Issuer, keys: &JwkSet) -> Self {
        Self::new(issuer, Keys::AtHand(VerifyingKeySet::from(keys)))
    }

    fn new(issuer: Issuer, keys: Keys) -> Self {
        Self {
            issuer,
            other_names: Vec::new(),
            keys,
            shape: TokenShape::rfc9068(),
            audiences: RenamedAudiences::default(),
            limits: RemoteCopyLimits::default(),
            events: Arc::new(TracingSink),
        }
    }

    /// Takes tokens that name `issuer` as well: another name of the same server, which
    /// signs them with the same keys, such as while it changes its name.
    ///
    /// The resource has to trust that name, too: it is where clients are sent to, or a
    /// [token issuer].
    ///
    /// [token issuer]: crate::resource::ResourceServerBuilder::token_issuer
    pub fn also_named(mut self, issuer: Issuer) -> Self {
        self.other_names.push(issuer);
        self
    }

    /// Where the keys are, if the metadata of the issuer is not to be asked.
    ///
    /// Means nothing to keys that are at hand.
    pub fn keys_uri(mut self, uri: impl Into<String>) -> Self {
        if let Keys::Fetched(_, given) = &mut self.keys {
            *given = Some(uri.into());
        }
        self
    }

    /// How the issuer writes its access tokens: as RFC 9068 has it unless changed.
    pub const fn token_shape(mut self, shape: TokenShape) -> Self {
        self.shape = shape;
        self
    }

    /// Takes the audience `name`, such as `api://notes`, for `resource` in what this
    /// verifier vouches for; compared byte for byte.
    ///
    /// Where several authorization servers are trusted, this is for one of them alone,
    /// unlike the [accepted audience] of the resource. The name has to stand for this
    /// resource and nothing else.
    ///
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    pub fn audience_name(mut self, name: impl Into<String>, resource: ResourceUri) -> Self {
        self.audiences.add(name.into(), resource);
        self
    }

    /// For how long fetched keys serve: fresh for 15 minutes, while the issuer does
    /// not answer for a day, and asked for again twice a minute at most, unless
    /// changed.
    ///
    /// A key that the issuer withdraws counts until the keys are no longer fresh.
    pub const fn key_limits(mut self, limits: RemoteCopyLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What hears of keys that cannot be fetched; by default it goes to `tracing`.
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// The verifier. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`InvalidJwtVerifier`] if a setting is of no use.
    pub fn build(self) -> Result<JwtVerifier, InvalidJwtVerifier> {
        let keys = match self.keys {
            Keys::AtHand(keys) if keys.is_empty() => return Err(InvalidJwtVerifier::NoUsableKey),
            Keys::AtHand(keys) => IssuerKeys::AtHand(keys),
            Keys::Fetched(fetch, given) => {
                let place = match given {
                    Some(text) => keys_uri(&self.issuer, &text)
                        .map(Place::Given)
                        .ok_or(InvalidJwtVerifier::KeysUri)?,
                    None => Place::in_metadata_of(self.issuer.clone()),
                };
                let keys = PublishedKeys::new(fetch, place, self.limits, self.events);
                IssuerKeys::Published(Box::new(keys))
            }
        };
        Ok(JwtVerifier {
            issuer: self.issuer,
            other_names: self.other_names,
            keys,
            shape: self.shape,
            audiences: self.audiences,
            last_header: LastHeader::default(),
        })
    }
}
