use std::sync::Arc;

use crate::event::{Event, causes};
use crate::idp::{IdpError, Login};
use crate::model::{
    AuthorizedLogin, AuthorizedRequest, ClientRecord, CodeRecord, CodeStage, GrantType, Identity,
    PendingAuthorization, PendingRecord, SealError, Sealed,
};
use crate::protocol::authorize::AuthorizationResponse;
use crate::protocol::claims::AccessTokenClaims;
use crate::protocol::error::ErrorCode;
use crate::protocol::form::Form;
use crate::server::authorize::browser::BrowserSecret;
use crate::server::authorize::request::ValidRequest;
use crate::server::authorize::step::AuthorizeStep;
use crate::server::config::{AuthorizationServer, paths};
use crate::server::error::{AuthorizeError, Outage, PageError};
use crate::server::find_client::FindClientError;
use crate::server::policy::{Approval, Decision, LoginAttempt};
use crate::server::token::CODE_PURPOSE;
use crate::store::{Insertion, StoreError};
use crate::types::{ClientAddress, ClientId, CodeVerifier, Secret, Subject, TokenHash};

const PENDING_PURPOSE: &str = "pending authorization";
/// What a policy may add, so that tokens stay short enough to be read.
const MAX_CLAIMS_BYTES: usize = 4096;

impl AuthorizationServer {
    /// Keeps the request for this browser and sends the person to sign in.
    pub(super) async fn begin_login(
        &self,
        valid: ValidRequest,
        browser: &BrowserSecret,
    ) -> Result<AuthorizeStep, AuthorizeError> {
        let login = self.new_login().map_err(PageError::from)?;
        let step = match self.idp.begin(&login).await {
            Ok(step) => step,
            Err(error) => {
                let (code, reason) = self.judge_failure(error);
                return Err(valid.refuse(code, reason));
            }
        };
        let pending = PendingAuthorization {
            request: valid.into_request(),
            browser: browser.hash(),
            nonce: login.nonce.expose().to_owned(),
            verifier: login.verifier.expose().to_owned(),
        };
        self.keep(&login.state, &pending)
            .await
            .map_err(PageError::from)?;
        Ok(AuthorizeStep::Login(step))
    }

    fn new_login(&self) -> Result<Login, Outage> {
        Ok(Login {
            state: self.entropy.secret()?,
            nonce: self.entropy.secret()?,
            verifier: CodeVerifier::generate(&*self.entropy)?,
            callback: self.issuer.endpoint(paths::CALLBACK),
        })
    }

    async fn keep(&self, state: &Secret, pending: &PendingAuthorization) -> Result<(), Outage> {
        let record = PendingRecord {
            state: state.hash(),
            authorization: Sealed::seal(pending, state, PENDING_PURPOSE, &*self.entropy)?,
            expires_at: self.clock.now().plus(self.lifetimes.login),
        };
        inserted(self.store().insert_pending(record).await)
    }

    /// Takes the person back from the identity provider and answers the client.
    ///
    /// # Errors
    ///
    /// [`AuthorizeError`] with the reason and who may hear it.
    pub async fn callback(
        &self,
        answer: &Form,
        browser: Option<&BrowserSecret>,
        from: Option<ClientAddress>,
    ) -> Result<AuthorizeStep, AuthorizeError> {
        let state = Secret::new(answer.value("state").ok_or(PageError::UnknownLogin)?);
        let pending = self.take_back(&state, browser).await?;
        let login = self
            .resume_login(state, &pending)
            .map_err(PageError::from)?;
        let request = pending.request;
        // The sign-in is used up: only the client can begin another, so that an
        // outage from here on is told to it.
        let try_later = |outage: Outage| self.answer_outage(&request, &outage);
        let client = self.find_client_again(&request, from).await?;
        // It may want its answers somewhere else by now.
        if !client.allows_redirect_to(&request.redirect_uri) {
            return Err(PageError::RedirectUri.into());
        }
        let identity = match self.idp.finish(&login, answer).await {
            Ok(identity) => identity,
            Err(error) => return Err(refuse(&request, self.judge_failure(error))),
        };
        let approval = self.approve(&request, &client, &identity).await;
        let approval = approval.map_err(try_later)?.ok_or_else(|| {
            let reason = "this person may not sign in here";
            refuse(&request, (ErrorCode::AccessDenied, reason))
        })?;
        self.keep_used_client(&client, &request).await?;
        let code = self
            .give_code(&request, identity, approval)
            .await
            .map_err(try_later)?;
        let location = AuthorizationResponse::Code(code).location(
            &request.redirect_uri,
            request.state.as_deref(),
            &self.issuer,
        );
        Ok(AuthorizeStep::Redirect(location))
    }

