use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;

use crate::event::Event;
use crate::model::{ClientRecord, Registration};
use crate::protocol::authorize::AuthorizationRequest;
use crate::protocol::error::ErrorCode;
use crate::protocol::form::Form;
use crate::server::authorize::browser::BrowserSecret;
use crate::server::authorize::request::ValidRequest;
use crate::server::authorize::step::AuthorizeStep;
use crate::server::config::AuthorizationServer;
use crate::server::error::{AuthorizeError, Outage, PageError};
use crate::types::{ClientAddress, DocumentUrl, RedirectUriKind, ScopeToken, Timestamp};

/// Everything a person needs to see to decide, as plain text.
#[derive(Clone, Serialize)]
pub struct ConsentPrompt {
    /// What the client calls itself; nobody vouches for it.
    pub client_name: String,
    /// The client's identifier.
    pub client_id: String,
    /// The client's page, as it claims.
    pub client_uri: Option<String>,
    /// The host that publishes the document of the client, if that is how the
    /// client is known: whoever runs it vouches for the client.
    pub document_host: Option<String>,
    /// Whether the operator of this server knows the client.
    pub known_to_operator: bool,
    /// The host, or the scheme of a native application, that the answer goes to.
    pub destination: String,
    /// Whether the answer goes to a program on the person's own machine, by
    /// loopback or by a scheme: any program there could be behind the name.
    pub is_local: bool,
    /// What the client asks for.
    pub scopes: Vec<ScopeDescription>,
    /// The resource that the client wants to use.
    pub resource: String,
    /// The request, to be sent back with the decision.
    pub request: String,
    /// Proof that this page was shown to this browser for this request.
    pub token: String,
}

impl fmt::Debug for ConsentPrompt {
    /// Without request and token, which only this browser may know.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConsentPrompt")
            .field("client_id", &self.client_id)
            .field("destination", &self.destination)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// One scope, for a person to read.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeDescription {
    /// The scope itself.
    pub name: String,
    /// What it means.
    pub description: String,
}

/// What a person decided on the consent page.
#[derive(Clone)]
pub struct ConsentDecision {
    request: String,
    token: String,
    approved: bool,
}

impl fmt::Debug for ConsentDecision {
    /// Without request and token, as with the page they come from.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConsentDecision")
            .field("approved", &self.approved)
            .finish_non_exhaustive()
    }
}

impl ConsentDecision {
    /// Reads the form of the consent page. Anything but `approve` is a no.
    #[must_use]
    pub fn parse(form: &Form) -> Self {
        let text = |name| form.value(name).unwrap_or_default().to_owned();
        Self {
            request: text("request"),
            token: text("token"),
            approved: form.value("decision") == Some("approve"),
        }
    }
}

impl AuthorizationServer {
    /// Judges an authorization request and asks the person.
    ///
    /// Nothing is stored: the request travels through the page, and the token
    /// in it, made with the secret of the browser, shows that the page is ours.
    ///
    /// # Errors
    ///
    /// [`AuthorizeError`] with the reason and who may hear it.
    pub async fn authorize(
        &self,
        request: &AuthorizationRequest,
        browser: &BrowserSecret,
        from: Option<ClientAddress>,
    ) -> Result<ConsentPrompt, AuthorizeError> {
        let valid = self.validate(request, from).await?;
        let encoded = request.encode();
        let until = self.clock.now().plus(self.lifetimes.login);
        let render = self
            .entropy
            .identifier()
            .map_err(|error| PageError::from(Outage::from(error)))?;
        let token = ConsentToken { until, render };
        let client = valid.client();
        let describe = |token: &ScopeToken| ScopeDescription {
            name: token.to_string(),
            description: self.scopes.describe(token),
        };
        Ok(ConsentPrompt {
            client_name: client.name.clone().unwrap_or_else(|| client.id.to_string()),
            client_id: client.id.to_string(),
            client_uri: client.client_uri.clone(),
            document_host: document_host(client),
            known_to_operator: client.registration == Registration::Preregistered,
            destination: valid.redirect_uri().destination(),
            is_local: valid.redirect_uri().kind() != RedirectUriKind::Https,
            scopes: valid.scope().iter().map(describe).collect(),
            resource: self.resource.to_string(),
            token: token.sign(browser, &shown(&valid, &encoded)),
            request: encoded,
        })
    }

    /// Takes the person's decision, and sends them to sign in if it is a yes.
    ///
    /// # Errors
    ///
    /// [`AuthorizeError`] with the reason and who may hear it.
    pub async fn consent(
        &self,
        decision: &ConsentDecision,
        browser: Option<&BrowserSecret>,
        from: Option<ClientAddress>,
    ) -> Result<AuthorizeStep, AuthorizeError> {
        let browser = browser.ok_or(PageError::ForeignConsent)?;
        let form = Form::parse(decision.request.as_bytes()).map_err(|_| PageError::Malformed)?;
        let request = AuthorizationRequest::new(form);
        let valid = self.validate(&request, from).await?;
        let now = self.clock.now();
        let seen = shown(&valid, &decision.request);
        if !ConsentToken::verify(&decision.token, browser, &seen, now) {
            return Err(PageError::ForeignConsent.into());
        }
        if !decision.approved {
            self.emit(&Event::ConsentDenied {
                client_id: valid.client().id.clone(),
            });
            return Err(valid.refuse(ErrorCode::AccessDenied, "the person did not consent"));
        }
        self.begin_login(valid, browser).await
    }
}

fn document_host(client: &ClientRecord) -> Option<String> {
    let url = DocumentUrl::parse(client.id.as_str()).ok()?;
    (client.registration == Registration::Document).then(|| url.host().to_owned())
}

/// All that a person decides about. A client that changes while its page is open
/// makes another text of it, and the decision is not about that.
fn shown(valid: &ValidRequest, request: &str) -> String {
    let client = valid.client();
    let shown = (
        valid.scope(),
        valid.redirect_uri(),
        &client.name,
        &client.client_uri,
        document_host(client),
        request,
    );
    serde_json::to_string(&shown).expect("texts and lists of them can be written")
}

/// Shows that a consent form is from a page that this browser was shown: until
/// when it is good, which rendering it is from, and a MAC over both and what was
/// [`shown`], under the browser's secret.
struct ConsentToken {
    until: Timestamp,
    render: String,
}

impl ConsentToken {
    fn sign(&self, browser: &BrowserSecret, shown: &str) -> String {
        let mac = self.mac(browser, shown).finalize().into_bytes();
        format!(
            "{}.{}.{}",
            self.until.as_secs(),
            self.render,
            URL_SAFE_NO_PAD.encode(mac)
        )
    }

    fn verify(text: &str, browser: &BrowserSecret, shown: &str, now: Timestamp) -> bool {
        let mut parts = text.splitn(3, '.');
        let (Some(until), Some(render), Some(mac)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let (Ok(until), Ok(mac)) = (until.parse(), URL_SAFE_NO_PAD.decode(mac)) else {
            return false;
        };
        let token = Self {
            until: Timestamp::from_secs(until),
            render: render.to_owned(),
        };
        let expected = token.mac(browser, shown);
        now < token.until && expected.verify_slice(&mac).is_ok()
    }

    fn mac(&self, browser: &BrowserSecret, shown: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(browser.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        // A line break is in none of the parts before the last one.
        let (until, render) = (self.until.as_secs(), &self.render);
        let text = format!("consent\n{until}\n{render}\n{shown}");
        mac.update(text.as_bytes());
        mac
    }
}
