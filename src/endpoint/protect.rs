use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION};
use http::request::Parts;
use http::{Method, Response, StatusCode, response};

use crate::endpoint::head::Head;
use crate::endpoint::host::{AllowedHosts, AllowedOrigins};
use crate::endpoint::list_filter::{ListFilter, View};
use crate::endpoint::{cors, respond, session};
use crate::protocol::error::ErrorCode;
use crate::resource::{Lists, ResourceError, ResourceServer, VerifiedToken, is_bodiless};

/// Stands in front of an MCP endpoint: lets through what carries a good token
/// with enough scope, and tells everybody else what they lack.
///
/// An adapter calls, in this order: [`intercept`](Self::intercept),
/// [`admit`](Self::admit), [`permit`](Self::permit) with the body if
/// [`reads_body`](Self::reads_body), and [`Passage::finish`] on the answer, whose
/// body then goes through the [`ListFilter`] if there is one.
#[derive(Clone, Debug)]
pub struct Protection(Arc<Rules>);

#[derive(Clone, Debug)]
struct Rules {
    resource: Arc<ResourceServer>,
    metadata_url: Option<String>,
    max_body: usize,
    keep_authorization: bool,
    bind_sessions: bool,
    filter_lists: bool,
    hosts: AllowedHosts,
    origins: AllowedOrigins,
}

/// Who calls, or that nobody said so. Only [`Protection::admit`] makes one, and it
/// is good for this protection and its clones alone.
#[derive(Debug)]
pub struct Caller {
    token: Option<VerifiedToken>,
    may_reach_script: bool,
    rules: Arc<Rules>,
}

/// That a request may pass. Only [`Protection::permit`] makes one.
#[derive(Debug)]
pub struct Passage {
    caller: Caller,
    /// Which answers may hold a list that has to be cut down.
    listing: Listing,
}

#[derive(Debug)]
enum Listing {
    None,
    Whatever(Option<String>),
    Streams,
}

impl Protection {
    /// The longest JSON-RPC body that is read by default, in bytes.
    pub const MAX_BODY: usize = 4 * 1024 * 1024;
    /// The longest body that is read of who has no token, in bytes.
    pub const MAX_ANONYMOUS_BODY: usize = 64 * 1024;

    /// Guards with the rules of `resource`.
    #[must_use]
    pub fn new(resource: Arc<ResourceServer>) -> Self {
        let is_loopback = resource.resource().is_loopback();
        Self(Arc::new(Rules {
            metadata_url: resource.has_metadata().then(|| resource.metadata_url()),
            hosts: AllowedHosts::by_default(is_loopback),
            origins: AllowedOrigins::by_default(is_loopback),
            resource,
            max_body: Self::MAX_BODY,
            keep_authorization: false,
            bind_sessions: true,
            filter_lists: false,
        }))
    }

    /// The longest JSON-RPC body that is read, in bytes. Without a token it is at
    /// most [`MAX_ANONYMOUS_BODY`](Self::MAX_ANONYMOUS_BODY) all the same.
    ///
    /// For how long one may take to come, whoever accepts connections has to say.
    #[must_use]
    pub fn max_body(self, bytes: usize) -> Self {
        self.with(|rules| rules.max_body = bytes)
    }

    /// Answers only to requests for these hosts, each as `name` or `name:port`,
    /// and to no others; by default a server on loopback answers to the names of
    /// loopback, and any other server to every name. What is written otherwise, such
    /// as with a scheme, names no host.
    #[must_use]
    pub fn allowed_hosts<T: Into<String>>(self, hosts: impl IntoIterator<Item = T>) -> Self {
        let hosts = AllowedHosts::only(hosts);
        self.with(|rules| rules.hosts = hosts)
    }

    /// Answers only to pages of these origins, such as `https://app.example.com`,
    /// and to clients that are no pages; by default a server on loopback answers to
    /// pages from loopback, and any other server to every page, since no page
    /// carries a token by itself. Each is written as browsers send it: without a path,
    /// and without the port that its scheme has anyway.
    #[must_use]
    pub fn allowed_origins<T: Into<String>>(self, origins: impl IntoIterator<Item = T>) -> Self {
        let origins = AllowedOrigins::only(origins);
        self.with(|rules| rules.origins = origins)
    }

    /// Leaves the raw token in the request that the handler gets.
    ///
    /// A handler that passes it on, or logs it, gives it away.
    #[must_use]
    pub fn dangerous_keep_authorization_header(self) -> Self {
        self.with(|rules| rules.keep_authorization = true)
    }

    /// Leaves session ids as the handler made them.
    ///
    /// Whoever learns one can then use the session of somebody else.
    #[must_use]
    pub fn dangerous_leave_sessions_unbound(self) -> Self {
        self.with(|rules| rules.bind_sessions = false)
    }

