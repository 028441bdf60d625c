use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, ResponseError};
use thiserror::Error;

use crate::resource::VerifiedToken;

/// The route that asks for a [`VerifiedToken`] has no protection in front of it.
#[derive(Clone, Copy, Debug, Error)]
#[error("this route is not protected")]
pub struct NotProtected;

impl ResponseError for NotProtected {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

/// Who calls. Routes that are public to some ask for `Option<VerifiedToken>`.
impl FromRequest for VerifiedToken {
    type Error = NotProtected;
    type Future = Ready<Result<Self, NotProtected>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request.extensions().get::<Self>().cloned();
        ready(token.ok_or(NotProtected))
    }
}
