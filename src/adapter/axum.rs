//! For axum: routes for the endpoints, protection for a router, and
//! [`VerifiedToken`] as an extractor.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use ::axum::Router;
use ::axum::body::{Body, HttpBody as _};
use ::axum::extract::ConnectInfo;
use ::axum::middleware::map_request;
use ::axum::response::IntoResponse;
use ::axum::routing::any_service;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::adapter::tower::bodies::{Answers, Bodies};
use crate::adapter::tower::{EitherBody, EndpointService, ProtectLayer};
use crate::endpoint::{Endpoints, Passage, PeerAddress, Protection};
use crate::resource::VerifiedToken;

/// Routes for every endpoint, and a JSON 404 for every other well-known path
/// of OAuth.
///
/// The address of the peer is taken from `ConnectInfo<SocketAddr>`, which is there
/// if the router is served with `into_make_service_with_connect_info`, unless the
/// request carries a [`PeerAddress`] already.
pub fn routes<S: Clone + Send + Sync + 'static>(endpoints: Arc<Endpoints>) -> Router<S> {
    let service = EndpointService::new(Arc::clone(&endpoints));
    let known = endpoints.paths().map(str::to_owned);
    let unknown = endpoints.families().iter().flat_map(|family| {
        let itself = (!endpoints.paths().any(|path| path == *family)).then(|| (*family).to_owned());
        itself.into_iter().chain([format!("{family}/{{*path}}")])
    });
    let routes = known.chain(unknown).fold(Router::new(), |router, path| {
        router.route(&path, any_service(service.clone()))
    });
    routes.layer(map_request(with_peer))
}

async fn with_peer(mut request: Request<Body>) -> Request<Body> {
    let extensions = request.extensions_mut();
    let connection = extensions.get::<ConnectInfo<SocketAddr>>().copied();
    if let Some(ConnectInfo(peer)) = connection
        && extensions.get::<PeerAddress>().is_none()
    {
        extensions.insert(PeerAddress(peer.ip()));
    }
    request
}

/// Routes `path` to the MCP endpoint `handler`, behind `protection`.
///
/// Nothing else can be routed at this very path, where it would be open: axum panics when
/// it is told to.
pub fn protected<S, H>(path: &str, protection: Protection, handler: H) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    H: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    H::Response: IntoResponse,
    H::Future: Send + 'static,
{
    // In front of the handler itself and with no choice of methods before it, which
    // saves each request a route in between and what axum does for such routes.
    let layer = ProtectLayer::<RoutelessBodies>::with_bodies(protection);
    Router::new().route_service(path, layer.layer(handler))
}

/// A layer with this protection, for a router.
///
/// A [`ProtectLayer`] made otherwise does the same; this one wraps no body that needs
/// no wrapping.
#[must_use]
pub const fn protect(protection: Protection) -> ProtectLayer<AxumBodies> {
    ProtectLayer::with_bodies(protection)
}

/// Bodies stay those of axum.
#[derive(Clone, Copy, Debug)]
pub enum AxumBodies {}

impl Bodies<Body> for AxumBodies {
    type Body = Body;

    fn read(bytes: Bytes) -> Body {
        Body::from(bytes)
    }

    fn unread(body: Body) -> Body {
        body
    }
}

impl<A: IntoResponse> Answers<A> for AxumBodies {
    type Body = Body;

    fn refusal(answer: Response<Bytes>) -> Response<Body> {
        answer.map(Body::from)
    }

    fn finish(answer: A, passage: &Passage, _: &Method) -> Response<Body> {
        let (mut parts, body) = answer.into_response().into_parts();
        let body = match passage.finish(&mut parts) {
            None => body,
            filter @ Some(_) => Body::new(EitherBody::theirs(body, filter)),
        };
        Response::from_parts(parts, body)
    }
}

/// The same without a route around it, of which axum would leave out the content of
/// answers to HEAD.
enum RoutelessBodies {}

impl Bodies<Body> for RoutelessBodies {
    type Body = Body;

    fn read(bytes: Bytes) -> Body {
        AxumBodies::read(bytes)
    }

    fn unread(body: Body) -> Body {
        AxumBodies::unread(body)
    }
}

impl<A: IntoResponse> Answers<A> for RoutelessBodies {
    type Body = Body;

    fn refusal(answer: Response<Bytes>) -> Response<Body> {
        answer.map(Body::from)
    }

    fn finish(answer: A, passage: &Passage, method: &Method) -> Response<Body> {
        let answer = AxumBodies::finish(answer, passage, method);
        if *method != Method::HEAD {
            return answer;
        }
        let (mut parts, content) = answer.into_parts();
        if let Some(length) = content.size_hint().exact() {
            let length = HeaderValue::from(length);
            parts.headers.entry(CONTENT_LENGTH).or_insert(length);
        }
        Response::from_parts(parts, Body::empty())
    }
}

/// The route that asks for a [`VerifiedToken`] has no protection in front of it.
#[derive(Clone, Copy, Debug)]
pub struct NotProtected;

impl IntoResponse for NotProtected {
    fn into_response(self) -> ::axum::response::Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for VerifiedToken {
    type Rejection = NotProtected;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or(NotProtected)
    }
}

/// For routes that are public to some: who calls, if they said so.
impl<S: Sync> OptionalFromRequestParts<S> for VerifiedToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
