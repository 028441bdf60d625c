use bytes::Bytes;
use http::{Method, Response};

use crate::adapter::tower::body::EitherBody;
use crate::endpoint::Passage;

/// What the body `B` of a request becomes on its way through a protection.
pub trait Bodies<B>: 'static {
    /// What a handler gets.
    type Body;

    /// A body that was read to decide what it needs.
    fn read(bytes: Bytes) -> Self::Body;

    /// A body that nobody looked at.
    fn unread(body: B) -> Self::Body;
}

/// What `A`, which a handler answers, becomes on its way through a protection.
pub trait Answers<A>: 'static {
    /// What a client gets.
    type Body;

    /// What is answered instead of calling the handler.
    fn refusal(answer: Response<Bytes>) -> Response<Self::Body>;

    /// The answer of a handler to a request with this method, after [`Passage::finish`].
    fn finish(answer: A, passage: &Passage, method: &Method) -> Response<Self::Body>;
}

/// Each body becomes an [`EitherBody`].
#[derive(Clone, Copy, Debug)]
pub enum EitherBodies {}

impl<B> Bodies<B> for EitherBodies {
    type Body = EitherBody<B>;

    fn read(bytes: Bytes) -> EitherBody<B> {
        EitherBody::ours(bytes)
    }

    fn unread(body: B) -> EitherBody<B> {
        EitherBody::theirs(body, None)
    }
}

impl<R> Answers<Response<R>> for EitherBodies {
    type Body = EitherBody<R>;

    fn refusal(answer: Response<Bytes>) -> Response<EitherBody<R>> {
        answer.map(EitherBody::ours)
    }

    fn finish(answer: Response<R>, passage: &Passage, _: &Method) -> Response<EitherBody<R>> {
        let (mut parts, body) = answer.into_parts();
        let filter = passage.finish(&mut parts);
        Response::from_parts(parts, EitherBody::theirs(body, filter))
    }
}
