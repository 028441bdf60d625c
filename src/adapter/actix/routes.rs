use std::sync::Arc;

use actix_web::error::ErrorBadRequest;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use http::Request;
use percent_encoding::percent_decode_str;

use crate::adapter::actix::{body, convert};
use crate::adapter::tower::body::Unread;
use crate::endpoint::{Endpoints, PeerAddress};

/// Routes for every endpoint, and a JSON 404 for every other well-known path
/// of OAuth, for `App::configure`.
///
/// The address of the peer is that of the connection, unless the request carries a
/// [`PeerAddress`] already.
pub fn routes(endpoints: Arc<Endpoints>) -> impl Fn(&mut ServiceConfig) + Clone {
    move |config| {
        // The first that fits is taken: what is known comes first.
        let known = endpoints.paths().map(pattern);
        let families = endpoints.families().iter();
        let unknown =
            families.flat_map(|family| [(*family).to_owned(), format!("{family}/{{below:.*}}")]);
        for path in known.chain(unknown) {
            let endpoints = Arc::clone(&endpoints);
            let answer = move |request: HttpRequest, payload: web::Payload| {
                respond(Arc::clone(&endpoints), request, payload)
            };
            config.service(web::resource(path).to(answer));
        }
    }
}

/// The pattern of a path. actix-web decodes paths before it compares them, all of it
/// but these three characters.
pub(super) fn pattern(path: &str) -> String {
    const KEPT: [&str; 5] = ["%25", "%2B", "%2b", "%2F", "%2f"];
    let keep = |path: String, escape: &&str| path.replace(escape, &escape.replace('%', "%25"));
    let path = KEPT.iter().fold(path.to_owned(), keep);
    let path = percent_decode_str(&path).decode_utf8_lossy().into_owned();
    match path.strip_prefix('/') {
        // These would stand for other paths as well; in a regular expression they can
        // be written as what they are.
        Some(rest) if rest.contains(['{', '}', '*']) => {
            format!("/{{path:{}}}", as_expression(rest))
        }
        Some(_) | None => path,
    }
}

/// The regular expression of this text and no other.
fn as_expression(text: &str) -> String {
    let mut expression = String::new();
    for letter in text.chars() {
        if letter.is_ascii() && !letter.is_ascii_alphanumeric() {
            expression.push_str(&format!("\\x{:02X}", u32::from(letter)));
        } else {
            expression.push(letter);
        }
    }
    expression
}

async fn respond(
    endpoints: Arc<Endpoints>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse<Bytes>, Error> {
    let mut parts = convert::head(&request).map_err(ErrorBadRequest)?;
    if let Some(peer) = peer(&request) {
        parts.extensions.insert(peer);
    }
    let response = match body::read(&request, payload.into_inner(), Endpoints::MAX_BODY).await {
        Ok(bytes) => endpoints.respond(Request::from_parts(parts, bytes)).await,
        // What broke off is answered as if it had been too long: nobody
        // is there any more to read the difference.
        Err(Unread::TooLong | Unread::BrokeOff) => endpoints.respond_too_large(parts.uri.path()),
    };
    convert::answer(response, |bytes| bytes)
}

/// What the host says, or else where the connection comes from.
pub(super) fn peer(request: &HttpRequest) -> Option<PeerAddress> {
    let told = request.extensions().get::<PeerAddress>().copied();
    told.or_else(|| request.peer_addr().map(|peer| PeerAddress(peer.ip())))
}
