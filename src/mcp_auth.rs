mod build;
mod builder;
mod error;
mod guard;
mod scopes;

use std::sync::Arc;

use crate::endpoint::{Endpoints, Protection, TrustedProxies};
use crate::resource::ResourceServer;
use crate::resource::api_key::ApiKeys;
use crate::server::{AuthorizationServer, Clients, Grants, Outage, Sweeper};
use crate::types::EntropyError;

pub use builder::McpAuthBuilder;
pub use error::McpAuthError;
use guard::GuardSettings;

/// The paved road: an MCP server that is its own authorization server.
///
/// People sign in at an identity provider, clients register and get tokens from
/// here, and the MCP endpoint lets in only who has one. Everything this does can
/// be done with the parts it is made of: [`AuthorizationServer`],
/// [`ResourceServer`], [`Endpoints`] and [`Protection`].
#[derive(Clone, Debug)]
pub struct McpAuth {
    server: Arc<AuthorizationServer>,
    resource: Arc<ResourceServer>,
    endpoints: Arc<Endpoints>,
    protection: Protection,
    api_keys: Option<ApiKeys>,
}

impl McpAuth {
    /// Begins to configure. `public_url` is where clients reach this server,
    /// such as `https://mcp.example.com`; it becomes the issuer, byte for byte.
    /// If its host is loopback, requests for any other host are refused.
    #[must_use]
    pub fn builder(public_url: impl Into<String>) -> McpAuthBuilder {
        McpAuthBuilder::new(public_url.into())
    }

    /// The authorization server.
    #[must_use]
    pub const fn server(&self) -> &Arc<AuthorizationServer> {
        &self.server
    }

    /// The guard of the MCP endpoint.
    #[must_use]
    pub const fn resource(&self) -> &Arc<ResourceServer> {
        &self.resource
    }

    /// What answers for metadata and for the authorization server.
    #[must_use]
    pub const fn endpoints(&self) -> &Arc<Endpoints> {
        &self.endpoints
    }

    /// What stands in front of the MCP endpoint.
    #[must_use]
    pub const fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Makes sure that the store answers and that the master keys open what is in
    /// it, so that a mistake shows when the server starts.
    ///
    /// # Errors
    ///
    /// [`Outage`] with the cause.
    pub async fn prepare(&self) -> Result<(), Outage> {
        self.server.prepare().await
    }

    /// The grants that are alive, to list and to end them.
    #[must_use]
    pub fn grants(&self) -> Grants {
        self.server.grants()
    }

    /// The API keys, to issue, list and revoke them; `None` unless they were
    /// [turned on](McpAuthBuilder::api_keys).
    #[must_use]
    pub const fn api_keys(&self) -> Option<&ApiKeys> {
        self.api_keys.as_ref()
    }

    /// The clients in the store, to give them secrets and to remove them.
    #[must_use]
    pub fn clients(&self) -> Clients {
        self.server.clients()
    }

    /// What keeps the store small; [`run`](Sweeper::run) it in a task of its own.
    /// The store in memory needs none.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if there was no randomness to name this replica.
    pub fn sweeper(&self) -> Result<Sweeper, EntropyError> {
        self.server.sweeper()
    }

    /// Every route: the MCP endpoint, protected, at the path of the resource,
    /// and all that clients and browsers need beside it. Nothing else can be routed at the
    /// path of the resource, where it would be open: axum panics when it is told to.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that
    /// limits by address hold.
    #[cfg(feature = "axum")]
    pub fn router<S, H>(&self, handler: H) -> axum::Router<S>
    where
        S: Clone + Send + Sync + 'static,
        H: tower_service::Service<
                http::Request<axum::body::Body>,
                Error = std::convert::Infallible,
            > + Clone
            + Send
            + Sync
            + 'static,
        H::Response: axum::response::IntoResponse,
        H::Future: Send + 'static,
    {
        use crate::adapter::axum::{protected, routes};

        let path = self.resource.resource().path();
        protected(path, self.protection.clone(), handler).merge(routes(Arc::clone(&self.endpoints)))
    }

    /// What [`router`](Self::router) is, for `App::configure` of actix-web:
    /// `handler` is an actix handler, such as
    /// [`tower_service`](crate::adapter::actix::tower_service) makes of an rmcp service.
    #[cfg(feature = "actix")]
    pub fn configure<H, Args>(
        &self,
        handler: H,
    ) -> impl Fn(&mut actix_web::web::ServiceConfig) + Clone + use<H, Args>
    where
        H: actix_web::Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        use crate::adapter::actix::{protected, routes};

        let path = self.resource.resource().path().to_owned();
        let (protection, endpoints) = (self.protection.clone(), Arc::clone(&self.endpoints));
        move |config| {
            config
                .service(protected(&path, protection.clone(), handler.clone()))
                .configure(routes(Arc::clone(&endpoints)));
        }
    }

    fn new(
        server: AuthorizationServer,
        resource: ResourceServer,
        proxies: Option<TrustedProxies>,
        settings: GuardSettings,
        api_keys: Option<ApiKeys>,
    ) -> Result<Self, McpAuthError> {
        let (server, resource) = (Arc::new(server), Arc::new(resource));
        let mut endpoints = Endpoints::for_resource(&resource).with_server(&server);
        let mut protection = Protection::new(Arc::clone(&resource));
        if let Some(proxies) = proxies {
            endpoints = endpoints.trusted_proxies(proxies);
        }
        settings.judge()?;
        if let Some(hosts) = settings.hosts {
            endpoints = endpoints.allowed_hosts(hosts.clone());
            protection = protection.allowed_hosts(hosts);
        }
        if let Some(origins) = settings.origins {
            protection = protection.allowed_origins(origins);
        }
        let path = resource.resource().path();
        if endpoints.owns(path) {
            return Err(McpAuthError::PathTaken(path.to_owned()));
        }
        if settings.filtered_lists {
            protection = protection.filter_lists();
        }
        Ok(Self {
            server,
            resource,
            endpoints: Arc::new(endpoints),
            protection,
            api_keys,
        })
    }
}
