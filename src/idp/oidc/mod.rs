//! Sign-in at an OpenID provider ([OpenID Connect Core], code flow with PKCE).
//!
//! [OpenID Connect Core]: https://openid.net/specs/openid-connect-core-1_0.html

mod authorization;
mod builder;
mod discovery;
mod document;
mod error;
mod id_token;
mod keys;
mod person;
mod token;
mod userinfo;

use std::sync::Arc;

use async_trait::async_trait;

use crate::fetch::{Fetch, RemoteCopy};
use crate::idp::{IdentityProvider, IdpError, Login, LoginStep};
use crate::jose::{Jws, KeySetError, VerifyingKeySet};
use crate::model::Identity;
use crate::protocol::form::Form;
use crate::types::{ClientId, Clock, Issuer, Secret, Timestamp};

pub use builder::{InvalidOpenIdProvider, OpenIdProviderBuilder};
pub use discovery::OpenIdClientAuth;

use discovery::Metadata;
use error::OidcError;
use id_token::{Expected, IdToken};
use token::TokenAnswer;

/// An OpenID provider at which people sign in.
///
/// Its metadata and keys are fetched when they are first needed, kept for a
/// while, and serve on while the provider does not answer. Nothing that the
/// provider says is believed unless it is signed and about this very sign-in.
#[derive(Debug)]
pub struct OpenIdProvider {
    client: Registration,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    metadata: RemoteCopy<Metadata, OidcError>,
    keys: RemoteCopy<VerifyingKeySet, OidcError>,
}

/// What we are at the provider.
#[derive(Debug)]
struct Registration {
    issuer: Issuer,
    client_id: ClientId,
    client_secret: Secret,
    scopes: String,
    /// As the operator says; as the metadata says if they do not.
    auth: Option<OpenIdClientAuth>,
    /// Whether to ask the userinfo endpoint for a missing address.
    userinfo: bool,
}

impl OpenIdProvider {
    /// The provider `issuer`, at which we are registered as `client_id`.
    pub fn builder(
        issuer: Issuer,
        client_id: ClientId,
        client_secret: Secret,
    ) -> OpenIdProviderBuilder {
        OpenIdProviderBuilder::new(issuer, client_id, client_secret)
    }

    async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, OidcError> {
        let load = discovery::load(self.fetch.as_ref(), &self.client.issuer);
        self.metadata.current(now, load).await
    }

    async fn sign_in(&self, login: &Login, answer: &Form) -> Result<Identity, OidcError> {
        let now = self.clock.now();
        let metadata = self.metadata(now).await?;
        let code = authorization::judge(answer, &self.client.issuer, &metadata)?;
        let request = token::request(&self.client, &metadata, login, &code)?;
        let tokens = token::exchange(self.fetch.as_ref(), request).await?;
        let id_token = self.verify(&metadata, login, &tokens).await?;
        self.identify(&metadata, &tokens, id_token).await
    }

    /// Verifies the ID token, with newer keys if its key is not known yet.
    async fn verify(
        &self,
        metadata: &Metadata,
        login: &Login,
        tokens: &TokenAnswer,
    ) -> Result<IdToken, OidcError> {
        // The provider may have taken its time; its clock is compared with now.
        let now = self.clock.now();
        let jws = Jws::parse(tokens.id_token.expose()).map_err(OidcError::Signature)?;
        let load = || keys::load(self.fetch.as_ref(), &metadata.jwks_uri);
        let known = self.keys.current(now, load()).await?;
        let verified = match known.verify(&jws) {
            Err(KeySetError::UnknownKey) => {
                let newer = self.keys.newer(known, now, load()).await;
                newer.verify(&jws)?
            }
            verified => verified?,
        };
        let expected = Expected {
            issuer: &self.client.issuer,
            client_id: &self.client.client_id,
            nonce: &login.nonce,
            access_token: &tokens.access_token,
        };
        id_token::judge(&verified, &expected, now)
    }

    async fn identify(
        &self,
        metadata: &Metadata,
        tokens: &TokenAnswer,
        id_token: IdToken,
    ) -> Result<Identity, OidcError> {
        let subject = id_token.subject.clone();
        let identity = person::identity(&self.client.issuer, subject, id_token.claims);
        match &metadata.userinfo_endpoint {
            Some(endpoint) if self.client.userinfo && identity.email.is_none() => {
                let request = userinfo::request(endpoint, &tokens.access_token)?;
                let claims = userinfo::load(self.fetch.as_ref(), request).await?;
                userinfo::judge(&claims, &id_token.subject)?;
                Ok(person::completed(identity, claims))
            }
            _ => Ok(identity),
        }
    }
}

#[async_trait]
impl IdentityProvider for OpenIdProvider {
    async fn begin(&self, login: &Login) -> Result<LoginStep, IdpError> {
        let metadata = self.metadata(self.clock.now()).await?;
        let url = authorization::url(&self.client, &metadata, login);
        Ok(LoginStep::Redirect(url))
    }

    async fn finish(&self, login: &Login, answer: &Form) -> Result<Identity, IdpError> {
        Ok(self.sign_in(login, answer).await?)
    }
}
