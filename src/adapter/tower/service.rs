use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::adapter::tower::bodies::{Answers, Bodies, EitherBodies};
use crate::adapter::tower::body::{self, Unread};
use crate::adapter::tower::future::ResponseFuture;
use crate::adapter::tower::head;
use crate::endpoint::{Passage, Protection};

/// Lets through to a handler what carries a good token with enough scope.
///
/// It is always ready itself: the handler is asked when a request was let through, so
/// that nobody who is refused takes a place there.
#[derive(Debug)]
pub struct ProtectService<S, K = EitherBodies> {
    protection: Protection,
    // A router copies all of it for every request; the handler is copied once.
    handler: Arc<S>,
    bodies: PhantomData<fn() -> K>,
}

impl<S> ProtectService<S> {
    /// Protects `handler`.
    #[must_use]
    pub fn new(protection: Protection, handler: S) -> Self {
        Self::with_bodies(protection, handler)
    }
}

impl<S, K> ProtectService<S, K> {
    pub(super) fn with_bodies(protection: Protection, handler: S) -> Self {
        Self {
            protection,
            handler: Arc::new(handler),
            bodies: PhantomData,
        }
    }
}

impl<S, K> Clone for ProtectService<S, K> {
    fn clone(&self) -> Self {
        Self {
            protection: self.protection.clone(),
            handler: Arc::clone(&self.handler),
            bodies: PhantomData,
        }
    }
}

impl<S, K, B> Service<Request<B>> for ProtectService<S, K>
where
    S: Service<Request<<K as Bodies<B>>::Body>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    K: Bodies<B, Body: Send> + Answers<S::Response>,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<<K as Answers<S::Response>>::Body>;
    type Error = S::Error;
    type Future = ResponseFuture<<K as Answers<S::Response>>::Body, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (protection, handler) = (self.protection.clone(), Arc::clone(&self.handler));
        // The future keeps its captures to its end: in parts, it holds none twice.
        let (mut parts, body) = request.into_parts();
        ResponseFuture::new(async move {
            match admit::<K, B>(&protection, &mut parts, body).await {
                Ok((body, passage)) => {
                    let method = parts.method.clone();
                    let mut handler = S::clone(&handler);
                    poll_fn(|context| handler.poll_ready(context)).await?;
                    let answer = handler.call(Request::from_parts(parts, body)).await?;
                    Ok(K::finish(answer, &passage, &method))
                }
                Err(refusal) => Ok(K::refusal(head::answer_to(&parts.method, refusal))),
            }
        })
    }
}

async fn admit<K, B>(
    protection: &Protection,
    parts: &mut Parts,
    body: B,
) -> Result<(K::Body, Passage), Response<Bytes>>
where
    K: Bodies<B>,
    B: Body<Data = Bytes>,
{
    if let Some(answer) = protection.intercept(parts) {
        return Err(answer);
    }
    let caller = protection.admit(parts).await?;
    let Some(limit) = protection.reads_body(&caller) else {
        let passage = protection.permit(caller, parts, None)?;
        return Ok((K::unread(body), passage));
    };
    match body::read(body, limit).await {
        Ok(bytes) => {
            let passage = protection.permit(caller, parts, Some(&bytes))?;
            Ok((K::read(bytes), passage))
        }
        Err(Unread::TooLong) => Err(protection.respond_too_large(&caller)),
        Err(Unread::BrokeOff) => Err(protection.respond_incomplete()),
    }
}
