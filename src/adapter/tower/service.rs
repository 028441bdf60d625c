use std::error::Error as StdError;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::adapter::tower::body::{self, EitherBody, Unread};
use crate::adapter::tower::future::ResponseFuture;
use crate::endpoint::{Passage, Protection};

/// Lets through to a handler what carries a good token with enough scope.
#[derive(Debug)]
pub struct ProtectService<S> {
    protection: Protection,
    handler: Arc<S>,
    /// The copy that is asked whether it is ready, and takes the next request.
    next: Option<S>,
}

impl<S> ProtectService<S> {
    /// Protects `handler`.
    #[must_use]
    pub fn new(protection: Protection, handler: S) -> Self {
        Self {
            protection,
            handler: Arc::new(handler),
            next: None,
        }
    }
}

// A router copies all of it for every request; the handler is copied once.
impl<S> Clone for ProtectService<S> {
    fn clone(&self) -> Self {
        Self {
            protection: self.protection.clone(),
            handler: Arc::clone(&self.handler),
            next: None,
        }
    }
}

impl<S, B, R> Service<Request<B>> for ProtectService<S>
where
    S: Service<Request<EitherBody<B>>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
    R: Send + 'static,
{
    type Response = Response<EitherBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<EitherBody<R>, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let next = self.next.get_or_insert_with(|| S::clone(&self.handler));
        next.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let next = self.next.take();
        let mut handler = next.unwrap_or_else(|| S::clone(&self.handler));
        let protection = self.protection.clone();
        // The future keeps its captures to its end: in parts, it holds none twice.
        let (mut parts, body) = request.into_parts();
        ResponseFuture::new(async move {
            match admit(&protection, &mut parts, body).await {
                Ok((body, passage)) => {
                    let answer = handler.call(Request::from_parts(parts, body)).await?;
                    let (mut parts, body) = answer.into_parts();
                    let filter = passage.finish(&mut parts);
                    let body = EitherBody::filtered(body, filter);
                    Ok(Response::from_parts(parts, body))
                }
                Err(refusal) => Ok(refusal.map(EitherBody::ours)),
            }
        })
    }
}

async fn admit<B>(
    protection: &Protection,
    parts: &mut Parts,
    body: B,
) -> Result<(EitherBody<B>, Passage), Response<Bytes>>
where
    B: Body<Data = Bytes>,
{
    if let Some(answer) = protection.intercept(parts) {
        return Err(answer);
    }
    let caller = protection.admit(parts).await?;
    let Some(limit) = protection.reads_body(&caller) else {
        let passage = protection.permit(caller, parts, None)?;
        return Ok((EitherBody::theirs(body), passage));
    };
    match body::read(body, limit).await {
        Ok(bytes) => {
            let passage = protection.permit(caller, parts, Some(&bytes))?;
            Ok((EitherBody::ours(bytes), passage))
        }
        Err(Unread::TooLong) => Err(protection.respond_too_large(&caller)),
        Err(Unread::BrokeOff) => Err(protection.respond_incomplete()),
    }
}