    /// Shows in answers to `tools/list`, `prompts/list`, `resources/list` and
    /// `resources/templates/list` only what the caller may use.
    ///
    /// What rules ask for by arguments cannot be known from a list, so what only
    /// they protect is shown. Other answers pass as they are; event streams that
    /// were opened by a GET are looked through too, since a stream that is resumed
    /// may hold the answer of an earlier request. A handler that compresses its
    /// answers has its lists refused: compress outside of the protection.
    #[must_use]
    pub fn filter_lists(self) -> Self {
        self.with(|rules| rules.filter_lists = true)
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The answer that comes before any token is looked at: to a CORS
    /// preflight, which never carries one, and to a request for another host or
    /// from a page that may not ask.
    #[must_use]
    pub fn intercept(&self, parts: &Parts) -> Option<Response<Bytes>> {
        let rules = &*self.0;
        let refusal = rules.hosts.refuse(&parts.uri, &parts.headers);
        let refusal = refusal.or_else(|| rules.origins.refuse(&parts.headers));
        refusal.or_else(|| {
            let is_preflight = parts.method == Method::OPTIONS
                && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
            is_preflight.then(|| cors::preflight(&parts.headers))
        })
    }

    /// Finds out who calls. The verified token becomes an extension of the
    /// request, in the place of any that was there, and the raw one is taken out of
    /// it; a session id becomes what the handler calls it.
    ///
    /// Nobody calls if there are no credentials and the policy has operations
    /// that need none; the body then decides.
    ///
    /// # Errors
    ///
    /// The answer to give instead.
    pub async fn admit(&self, parts: &mut Parts) -> Result<Caller, Response<Bytes>> {
        let rules = &*self.0;
        parts.extensions.remove::<VerifiedToken>();
        let head = Head::find(parts);
        let (may_reach_script, names_session) = (head.may_reach_script, head.names_session);
        let may_be_public =
            || !is_bodiless(&parts.method) && rules.resource.policy().has_public_operations();
        let token = match rules.resource.identify(head.authorization).await {
            Ok(token) => Some(token),
            Err(ResourceError::NoCredentials) if may_be_public() => None,
            Err(error) => return Err(rules.refuse(&error)),
        };
        if rules.bind_sessions && names_session {
            let sessions = rules.resource.sessions();
            let unbound = session::unbind(sessions, &mut parts.headers, token.as_ref());
            // It may be theirs, which shows once they say who they are.
            let nobody = || rules.refuse(&ResourceError::NoCredentials);
            unbound.map_err(|unknown| token.as_ref().map_or_else(nobody, |_| unknown))?;
        }
        if !rules.keep_authorization {
            parts.headers.remove(AUTHORIZATION);
        }
        if let Some(token) = &token {
            parts.extensions.insert(token.clone());
        }
        Ok(Caller {
            token,
            may_reach_script,
            rules: Arc::clone(&self.0),
        })
    }

    /// How many bytes of the body have to be read to decide what `caller` may do;
    /// `None` if none. Of who has no token fewer are read.
    #[must_use]
    pub fn reads_body(&self, caller: &Caller) -> Option<usize> {
        // A handler may take its messages by any method, if it carries one.
        let decides = self.0.resource.policy().depends_on_body();
        let most = match caller.token {
            Some(_) => self.0.max_body,
            None => self.0.max_body.min(Self::MAX_ANONYMOUS_BODY),
        };
        decides.then_some(most)
    }

    /// Decides whether the caller, or anybody if there is none, may do what the
    /// request asks for.
    ///
    /// A body that [`reads_body`](Self::reads_body) asks for has to be handed over,
    /// also if it is empty.
    ///
    /// # Errors
    ///
    /// The answer to give instead. It is a 500 if the body was not handed over, or
    /// if another protection admitted the caller.
    pub fn permit(
        &self,
        caller: Caller,
        parts: &Parts,
        body: Option<&[u8]>,
    ) -> Result<Passage, Response<Bytes>> {
        if !Arc::ptr_eq(&self.0, &caller.rules) {
            return Err(cors::allow(respond::misused()));
        }
        let head = (&parts.method, &parts.headers);
        let decision = self.0.resource.permit(caller.token(), head, body);
        let lists = decision.map_err(|error| self.0.refuse(&error))?;
        let filters = self.0.filter_lists && self.0.resource.policy().depends_on_body();
        let listing = match lists {
            Lists::Asked(id) if filters => Listing::Whatever(id),
            Lists::None if filters && parts.method == Method::GET => Listing::Streams,
            Lists::Asked(_) | Lists::None => Listing::None,
        };
        Ok(Passage { caller, listing })
    }

    /// The answer to a body that is longer than may be read of `caller`. Who has no
    /// token may send more with one.
    #[must_use]
    pub fn respond_too_large(&self, caller: &Caller) -> Response<Bytes> {
        if caller.token.is_none() {
            return self.0.refuse(&ResourceError::NoCredentials);
        }
        cors::allow(respond::error_with(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidRequest,
            "the body is too long",
        ))
    }

    /// The answer to a body that broke off.
    #[must_use]
    pub fn respond_incomplete(&self) -> Response<Bytes> {
        let text = "the body could not be read";
        cors::allow(respond::error(ErrorCode::InvalidRequest, text))
    }
}

impl Caller {
    /// The token of the caller; `None` if nobody said who they are.
    #[must_use]
    pub const fn token(&self) -> Option<&VerifiedToken> {
        self.token.as_ref()
    }
}

impl Passage {
    /// Lets scripts read the handler's answer, unless it cannot reach one, and binds
    /// the session that it may have opened to the caller. Through the filter, if
    /// there is one, the body has to go.
    #[must_use]
    pub fn finish(&self, answer: &mut response::Parts) -> Option<ListFilter> {
        let rules = &*self.caller.rules;
        if rules.bind_sessions {
            let sessions = rules.resource.sessions();
            session::bind(sessions, &mut answer.headers, self.caller.token());
        }
        if self.caller.may_reach_script {
            cors::mark(&mut answer.headers);
        }
        let (id, only_streams) = match &self.listing {
            Listing::None => return None,
            Listing::Whatever(id) => (id.clone(), false),
            Listing::Streams => (None, true),
        };
        let view = View {
            resource: Arc::clone(&rules.resource),
            caller: self.caller.token.clone(),
            id,
        };
        ListFilter::new(view, answer, only_streams)
    }
}

impl Rules {
    fn refuse(&self, error: &ResourceError) -> Response<Bytes> {
        let metadata_url = self.metadata_url.as_deref();
        cors::allow(respond::resource_error(error, &self.resource, metadata_url))
    }
}
