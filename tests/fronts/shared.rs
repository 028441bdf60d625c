use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower_service::Service;

type BoxError = Box<dyn Error + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A body of any framework.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A `tower` service for requests of any framework.
#[derive(Clone)]
pub(crate) struct Shared(Arc<dyn Fn(Request<Body>) -> Answer + Send + Sync>);

impl Shared {
    pub(crate) fn new<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Body>) -> A + Send + Sync + 'static,
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }

    /// Another service, for every framework.
    pub(crate) fn of<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::new(move |request| {
            let answer: Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>> + Send>> =
                Box::pin(service.clone().call(request));
            async move {
                let Ok(answer) = answer.await;
                answer.map(boxed)
            }
        })
    }
}

pub(crate) fn boxed<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

impl<B> Service<Request<B>> for Shared
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = (self.0)(request.map(boxed));
        Box::pin(async move { Ok(answer.await) })
    }
}
