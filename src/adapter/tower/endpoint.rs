use std::convert::Infallible;
use std::error::Error as StdError;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::adapter::tower::body::{self, EitherBody, NoBody, Unread};
use crate::adapter::tower::future::ResponseFuture;
use crate::adapter::tower::head;
use crate::endpoint::Endpoints;

/// Answers requests for metadata and for the authorization server.
///
/// Where requests come from it takes from their extension
/// [`PeerAddress`](crate::endpoint::PeerAddress), which whatever accepts
/// connections has to set; otherwise no limit by address holds.
#[derive(Clone, Debug)]
pub struct EndpointService(Arc<Endpoints>);

impl EndpointService {
    /// A service for these endpoints.
    #[must_use]
    pub const fn new(endpoints: Arc<Endpoints>) -> Self {
        Self(endpoints)
    }
}

impl<B> Service<Request<B>> for EndpointService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<EitherBody<NoBody>>;
    type Error = Infallible;
    type Future = ResponseFuture<EitherBody<NoBody>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let endpoints = Arc::clone(&self.0);
        ResponseFuture::new(async move {
            let (parts, body) = request.into_parts();
            let method = parts.method.clone();
            let response = match body::read(body, Endpoints::MAX_BODY).await {
                Ok(bytes) => endpoints.respond(Request::from_parts(parts, bytes)).await,
                // What broke off is answered as if it had been too long: nobody
                // is there any more to read the difference.
                Err(Unread::TooLong | Unread::BrokeOff) => {
                    endpoints.respond_too_large(parts.uri.path())
                }
            };
            Ok(head::answer_to(&method, response).map(EitherBody::ours))
        })
    }
}
