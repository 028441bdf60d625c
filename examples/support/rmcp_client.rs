//! The official Rust client, signing in through a browser or acting for itself.

#![allow(dead_code, reason = "each example uses its part of this file")]

use std::{error::Error, sync::Arc};

use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceError,
    model::{CallToolRequestParams, CallToolResult, JsonObject, ProtocolVersion},
    service::{ClientInitializeError, RunningService},
    transport::{
        StreamableHttpClientTransport,
        auth::{
            AuthClient, AuthorizationCallback, AuthorizationManager, AuthorizationRequest,
            ClientCredentialsConfig, OAuthState, OAuthTokenResponse, WWWAuthenticateParams,
        },
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::sync::Mutex;
use url::Url;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Which transport of MCP to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    /// `initialize` and a session: the revisions up to 2025-11-25.
    Stateful,
    /// `server/discover` and self-contained requests: revision 2026-07-28.
    Stateless,
}

impl Transport {
    pub(crate) fn lifecycle(self) -> ClientLifecycleMode {
        match self {
            Self::Stateful => ClientLifecycleMode::Initialize,
            Self::Stateless => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        }
    }
}

/// A client that holds tokens for one MCP server and uses them.
pub(crate) struct SignedIn {
    url: Url,
    // Shared with the transport: tokens replaced here are those it sends next.
    manager: Arc<Mutex<AuthorizationManager>>,
    session: RunningService<RoleClient, ()>,
}

/// Signs in and connects: the 401, discovery, registration, the browser, the token.
///
/// `browser` takes the authorization URL and returns the URL the browser was sent
/// back to. `request` says who the client is: [`AuthorizationRequest::new`] with
/// nothing else registers dynamically; `with_preregistered_client` and
/// `with_client_secret` use known credentials; `with_client_metadata_url` names a document.
///
/// # Errors
///
/// If the server asks for no sign-in, or one of the steps fails.
pub(crate) async fn sign_in<B>(
    url: &Url,
    request: AuthorizationRequest,
    transport: Transport,
    browser: B,
) -> Result<SignedIn, Failure>
where
    B: AsyncFnOnce(String) -> Result<String, Failure>,
{
    let challenge = challenge(url, transport).await?;
    let mut oauth = OAuthState::new(url.as_str(), None).await?;
    // Initial selection asks for the challenge's scopes alone. Without it rmcp adds
    // all `scopes_supported` of the resource, and no step-up would ever be needed.
    let request = request
        .with_challenge(challenge)
        .with_initial_scope_selection();
    oauth.start_authorization(request).await?;
    let callback = browser(oauth.get_authorization_url().await?).await?;
    oauth.handle_callback_url(&callback).await?;
    let manager = oauth
        .into_authorization_manager()
        .ok_or("rmcp is not authorized after the callback")?;
    connect(url, AuthClient::new(http_client()?, manager), transport).await
}

/// Connects as a machine: the client acts for itself, and no person is asked.
///
/// # Errors
///
/// If the server refuses the credentials, or one of the steps fails.
pub(crate) async fn connect_as_machine(
    url: &Url,
    credentials: ClientCredentialsConfig,
    transport: Transport,
) -> Result<SignedIn, Failure> {
    let mut oauth = OAuthState::new(url.as_str(), None).await?;
    oauth.authenticate_client_credentials(credentials).await?;
    let manager = oauth
        .into_authorization_manager()
        .ok_or("rmcp is not authorized after it got a token")?;
    connect(url, AuthClient::new(http_client()?, manager), transport).await
}

/// Connects without a token and returns the challenge of the 401.
async fn challenge(url: &Url, transport: Transport) -> Result<String, Failure> {
    let error = match ().serve_with_lifecycle(anonymous(url)?, transport.lifecycle()).await {
        Ok(session) => {
            session.cancel().await?;
            return Err("the server asked for no sign-in".into());
        }
        Err(error) => error,
    };
    match ClientInitializeError::auth_challenge(&error) {
        Some(challenge) => Ok(challenge.to_owned()),
        None => Err(error.into()),
    }
}

