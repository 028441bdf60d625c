//! The pages a person sees.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};

use crate::endpoint::respond;
use crate::server::{AuthorizationServer, ConsentPrompt, DocumentError, PageError, paths};

/// No scripts, no frames, nothing from elsewhere. There is no `form-action`:
/// Chromium applies it to the redirects that follow a form as well.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    ),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// The templates, every value in them escaped.
#[derive(Debug)]
pub(super) struct Pages(Environment<'static>);

impl Default for Pages {
    fn default() -> Self {
        let mut templates = Environment::new();
        let sources = [
            ("layout.html", include_str!("pages/layout.html")),
            ("consent.html", include_str!("pages/consent.html")),
            ("error.html", include_str!("pages/error.html")),
        ];
        for (name, source) in sources {
            templates
                .add_template(name, source)
                .expect("the templates of this crate are valid");
        }
        Self(templates)
    }
}

impl Pages {
    pub(super) fn consent(
        &self,
        server: &AuthorizationServer,
        prompt: &ConsentPrompt,
    ) -> Response<Bytes> {
        let action = server.issuer().endpoint(paths::CONSENT);
        self.render(
            "consent.html",
            StatusCode::OK,
            context! { prompt => Value::from(Serde(prompt)), action },
        )
    }

    pub(super) fn error(&self, error: &PageError) -> Response<Bytes> {
        let (title, advice) = advise(error);
        let status = respond::page_status(error);
        let mut response = self.render("error.html", status, context! { title, advice });
        if let PageError::TooMany(refusal) = error {
            let seconds = HeaderValue::from(refusal.seconds());
            response.headers_mut().insert(RETRY_AFTER, seconds);
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    /// Shows a page that is already HTML.
    pub(super) fn show(&self, html: String) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(html));
        for (name, value) in HEADERS {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn render(&self, template: &str, status: StatusCode, values: Value) -> Response<Bytes> {
        let page = self
            .0
            .get_template(template)
            .and_then(|template| template.render(values));
        let (status, html) = match page {
            Ok(html) => (status, html),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        };
        let mut response = self.show(html);
        *response.status_mut() = status;
        response
    }
}

/// What happened, and what the person can do.
const fn advise(error: &PageError) -> (&'static str, &'static str) {
    match error {
        PageError::Malformed => (
            "This link is broken",
            "Go back to the application that sent you here and connect again.",
        ),
        PageError::UnknownClient => (
            "This application is not registered here",
            "Remove the connection in the application and add it again, so that it registers anew.",
        ),
        PageError::Document(error) => advise_on_document(error),
        PageError::RedirectUri => (
            "This application may not receive the answer",
            "The address it wants the answer sent to is not one it registered. If you trust the \
             application, remove the connection and add it again.",
        ),
        PageError::ForeignConsent => (
            "This page is too old, or is from another browser",
            "Go back to the application and connect again. Cookies have to be allowed.",
        ),
        PageError::UnknownLogin => (
            "This sign-in is over",
            "It was used already or took too long. Go back to the application and connect again.",
        ),
        PageError::ForeignBrowser => (
            "This sign-in was begun in another browser",
            "Finish it in the browser in which you began, or go back to the application and \
             connect again. Cookies have to be allowed. If you did not begin it, close this page.",
        ),
        PageError::TooMany(_) => (
            "Too many attempts",
            "Somebody at your address, or an application of yours, asked for this too often. Wait \
             a minute, then go back to the application and connect again.",
        ),
        PageError::Outage(_) => OUTAGE,
    }
}

const OUTAGE: (&str, &str) = (
    "This cannot be done right now",
    "Something this server depends on does not answer. Try again in a moment.",
);

/// What is wrong in general; which rule it was is in the events.
const fn advise_on_document(error: &DocumentError) -> (&'static str, &'static str) {
    match error {
        DocumentError::Url(_) => (
            "This application has an unusable identifier",
            "It looks like the address of a document that describes the application, but cannot \
             be one. Only whoever makes the application can mend that.",
        ),
        DocumentError::NotAdmitted => (
            "This application is not admitted here",
            "The operator of this server decides which applications may connect. Ask them if you \
             need this one.",
        ),
        DocumentError::Address(_)
        | DocumentError::Misled(_)
        | DocumentError::Status(_)
        | DocumentError::TooLarge
        | DocumentError::ContentType
        | DocumentError::Compressed => (
            "The document that describes this application cannot be fetched",
            "Its address leads to no document, to one that is too large, or to something else. \
             Only whoever makes the application can mend that.",
        ),
        DocumentError::NotUtf8
        | DocumentError::TooDeep
        | DocumentError::Malformed
        | DocumentError::RepeatedMember
        | DocumentError::OtherClientId
        | DocumentError::NoName => (
            "The document that describes this application is broken",
            "It is malformed, incomplete, or that of another application. Only whoever makes the \
             application can mend that.",
        ),
        DocumentError::Secret
        | DocumentError::Markup
        | DocumentError::Link(_)
        | DocumentError::Metadata(_) => (
            "The document that describes this application is refused",
            "Something in it is unsafe or not supported here, such as an address for answers. \
             Only whoever makes the application can mend that.",
        ),
        DocumentError::Unreachable(_)
        | DocumentError::Unavailable(_)
        | DocumentError::TooManyLoads(_)
        | DocumentError::TooManyFetches(_)
        | DocumentError::HostPaused
        | DocumentError::Policy(_) => OUTAGE,
    }
}
