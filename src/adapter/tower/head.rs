use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Response};

/// The answer to a request with this method: to HEAD without its content, of which it
/// still says the length ([RFC 9110, section 9.3.2]).
///
/// Over HTTP/1.1 servers leave the content out themselves, over HTTP/2 they do not.
///
/// [RFC 9110, section 9.3.2]: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
pub(super) fn answer_to(method: &Method, answer: Response<Bytes>) -> Response<Bytes> {
    if *method != Method::HEAD {
        return answer;
    }
    let (mut parts, content) = answer.into_parts();
    let length = HeaderValue::from(content.len());
    parts.headers.insert(CONTENT_LENGTH, length);
    Response::from_parts(parts, Bytes::new())
}
