use std::collections::HashMap;
#[cfg(feature = "server")]
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use serde::Serialize;

use crate::endpoint::host::AllowedHosts;
use crate::endpoint::{cors, respond};
use crate::protocol::error::ErrorCode;
use crate::protocol::well_known;
use crate::resource::ResourceServer;
#[cfg(feature = "server")]
use crate::{
    endpoint::address::{self, TrustedProxies},
    endpoint::pages::Pages,
    event::Event,
    server::{AuthorizationServer, paths},
    types::{ClientAddress, Issuer},
};

/// Answers every request for metadata and, if there is one, for the
/// authorization server.
#[derive(Debug)]
pub struct Endpoints {
    routes: HashMap<String, Route>,
    hosts: AllowedHosts,
    #[cfg(feature = "server")]
    pub(super) pages: Pages,
    #[cfg(feature = "server")]
    proxies: Option<TrustedProxies>,
    /// Whether the operator was told that requests come from nowhere.
    #[cfg(feature = "server")]
    told_of_no_peer: AtomicBool,
}

#[derive(Clone, Debug)]
enum Route {
    /// A document that never changes.
    Document(Bytes),
    #[cfg(feature = "server")]
    Server(Arc<AuthorizationServer>, ServerRoute),
}

#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug)]
enum ServerRoute {
    Authorize,
    Consent,
    Callback,
    Token,
    Register,
    Revoke,
    Jwks,
}

impl Endpoints {
    /// The longest request body that an endpoint reads, in bytes.
    pub const MAX_BODY: usize = 64 * 1024;

    /// The metadata of a resource, where clients look for it ([RFC 9728, section 3]);
    /// nothing is there if it lets in API keys alone.
    ///
    /// [RFC 9728, section 3]: https://www.rfc-editor.org/rfc/rfc9728#section-3
    #[must_use]
    pub fn for_resource(resource: &ResourceServer) -> Self {
        let mut routes = HashMap::new();
        if resource.has_metadata() {
            let root = Route::document(&resource.root_metadata());
            let own = Route::document(&resource.metadata());
            routes.insert(well_known::protected_resource_root_path().to_owned(), root);
            routes.insert(
                well_known::protected_resource_path(resource.resource()),
                own,
            );
        }
        Self {
            routes,
            hosts: AllowedHosts::by_default(resource.resource().is_loopback()),
            #[cfg(feature = "server")]
            pages: Pages::default(),
            #[cfg(feature = "server")]
            proxies: None,
            #[cfg(feature = "server")]
            told_of_no_peer: AtomicBool::new(false),
        }
    }

