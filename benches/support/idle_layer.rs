//! What any guard has to do that decides by the body.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use tower_layer::Layer;
use tower_service::Service;

/// A layer that reads the body and hands it on, and decides nothing.
#[derive(Clone)]
pub(crate) struct IdleLayer;

#[derive(Clone)]
pub(crate) struct Idle<S>(S);

impl<S> Layer<S> for IdleLayer {
    type Service = Idle<S>;

    fn layer(&self, handler: S) -> Idle<S> {
        Idle(handler)
    }
}

impl<S> Service<Request> for Idle<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone is the one that is not ready yet.
        let clone = self.0.clone();
        let mut handler = mem::replace(&mut self.0, clone);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1024 * 1024).await;
            let body = body.expect("a body that is not too long");
            handler.call(Request::from_parts(head, body.into())).await
        })
    }
}