    /// Finds the client of a request that was good: it may have been removed while
    /// the person signed in.
    async fn find_client_again(
        &self,
        request: &AuthorizedRequest,
        from: Option<ClientAddress>,
    ) -> Result<Arc<ClientRecord>, AuthorizeError> {
        let found = self.find_client(&request.client_id, from).await;
        match found.map_err(FindClientError::for_client) {
            Ok(found) => Ok(found.ok_or(PageError::UnknownClient)?),
            Err(FindClientError::Outage(outage)) => Err(self.answer_outage(request, &outage)),
            Err(refused @ FindClientError::Document(_)) => Err(PageError::from(refused).into()),
        }
    }

    /// Makes sure that a client with which somebody signed in is not forgotten
    /// before it fetches its tokens, nor soon after.
    async fn keep_used_client(
        &self,
        client: &ClientRecord,
        request: &AuthorizedRequest,
    ) -> Result<(), AuthorizeError> {
        let try_later = |outage: Outage| self.answer_outage(request, &outage);
        let period = self.lifetimes.unused_client;
        let kept = self.keep_client(client, period).await.map_err(try_later)?;
        if !kept {
            // It was stored, so that nothing is fetched.
            self.find_client_again(request, None).await?;
        }
        Ok(())
    }

    /// Finds the request behind `state`, once, for the browser that began it.
    async fn take_back(
        &self,
        state: &Secret,
        browser: Option<&BrowserSecret>,
    ) -> Result<PendingAuthorization, PageError> {
        let (key, now) = (state.hash(), self.clock.now());
        let found = self
            .store()
            .find_pending(&key, now)
            .await
            .map_err(Outage::from)?;
        let record = found.ok_or(PageError::UnknownLogin)?;
        let pending: PendingAuthorization = record
            .authorization
            .open(state, PENDING_PURPOSE)
            .map_err(Outage::from)?;
        // Looked at before it is taken: whoever opens the link elsewhere must
        // not spoil it for the browser that began.
        let here: Option<TokenHash> = browser.map(BrowserSecret::hash);
        if here != Some(pending.browser) {
            return Err(PageError::ForeignBrowser);
        }
        let taken = self
            .store()
            .take_pending(&key, now)
            .await
            .map_err(Outage::from)?;
        taken.map(|_| pending).ok_or(PageError::UnknownLogin)
    }

    fn resume_login(&self, state: Secret, pending: &PendingAuthorization) -> Result<Login, Outage> {
        let verifier = CodeVerifier::parse(&pending.verifier).map_err(|_| SealError)?;
        Ok(Login {
            state,
            nonce: Secret::new(pending.nonce.as_str()),
            verifier,
            callback: self.issuer.endpoint(paths::CALLBACK),
        })
    }

    /// What the client hears of a failed sign-in; the operator hears the cause.
    fn judge_failure(&self, error: IdpError) -> (ErrorCode, &'static str) {
        match error {
            IdpError::AccessDenied => {
                self.emit(&Event::LoginFailed {
                    reason: error.to_string(),
                });
                (ErrorCode::AccessDenied, "the sign-in was denied")
            }
            IdpError::Refused(_) => {
                self.emit(&Event::LoginFailed {
                    reason: causes(&error),
                });
                (ErrorCode::ServerError, "the sign-in failed")
            }
            IdpError::Unavailable(cause) => {
                self.report(&Outage::IdentityProvider(cause));
                (
                    ErrorCode::TemporarilyUnavailable,
                    "the identity provider cannot be reached",
                )
            }
        }
    }

