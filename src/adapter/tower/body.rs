use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::endpoint::ListFilter;

type BoxError = Box<dyn StdError + Send + Sync>;

pin_project! {
    /// A body from outside, or bytes of this crate: what a protected handler gets
    /// when its body was read to decide what it needs, and every answer.
    pub struct EitherBody<B> {
        #[pin]
        theirs: Option<B>,
        ours: Option<Bytes>,
        // What their pieces go through.
        filter: Option<Box<ListFilter>>,
    }
}

impl<B> fmt::Debug for EitherBody<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is in it may be a secret.
        formatter.write_str("EitherBody(..)")
    }
}

impl<B> EitherBody<B> {
    pub(super) const fn ours(bytes: Bytes) -> Self {
        Self {
            theirs: None,
            ours: Some(bytes),
            filter: None,
        }
    }

    /// A body from outside, through a filter if there is one.
    pub(in crate::adapter) fn theirs(body: B, filter: Option<ListFilter>) -> Self {
        Self {
            theirs: Some(body),
            ours: None,
            filter: filter.map(Box::new),
        }
    }
}

/// Why a body could not be read.
pub(in crate::adapter) enum Unread {
    TooLong,
    BrokeOff,
}

/// Reads a body of at most `limit` bytes.
///
/// One that comes in one piece is not copied.
pub(in crate::adapter) async fn read<B: Body>(body: B, limit: usize) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Unread::TooLong);
    }
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|_| Unread::BrokeOff)?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        let length = data.remaining();
        let piece = data.copy_to_bytes(length);
        if first.len() + all.len() + piece.len() > limit {
            return Err(Unread::TooLong);
        }
        if first.is_empty() && all.is_empty() {
            first = piece;
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

impl<B> Body for EitherBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        while let (Some(filter), Some(theirs)) =
            (this.filter.as_mut(), this.theirs.as_mut().as_pin_mut())
        {
            if filter.is_over() {
                this.theirs.set(None);
                return Poll::Ready(Some(Ok(Frame::data(filter.end()))));
            }
            let sent = match ready!(theirs.poll_frame(context)) {
                Some(frame) => match frame.map_err(Into::into)?.into_data() {
                    Ok(piece) => filter.push(piece),
                    // Trailers describe the handler's bytes.
                    Err(_) => continue,
                },
                None => {
                    this.theirs.set(None);
                    filter.end()
                }
            };
            if !sent.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(sent))));
            }
        }
        if let Some(theirs) = this.theirs.as_pin_mut() {
            return theirs.poll_frame(context).map_err(Into::into);
        }
        let ours = this.ours.take().filter(|bytes| !bytes.is_empty());
        Poll::Ready(ours.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.theirs {
            // The filter may hold something back.
            Some(_) if self.filter.is_some() => false,
            Some(theirs) => theirs.is_end_stream(),
            None => self.ours.as_ref().is_none_or(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.theirs {
            Some(_) if self.filter.is_some() => SizeHint::default(),
            Some(theirs) => theirs.size_hint(),
            None => SizeHint::with_exact(self.ours.as_ref().map_or(0, |bytes| bytes.len() as u64)),
        }
    }
}

/// A body that there never is.
#[derive(Clone, Copy, Debug)]
pub enum NoBody {}

impl Body for NoBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match *self {}
    }
}
