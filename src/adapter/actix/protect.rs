use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{
    HttpServiceFactory, Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready,
};
use actix_web::error::{ErrorBadRequest, InternalError};
use actix_web::{Error, FromRequest, Handler, HttpMessage as _, HttpResponse, Responder, web};
use bytes::Bytes;
use http::Response;
use http::request::Parts;

use crate::adapter::actix::body::{self, AnswerBody};
use crate::adapter::actix::{convert, routes};
use crate::adapter::tower::body::Unread;
use crate::endpoint::{ListFilter, Passage, Protection};
use crate::resource::VerifiedToken;

/// Routes `path` to the MCP endpoint `handler`, behind `protection`.
pub fn protected<H, Args>(
    path: &str,
    protection: Protection,
    handler: H,
) -> impl HttpServiceFactory + use<H, Args>
where
    H: Handler<Args>,
    Args: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    web::resource(routes::pattern(path))
        .to(handler)
        .wrap(Protect::new(protection))
}

/// Puts a [`Protection`] in front of a route, for `wrap`.
///
/// What is wrapped around it must not keep a clone of the request, which could then
/// not be changed: to take the raw token out of it is part of the protection.
#[derive(Clone, Debug)]
pub struct Protect(Protection);

impl Protect {
    /// A middleware with this protection.
    #[must_use]
    pub const fn new(protection: Protection) -> Self {
        Self(protection)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Protect
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<AnswerBody<B>>;
    type Error = Error;
    type Transform = ProtectService<S>;
    type InitError = ();
    type Future = Ready<Result<ProtectService<S>, ()>>;

    fn new_transform(&self, handler: S) -> Self::Future {
        ready(Ok(ProtectService {
            protection: self.0.clone(),
            handler: Rc::new(handler),
        }))
    }
}

/// Lets through to a handler what carries a good token with enough scope.
#[derive(Debug)]
pub struct ProtectService<S> {
    protection: Protection,
    handler: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for ProtectService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<AnswerBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(handler);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let (protection, handler) = (self.protection.clone(), Rc::clone(&self.handler));
        Box::pin(async move {
            let parts = convert::head(request.request()).map_err(ErrorBadRequest)?;
            match admit(&protection, parts, &mut request).await {
                Ok(passage) => finish(&passage, handler.call(request).await),
                Err(refusal) => {
                    let refusal = convert::answer(refusal, AnswerBody::ours)?;
                    Ok(request.into_response(refusal))
                }
            }
        })
    }
}

/// Asks the protection; the request becomes what the handler is to get.
async fn admit(
    protection: &Protection,
    mut parts: Parts,
    request: &mut ServiceRequest,
) -> Result<Passage, Response<Bytes>> {
    if let Some(answer) = protection.intercept(&parts) {
        return Err(answer);
    }
    let caller = protection.admit(&mut parts).await?;
    *request.headers_mut() = convert::headers_back(&parts.headers);
    request.extensions_mut().remove::<VerifiedToken>();
    if let Some(token) = caller.token() {
        request.extensions_mut().insert(token.clone());
    }
    let Some(limit) = protection.reads_body(&caller) else {
        return protection.permit(caller, &parts, None);
    };
    let payload = request.take_payload();
    match body::read(request.request(), payload, limit).await {
        Ok(bytes) => {
            let passage = protection.permit(caller, &parts, Some(&bytes))?;
            request.set_payload(Payload::from(bytes));
            Ok(passage)
        }
        Err(Unread::TooLong) => Err(protection.respond_too_large(&caller)),
        Err(Unread::BrokeOff) => Err(protection.respond_incomplete()),
    }
}

/// Lets the protection see the head of the answer; its body flows on. An error that
/// middleware returns is an answer too.
fn finish<B>(
    passage: &Passage,
    answer: Result<ServiceResponse<B>, Error>,
) -> Result<ServiceResponse<AnswerBody<B>>, Error> {
    match answer {
        Ok(mut answer) => {
            let filter = finish_head(passage, answer.response_mut())?;
            Ok(answer.map_body(|_, body| AnswerBody::theirs(body, filter)))
        }
        Err(error) => {
            let mut answer = error.error_response();
            let filter = finish_head(passage, &mut answer)?;
            let answer = answer.map_body(|_, body| AnswerBody::theirs(body, filter));
            Err(InternalError::from_response(error, answer.map_into_boxed_body()).into())
        }
    }
}

fn finish_head<B>(
    passage: &Passage,
    answer: &mut HttpResponse<B>,
) -> Result<Option<ListFilter>, Error> {
    let mut parts = convert::answer_head(answer)?;
    let filter = passage.finish(&mut parts);
    *answer.status_mut() = convert::status_back(parts.status)?;
    *answer.headers_mut() = convert::headers_back(&parts.headers);
    Ok(filter)
}