    fn answer_outage(&self, request: &AuthorizedRequest, outage: &Outage) -> AuthorizeError {
        self.report(outage);
        let heard = match outage {
            // Trying again would not help.
            Outage::TokenTooLong | Outage::SubjectOfClient => {
                (ErrorCode::ServerError, "the server is misconfigured")
            }
            Outage::Store(_)
            | Outage::Entropy(_)
            | Outage::Sign(_)
            | Outage::Seal(_)
            | Outage::IdentityProvider(_)
            | Outage::Policy(_)
            | Outage::ClientDocument(_)
            | Outage::Collision => (ErrorCode::TemporarilyUnavailable, "try again later"),
        };
        refuse(request, heard)
    }

    /// Asks the policy; what it grants is cut down to what was consented to.
    async fn approve(
        &self,
        request: &AuthorizedRequest,
        client: &ClientRecord,
        identity: &Identity,
    ) -> Result<Option<Approval>, Outage> {
        let attempt = LoginAttempt {
            identity,
            client,
            scope: &request.scope,
            resource: &request.resource,
        };
        let decision = self.policy.decide(&attempt).await;
        let mut approval = match decision.map_err(|error| Outage::Policy(error.0))? {
            Decision::Allow(approval) => approval,
            Decision::Refuse => return Ok(None),
        };
        if self.stands_for_client(client, &approval.subject) {
            return Err(Outage::SubjectOfClient);
        }
        approval.scope = approval.scope.intersection(&request.scope);
        approval
            .claims
            .retain(|name, _| !AccessTokenClaims::RESERVED.contains(&name.as_str()));
        let claims = serde_json::to_string(&approval.claims).map_err(|_| SealError)?;
        if claims.len() > MAX_CLAIMS_BYTES {
            return Err(Outage::TokenTooLong);
        }
        Ok((!approval.scope.is_empty()).then_some(approval))
    }

    /// Whether `subject` stands for a client: for one that acts for itself, or for
    /// the one that asks, whose token would look like that of a machine
    /// ([RFC 9068, section 5](https://www.rfc-editor.org/rfc/rfc9068#section-5)).
    fn stands_for_client(&self, asking: &ClientRecord, subject: &Subject) -> bool {
        let Ok(id) = ClientId::parse(subject.as_str()) else {
            return false;
        };
        let known = self.preregistered.get(&id);
        let acts =
            known.is_some_and(|known| known.grant_types.contains(&GrantType::ClientCredentials));
        acts || asking.id == id
    }

    async fn give_code(
        &self,
        request: &AuthorizedRequest,
        identity: Identity,
        approval: Approval,
    ) -> Result<Secret, Outage> {
        let code = self.entropy.secret()?;
        let login = AuthorizedLogin {
            request: request.clone(),
            identity,
            subject: approval.subject,
            scope: approval.scope,
            claims: approval.claims,
        };
        let record = CodeRecord {
            hash: code.hash(),
            login: Sealed::seal(&login, &code, CODE_PURPOSE, &*self.entropy)?,
            stage: CodeStage::Fresh,
            expires_at: self.clock.now().plus(self.lifetimes.code),
        };
        inserted(self.store().insert_code(record).await)?;
        self.emit(&Event::LoginCompleted {
            client_id: request.client_id.clone(),
            subject: login.subject,
            scope: login.scope,
        });
        Ok(code)
    }
}

fn refuse(
    request: &AuthorizedRequest,
    (code, reason): (ErrorCode, &'static str),
) -> AuthorizeError {
    AuthorizeError::Redirect {
        to: request.redirect_uri.clone(),
        state: request.state.clone(),
        code,
        reason,
    }
}

fn inserted(result: Result<Insertion, StoreError>) -> Result<(), Outage> {
    match result? {
        Insertion::Done => Ok(()),
        Insertion::Conflict => Err(Outage::Collision),
    }
}
