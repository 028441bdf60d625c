use std::error::Error as StdError;
use std::mem;
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
#[derive(Clone, Debug)]
pub struct ProtectService<S> {
    protection: Protection,
    handler: S,
}

impl<S> ProtectService<S> {
    /// Protects `handler`.
    #[must_use]
    pub const fn new(protection: Protection, handler: S) -> Self {
        Self {
            protection,
            handler,
        }
    }
}

impl<S, B, R> Service<Request<B>> for ProtectService<S>
where
    S: Service<Request<EitherBody<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
    R: Send + 'static,
{
    type Response = Response<EitherBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<EitherBody<R>, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.handler.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone is the one that is not ready yet.
        let clone = self.handler.clone();
        let mut handler = mem::replace(&mut self.handler, clone);
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
