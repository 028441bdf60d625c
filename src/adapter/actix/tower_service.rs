use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::ErrorBadRequest;
use actix_web::{Error, Handler, HttpMessage as _, HttpRequest, HttpResponse, rt, web};
use bytes::Bytes;
use futures_core::Stream as _;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tower_service::Service;

use crate::adapter::actix::{convert, routes};
use crate::resource::VerifiedToken;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Makes a handler of a `tower` service, such as the `StreamableHttpService` of rmcp.
///
/// Bodies flow through in both directions as they come. The service finds the
/// [`VerifiedToken`] and the [`PeerAddress`](crate::endpoint::PeerAddress) among the
/// extensions of its request.
pub fn tower_service<S, B>(
    service: S,
) -> impl Handler<(HttpRequest, web::Payload), Output = Result<HttpResponse<ServiceBody<B>>, Error>>
where
    S: Service<Request<ServiceRequestBody>, Response = Response<B>> + Clone + 'static,
    S::Error: Into<Error>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    move |request: HttpRequest, payload: web::Payload| {
        let mut service = service.clone();
        async move {
            let request = translate(&request, payload.into_inner()).map_err(ErrorBadRequest)?;
            let ready = poll_fn(|context| service.poll_ready(context)).await;
            ready.map_err(Into::into)?;
            let answer = service.call(request).await.map_err(Into::into)?;
            convert::answer(answer, |body| ServiceBody { body })
        }
    }
}

fn translate(
    request: &HttpRequest,
    payload: Payload,
) -> Result<Request<ServiceRequestBody>, http::Error> {
    let mut parts = convert::head(request)?;
    if let Some(token) = request.extensions().get::<VerifiedToken>() {
        parts.extensions.insert(token.clone());
    }
    if let Some(peer) = routes::peer(request) {
        parts.extensions.insert(peer);
    }
    Ok(Request::from_parts(parts, ServiceRequestBody::new(payload)))
}

/// The body of a request on its way to a `tower` service.
///
/// That of actix-web stays on its thread; this one may go to another.
#[derive(Debug)]
pub struct ServiceRequestBody {
    /// `None` if there is no body.
    pieces: Option<Receiver<io::Result<Bytes>>>,
}

impl ServiceRequestBody {
    fn new(payload: Payload) -> Self {
        if matches!(payload, Payload::None) {
            return Self { pieces: None };
        }
        // One piece at a time: whoever reads slowly is sent slowly.
        let (sender, pieces) = mpsc::channel(1);
        rt::spawn(carry(payload, sender));
        Self {
            pieces: Some(pieces),
        }
    }
}

/// Sends on what comes, until it ends or nobody wants it any more.
async fn carry(mut payload: Payload, sender: Sender<io::Result<Bytes>>) {
    while let Ok(room) = sender.reserve().await {
        let mut unwanted = pin!(sender.closed());
        let next = poll_fn(|context| {
            if unwanted.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            Pin::new(&mut payload).poll_next(context)
        });
        let Some(piece) = next.await else { return };
        // The error of actix-web cannot leave the thread.
        room.send(piece.map_err(|error| io::Error::other(error.to_string())));
    }
}

impl Body for ServiceRequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.pieces {
            Some(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // After some pieces were read, what is left is not known.
        if self.pieces.is_none() {
            SizeHint::with_exact(0)
        } else {
            SizeHint::new()
        }
    }
}

pin_project! {
    /// The body of a `tower` service's answer, as it flows.
    #[derive(Debug)]
    pub struct ServiceBody<B> {
        #[pin]
        body: B,
    }
}

impl<B> MessageBody for ServiceBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        match self.body.size_hint().exact() {
            Some(length) => BodySize::Sized(length),
            None => BodySize::Stream,
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut body = self.project().body;
        loop {
            let frame = match body.as_mut().poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => {
                    let error: BoxError = error.into();
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            };
            // Trailers have no place in an answer of actix-web.
            if let Ok(data) = frame.into_data() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}