fn anonymous(url: &Url) -> Result<StreamableHttpClientTransport<reqwest::Client>, Failure> {
    let config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
    Ok(StreamableHttpClientTransport::with_client(
        http_client()?,
        config,
    ))
}

async fn connect(
    url: &Url,
    http: AuthClient<reqwest::Client>,
    transport: Transport,
) -> Result<SignedIn, Failure> {
    let manager = Arc::clone(&http.auth_manager);
    let config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
    let wire = StreamableHttpClientTransport::with_client(http, config);
    let session = ().serve_with_lifecycle(wire, transport.lifecycle()).await?;
    Ok(SignedIn {
        url: url.clone(),
        manager,
        session,
    })
}

/// Redirects stay unfollowed, and no idle connection outlives a request: a pooled
/// one whose last answer was left half read stalls the next request.
fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .build()
}

impl SignedIn {
    /// Calls a tool. An expired token is refreshed on the way.
    ///
    /// # Errors
    ///
    /// [`ServiceError`]; its `auth_challenge` holds the challenge of a 401 or 403.
    pub(crate) async fn call(
        &self,
        tool: &'static str,
        arguments: JsonObject,
    ) -> Result<CallToolResult, ServiceError> {
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        self.session.call_tool(request).await
    }

    /// The names of the server's tools.
    ///
    /// # Errors
    ///
    /// [`ServiceError`] as for [`Self::call`].
    pub(crate) async fn tools(&self) -> Result<Vec<String>, ServiceError> {
        let tools = self.session.list_all_tools().await?;
        Ok(tools
            .into_iter()
            .map(|tool| tool.name.into_owned())
            .collect())
    }

    /// Answers a 403 `insufficient_scope` by asking the person for more, then
    /// continues in the same session: the next call carries the new token.
    ///
    /// # Errors
    ///
    /// If `denied` is no such challenge, or the sign-in fails.
    pub(crate) async fn step_up<B>(&self, denied: &ServiceError, browser: B) -> Result<(), Failure>
    where
        B: AsyncFnOnce(String) -> Result<String, Failure>,
    {
        let header = denied
            .auth_challenge()
            .ok_or("the error carries no challenge")?;
        let challenge = WWWAuthenticateParams::parse(header, &self.url);
        if !challenge.is_insufficient_scope() {
            return Err("the challenge is not about scopes".into());
        }
        let scope = challenge.scope.ok_or("the challenge names no scope")?;
        let to_visit = self
            .manager
            .lock()
            .await
            .request_scope_upgrade(&scope)
            .await?;
        let back = AuthorizationCallback::from_redirect_url(&browser(to_visit).await?)?;
        self.manager
            .lock()
            .await
            .exchange_code_for_token_with_issuer(
                &back.code,
                &back.csrf_token,
                back.issuer.as_deref(),
            )
            .await?;
        Ok(())
    }

    /// Trades the refresh token for new tokens, which the session uses from then on.
    ///
    /// # Errors
    ///
    /// If the server refuses the refresh token or cannot be reached.
    pub(crate) async fn refresh(&self) -> Result<(), Failure> {
        self.manager.lock().await.refresh_token().await?;
        Ok(())
    }

    /// The client's id and its present tokens. rmcp does not revoke; a host that
    /// wants to posts them to the revocation endpoint itself.
    ///
    /// # Errors
    ///
    /// If the credential store fails.
    pub(crate) async fn credentials(
        &self,
    ) -> Result<(String, Option<OAuthTokenResponse>), Failure> {
        Ok(self.manager.lock().await.get_credentials().await?)
    }

    /// Ends the session.
    ///
    /// # Errors
    ///
    /// If the client's task panicked.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.session.cancel().await?;
        Ok(())
    }
}
