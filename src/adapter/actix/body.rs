use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::HttpRequest;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use futures_core::Stream as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::adapter::tower::body::{self, Unread};
use crate::endpoint::ListFilter;

pin_project! {
    /// The body of an answer: the handler's, as it flows, or bytes of this crate.
    pub struct AnswerBody<B> {
        #[pin]
        theirs: Option<B>,
        ours: Option<Bytes>,
        // What their pieces go through.
        filter: Option<Box<ListFilter>>,
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is in it may be a secret.
        formatter.write_str("AnswerBody(..)")
    }
}

impl<B> AnswerBody<B> {
    pub(super) fn theirs(body: B, filter: Option<ListFilter>) -> Self {
        Self {
            theirs: Some(body),
            ours: None,
            filter: filter.map(Box::new),
        }
    }

    pub(super) const fn ours(bytes: Bytes) -> Self {
        Self {
            theirs: None,
            ours: Some(bytes),
            filter: None,
        }
    }
}

impl<B> MessageBody for AnswerBody<B>
where
    B: MessageBody,
{
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        match (&self.theirs, &self.ours) {
            (Some(_), _) if self.filter.is_some() => BodySize::Stream,
            (Some(theirs), _) => theirs.size(),
            (None, Some(ours)) => ours.size(),
            (None, None) => BodySize::Sized(0),
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut this = self.project();
        while let (Some(filter), Some(theirs)) =
            (this.filter.as_mut(), this.theirs.as_mut().as_pin_mut())
        {
            if filter.is_over() {
                this.theirs.set(None);
                return Poll::Ready(Some(Ok(filter.end())));
            }
            let sent = match ready!(theirs.poll_next(context)) {
                Some(piece) => filter.push(piece.map_err(Into::into)?),
                None => {
                    this.theirs.set(None);
                    filter.end()
                }
            };
            if !sent.is_empty() {
                return Poll::Ready(Some(Ok(sent)));
            }
        }
        if let Some(theirs) = this.theirs.as_pin_mut() {
            return theirs.poll_next(context).map_err(Into::into);
        }
        Poll::Ready(this.ours.take().map(Ok))
    }
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, Unread> {
    let declared = declared_length(request);
    body::read(PayloadBody { payload, declared }, limit).await
}

/// How long the body is, if its sender said so.
fn declared_length(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

struct PayloadBody {
    payload: Payload,
    declared: Option<u64>,
}

impl Body for PayloadBody {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        let next = Pin::new(&mut self.get_mut().payload).poll_next(context);
        next.map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.declared.unwrap_or_default());
        hint
    }
}