    /// Answers only to requests for these hosts, each as `name` or `name:port`; by
    /// default a server on loopback answers to the names of loopback, and any other
    /// server to every name. What is written otherwise, such as with a scheme, names
    /// no host.
    #[must_use]
    pub fn allowed_hosts<T: Into<String>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.hosts = AllowedHosts::only(hosts);
        self
    }

    /// Adds the endpoints of an authorization server, below its issuer.
    #[cfg(feature = "server")]
    #[must_use]
    pub fn with_server(mut self, server: &Arc<AuthorizationServer>) -> Self {
        if !server.issuer().is_loopback() {
            self.hosts.admit_every_name_by_default();
        }
        let metadata = Route::document(&server.metadata());
        for path in well_known::authorization_server_paths(server.issuer()) {
            self.routes.insert(path, metadata.clone());
        }
        let mut add = |path, route| {
            let path = path_below(server.issuer(), path);
            self.routes
                .insert(path, Route::Server(Arc::clone(server), route));
        };
        add(paths::AUTHORIZE, ServerRoute::Authorize);
        add(paths::CONSENT, ServerRoute::Consent);
        add(paths::CALLBACK, ServerRoute::Callback);
        add(paths::TOKEN, ServerRoute::Token);
        add(paths::REVOKE, ServerRoute::Revoke);
        add(paths::JWKS, ServerRoute::Jwks);
        if server.has_dynamic_registration() {
            add(paths::REGISTER, ServerRoute::Register);
        }
        self
    }

    /// Believes these proxies where requests come from; by default nobody.
    #[cfg(feature = "server")]
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// Whether `path` is one that is answered here: an endpoint, or a
    /// well-known path of the same kind, known or not.
    #[must_use]
    pub fn owns(&self, path: &str) -> bool {
        let is_below = |family: &&str| path.starts_with(*family) || path.ends_with(*family);
        self.routes.contains_key(path) || self.families().iter().any(is_below)
    }

    /// The kinds of well-known paths that are answered here; what is not there
    /// is a JSON 404.
    #[must_use]
    pub fn families(&self) -> &'static [&'static str] {
        const ALL: [&str; 3] = [
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ];
        // Without an authorization server of ours, the host may have one.
        let documents_only = self
            .routes
            .values()
            .all(|route| matches!(route, Route::Document(_)));
        if documents_only { &ALL[..1] } else { &ALL }
    }

    /// The paths that are answered here, for a router that wants to know.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.routes.keys().map(String::as_str)
    }

    /// Answers a request whose body was read whole.
    pub async fn respond(&self, request: Request<Bytes>) -> Response<Bytes> {
        if let Some(refusal) = self.hosts.refuse(request.uri(), request.headers()) {
            return refusal;
        }
        let Some(route) = self.routes.get(request.uri().path()) else {
            // A preflight that fails would hide the 404 from the script.
            return if request.method() == Method::OPTIONS {
                cors::preflight(request.headers())
            } else {
                cors::allow(respond::not_found())
            };
        };
        if request.body().len() > Self::MAX_BODY {
            return self.respond_too_large(request.uri().path());
        }
        let method = request.method();
        if method == Method::OPTIONS && route.is_for_scripts() {
            return cors::preflight(request.headers());
        }
        let methods = route.methods(request.uri());
        if !methods.contains(method) {
            return route.finish(respond::method_not_allowed(methods));
        }
        let response = match route {
            Route::Document(document) => respond::document(document.clone()),
            #[cfg(feature = "server")]
            Route::Server(server, endpoint) => self.serve(server, *endpoint, &request).await,
        };
        route.finish(response)
    }

    /// Answers a request for `path` whose body is longer than [`Self::MAX_BODY`].
    #[must_use]
    pub fn respond_too_large(&self, path: &str) -> Response<Bytes> {
        let response = respond::error_with(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidRequest,
            "the body is longer than 64 KiB",
        );
        match self.routes.get(path) {
            Some(route) => route.finish(response),
            None => cors::allow(response),
        }
    }

    #[cfg(feature = "server")]
    async fn serve(
        &self,
        server: &AuthorizationServer,
        route: ServerRoute,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let from = self.client_of(server, request);
        match route {
            ServerRoute::Authorize => self.authorize(server, request, from).await,
            ServerRoute::Consent => self.consent(server, request, from).await,
            ServerRoute::Callback => self.callback(server, request, from).await,
            ServerRoute::Token => super::token::respond(server, request, from).await,
            ServerRoute::Register => super::register::respond(server, request, from).await,
            ServerRoute::Revoke => super::revoke::respond(server, request, from).await,
            ServerRoute::Jwks => match server.jwks().await {
                Ok(keys) => respond::json(StatusCode::OK, &keys),
                Err(outage) => {
                    server.report(&outage);
                    respond::error(ErrorCode::TemporarilyUnavailable, respond::OUTAGE)
                }
            },
        }
    }
}

#[cfg(feature = "server")]
impl Endpoints {
    /// Where a request comes from. If nobody told, the operator hears of it, since
    /// no limit by address can hold then.
    fn client_of(
        &self,
        server: &AuthorizationServer,
        request: &Request<Bytes>,
    ) -> Option<ClientAddress> {
        let from = address::of_client(request, self.proxies.as_ref());
        let is_missed = from.is_none() && server.limits_addresses();
        if is_missed && !self.told_of_no_peer.swap(true, Ordering::Relaxed) {
            server.emit(&Event::PeerAddressUnknown);
        }
        from
    }
}

impl Route {
    fn document(value: &impl Serialize) -> Self {
        let json = serde_json::to_vec(value).expect("metadata has only text keys");
        Self::Document(json.into())
    }

    #[cfg_attr(
        not(feature = "server"),
        expect(unused_variables, reason = "documents are the same at any URI")
    )]
    fn methods(&self, uri: &Uri) -> &'static [Method] {
        match self {
            Self::Document(_) => &[Method::GET, Method::HEAD],
            #[cfg(feature = "server")]
            Self::Server(_, route) => match route {
                ServerRoute::Authorize => &[Method::GET, Method::POST],
                ServerRoute::Callback => &[Method::GET],
                ServerRoute::Jwks => &[Method::GET, Method::HEAD],
                // The query names a registration that is there.
                ServerRoute::Register if uri.query().is_some() => {
                    &[Method::GET, Method::PUT, Method::DELETE, Method::POST]
                }
                ServerRoute::Consent
                | ServerRoute::Token
                | ServerRoute::Register
                | ServerRoute::Revoke => &[Method::POST],
            },
        }
    }

    /// Whether scripts of any site may ask: never where a browser shows pages.
    const fn is_for_scripts(&self) -> bool {
        match self {
            Self::Document(_) => true,
            #[cfg(feature = "server")]
            Self::Server(_, route) => match route {
                ServerRoute::Authorize | ServerRoute::Consent | ServerRoute::Callback => false,
                ServerRoute::Token
                | ServerRoute::Register
                | ServerRoute::Revoke
                | ServerRoute::Jwks => true,
            },
        }
    }

    fn finish(&self, response: Response<Bytes>) -> Response<Bytes> {
        if self.is_for_scripts() {
            cors::allow(response)
        } else {
            response
        }
    }
}

#[cfg(feature = "server")]
fn path_below(issuer: &Issuer, path: &str) -> String {
    format!("{}{path}", issuer.url().path().trim_end_matches('/'))
}
