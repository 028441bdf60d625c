//! The authorization endpoint and what follows it in the browser
//! ([RFC 6749, section 3.1]).
//!
//! [RFC 6749, section 3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-3.1

use bytes::Bytes;
use http::header::{ORIGIN, SET_COOKIE};
use http::{Method, Request, Response};

use crate::endpoint::{Endpoints, cookie, form, respond};
use crate::event::Event;
use crate::idp::LoginStep;
use crate::protocol::authorize::{AuthorizationRequest, AuthorizationResponse};
use crate::protocol::form::Form;
use crate::server::{
    AuthorizationServer, AuthorizeError, AuthorizeStep, BrowserSecret, ConsentDecision,
    ConsentPrompt, Outage, PageError,
};
use crate::types::{ClientAddress, Secret};

impl Endpoints {
    /// Shows the consent page, and gives the browser its secret.
    pub(super) async fn authorize(
        &self,
        server: &AuthorizationServer,
        request: &Request<Bytes>,
        from: Option<ClientAddress>,
    ) -> Response<Bytes> {
        match ask(server, request, from).await {
            Ok((prompt, browser)) => {
                let mut response = self.pages.consent(server, &prompt);
                if let Some(cookie) = cookie::write(server, &browser) {
                    response.headers_mut().insert(SET_COOKIE, cookie);
                }
                response
            }
            Err(error) => self.refuse(server, &error),
        }
    }

    /// Takes the decision from the consent page.
    pub(super) async fn consent(
        &self,
        server: &AuthorizationServer,
        request: &Request<Bytes>,
        from: Option<ClientAddress>,
    ) -> Response<Bytes> {
        if let Err(refusal) = server.admit_consent(from).await {
            return self.refuse(server, &PageError::from(refusal).into());
        }
        let step = match form::body(request) {
            Ok(_) if is_from_elsewhere(server, request) => Err(PageError::ForeignConsent.into()),
            Ok(form) => {
                let browser = cookie::read(server, request.headers());
                server
                    .consent(&ConsentDecision::parse(&form), browser.as_ref(), from)
                    .await
            }
            Err(_) => Err(PageError::Malformed.into()),
        };
        self.step(server, step)
    }

    /// Takes the person back from the identity provider.
    pub(super) async fn callback(
        &self,
        server: &AuthorizationServer,
        request: &Request<Bytes>,
        from: Option<ClientAddress>,
    ) -> Response<Bytes> {
        let step = match Form::parse(query(request)) {
            Ok(answer) => {
                let browser = cookie::read(server, request.headers());
                server.callback(&answer, browser.as_ref(), from).await
            }
            Err(_) => Err(PageError::Malformed.into()),
        };
        self.step(server, step)
    }

    fn step(
        &self,
        server: &AuthorizationServer,
        step: Result<AuthorizeStep, AuthorizeError>,
    ) -> Response<Bytes> {
        match step {
            Ok(AuthorizeStep::Redirect(location)) => respond::redirect(&location),
            Ok(AuthorizeStep::Login(LoginStep::Redirect(url))) => {
                respond::redirect(&Secret::new(url.as_str()))
            }
            Ok(AuthorizeStep::Login(LoginStep::Page(html))) => self.pages.show(html),
            Err(error) => self.refuse(server, &error),
        }
    }

    /// Tells the client if it is known good, and the person otherwise.
    fn refuse(&self, server: &AuthorizationServer, error: &AuthorizeError) -> Response<Bytes> {
        match error {
            AuthorizeError::Page(PageError::Outage(outage)) => server.report(outage),
            // Told of already, and not each time.
            AuthorizeError::Page(PageError::TooMany(_)) => {}
            AuthorizeError::Page(_) | AuthorizeError::Redirect { .. } => {
                server.emit(&Event::AuthorizationRefused {
                    reason: error.to_string(),
                });
            }
        }
        match error {
            AuthorizeError::Page(error) => self.pages.error(error),
            AuthorizeError::Redirect {
                to,
                state,
                code,
                reason,
            } => {
                let answer = AuthorizationResponse::Error(*code, reason);
                respond::redirect(&answer.location(to, state.as_deref(), server.issuer()))
            }
        }
    }
}

async fn ask(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    from: Option<ClientAddress>,
) -> Result<(ConsentPrompt, BrowserSecret), AuthorizeError> {
    let form = if request.method() == Method::POST {
        form::body(request).ok()
    } else {
        Form::parse(query(request)).ok()
    };
    let client_id = form.as_ref().and_then(|form| form.value("client_id"));
    let admitted = server.admit_authorization(client_id, from).await;
    admitted.map_err(PageError::from)?;
    let form = form.ok_or(PageError::Malformed)?;
    // A browser keeps its secret, so that several pages can be open in it.
    let browser = match cookie::read(server, request.headers()) {
        Some(browser) => browser,
        None => BrowserSecret::generate(server.entropy())
            .map_err(|error| PageError::from(Outage::from(error)))?,
    };
    let prompt = server
        .authorize(&AuthorizationRequest::new(form), &browser, from)
        .await?;
    Ok((prompt, browser))
}

fn query(request: &Request<Bytes>) -> &[u8] {
    request.uri().query().unwrap_or_default().as_bytes()
}

/// Whether the browser says that another site sent the form. Our own page is
/// shown with `no-referrer`, for which browsers say `null`.
fn is_from_elsewhere(server: &AuthorizationServer, request: &Request<Bytes>) -> bool {
    let ours = || server.issuer().url().origin().ascii_serialization();
    let mut origins = request.headers().get_all(ORIGIN).iter();
    origins.any(|origin| origin != "null" && origin != ours().as_str())
}
