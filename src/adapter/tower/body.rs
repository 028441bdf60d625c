use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};

type BoxError = Box<dyn StdError + Send + Sync>;

/// A body from outside, or bytes of this crate: what a protected handler gets
/// when its body was read to decide what it needs, and every answer.
#[derive(Debug)]
pub struct EitherBody<B>(Either<Pin<Box<B>>, Full<Bytes>>);

impl<B> EitherBody<B> {
    pub(super) fn theirs(body: B) -> Self {
        Self(Either::Left(Box::pin(body)))
    }

    pub(super) fn ours(bytes: Bytes) -> Self {
        Self(Either::Right(Full::new(bytes)))
    }
}

/// Why a body could not be read.
pub(super) enum Unread {
    TooLong,
    BrokeOff,
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read<B>(body: B, limit: usize) -> Result<Bytes, Unread>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLong),
        Err(_) => Err(Unread::BrokeOff),
    }
}

impl<B> Body for EitherBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
