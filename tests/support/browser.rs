//! A scripted browser: follows redirects and submits the forms it meets.

use std::fmt::{self, Write as _};

use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE};
use reqwest::{Client, Method, StatusCode, redirect};
use thiserror::Error;
use url::{Position, Url};

use super::cookies::CookieJar;
use super::form::{Answers, Submission};
use super::form_policy::FormPolicy;

/// More requests than any sign-in needs; ends a loop of redirects or forms.
const STEP_LIMIT: usize = 40;

/// A browser and the person who uses it, who answers every form alike.
///
/// ```ignore
/// let mut browser = Browser::new()
///     .fill("login", "alice")
///     .fill("password", "x")
///     .press("approve");
/// let answer = browser.open(&authorize, "http://127.0.0.1:1/callback").await?;
/// ```
#[derive(Debug)]
pub(crate) struct Browser {
    http: Client,
    cookies: CookieJar,
    answers: Answers,
    transcript: Vec<Visit>,
}

/// One request and how it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// The request's method.
    pub(crate) method: Method,
    /// Where it went.
    pub(crate) url: Url,
    /// The status of the answer.
    pub(crate) status: StatusCode,
}

impl fmt::Display for Visit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            url,
            status,
        } = self;
        write!(formatter, "{} {method} {url}", status.as_u16())
    }
}

/// The browser cannot go on.
#[derive(Debug, Error)]
#[error("{reason}\nlast page: {page}\nthe way there:\n{transcript}")]
pub(crate) struct Stuck {
    /// Why not.
    pub(crate) reason: String,
    /// The page it cannot leave: its address and the start of its content.
    pub(crate) page: String,
    transcript: String,
}

#[derive(Clone, Debug)]
struct Request {
    method: Method,
    url: Url,
    body: Vec<(String, String)>,
    origin: Option<String>,
    /// What the page allows whose form led here, if one did.
    policy: Option<FormPolicy>,
}

impl Request {
    fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: Vec::new(),
            origin: None,
            policy: None,
        }
    }
}

#[derive(Debug)]
struct Page {
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Browser {
    /// A browser without cookies, whose user leaves every field as it is.
    pub(crate) fn new() -> Self {
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("an HTTP client without settings can be built");
        Self {
            http,
            cookies: CookieJar::default(),
            answers: Answers::default(),
            transcript: Vec::new(),
        }
    }

    /// Types `value` into every field called `name`.
    #[must_use]
    pub(crate) fn fill(mut self, name: &str, value: &str) -> Self {
        self.answers
            .fields
            .insert(name.to_owned(), value.to_owned());
        self
    }

    /// Presses the button whose name, value or label is `button`, where there is
    /// one; of several calls, the first counts most.
    #[must_use]
    pub(crate) fn press(mut self, button: &str) -> Self {
        self.answers.buttons.push(button.to_owned());
        self
    }

    /// Every request so far.
    pub(crate) fn transcript(&self) -> &[Visit] {
        &self.transcript
    }

    /// Opens `url` and goes on until a redirect leads to an address that starts
    /// with `until`; gives that address, which is not visited.
    ///
    /// # Errors
    ///
    /// [`Stuck`] at a page without a redirect or a form that can be submitted,
    /// and after too many steps.
    pub(crate) async fn open(&mut self, url: &Url, until: &str) -> Result<Url, Stuck> {
        let mut request = Request::get(url.clone());
        for _ in 0..STEP_LIMIT {
            let page = self.send(&request).await?;
            request = self.next(&request, &page)?;
            if request.url.as_str().starts_with(until) {
                return Ok(request.url);
            }
        }
        let reason = format!("{STEP_LIMIT} steps did not lead to {until}");
        Err(self.stuck(reason, request.url.to_string()))
    }

    /// Requests `url` and gives the text of the answer, whatever it is.
    ///
    /// # Errors
    ///
    /// [`Stuck`] if there is no answer.
    pub(crate) async fn visit(&mut self, url: &Url) -> Result<(StatusCode, String), Stuck> {
        let page = self.send(&Request::get(url.clone())).await?;
        Ok((page.status, page.text))
    }

    async fn send(&mut self, request: &Request) -> Result<Page, Stuck> {
        let mut builder = self
            .http
            .request(request.method.clone(), request.url.clone());
        if let Some(cookies) = self.cookies.header(&request.url) {
            builder = builder.header(COOKIE, cookies);
        }
        if let Some(origin) = &request.origin {
            builder = builder.header(ORIGIN, origin);
        }
        if request.method == Method::POST {
            builder = builder.form(&request.body);
        }
        let failed = |error: reqwest::Error| (format!("no answer: {error}"), request.url.as_str());
        let answer = match builder.send().await.map_err(failed) {
            Ok(answer) => answer,
            Err((reason, page)) => return Err(self.stuck(reason, page.to_owned())),
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        self.transcript.push(Visit {
            method: request.method.clone(),
            url: request.url.clone(),
            status,
        });
        for cookie in headers.get_all(SET_COOKIE) {
            self.cookies
                .store(&request.url, &String::from_utf8_lossy(cookie.as_bytes()));
        }
        let text = match answer.text().await.map_err(failed) {
            Ok(text) => text,
            Err((reason, page)) => return Err(self.stuck(reason, page.to_owned())),
        };
        Ok(Page {
            url: request.url.clone(),
            status,
            headers,
            text,
        })
    }

    /// The request that follows `page`: its redirect, or one of its forms.
    fn next(&self, request: &Request, page: &Page) -> Result<Request, Stuck> {
        let followed = match page.redirect() {
            Some(target) => target.map(|url| request.redirected(page.status, url)),
            None if page.status.is_success() => page.submitted(&self.answers),
            None => Err(format!("the page answers {}", page.status)),
        };
        followed
            .and_then(Request::permitted)
            .map_err(|reason| self.stuck(reason, page.to_string()))
    }

    fn stuck(&self, reason: String, page: String) -> Stuck {
        let mut transcript = String::new();
        for visit in &self.transcript {
            writeln!(transcript, "  {visit}").expect("a string can be written to");
        }
        Stuck {
            reason,
            page,
            transcript,
        }
    }
}

impl Request {
    /// This request after a redirect of `status` to `url`.
    fn redirected(&self, status: StatusCode, url: Url) -> Self {
        let keeps_method = matches!(
            status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        if keeps_method {
            return Self {
                url,
                ..self.clone()
            };
        }
        Self {
            policy: self.policy.clone(),
            ..Self::get(url)
        }
    }

    /// This request, unless the page whose form led here forbids it.
    fn permitted(self) -> Result<Self, String> {
        match &self.policy {
            Some(policy) if !policy.allows(&self.url) => {
                Err(format!("a page's form-action forbids {}", self.url))
            }
            Some(_) | None => Ok(self),
        }
    }
}

impl Page {
    /// Where the page redirects to, if it does.
    fn redirect(&self) -> Option<Result<Url, String>> {
        let location = self.headers.get(LOCATION)?;
        if !self.status.is_redirection() {
            return None;
        }
        let text = String::from_utf8_lossy(location.as_bytes());
        let target = self.url.join(&text);
        Some(target.map_err(|error| format!("the redirect to {text} is no URL: {error}")))
    }

    /// The request that submits a form of the page.
    fn submitted(&self, answers: &Answers) -> Result<Request, String> {
        let Submission {
            mut action,
            is_post,
            fields,
        } = answers.submit(&self.url, &self.text)?;
        let policy = Some(FormPolicy::new(&self.url, &self.headers));
        if is_post {
            return Ok(Request {
                method: Method::POST,
                url: action,
                body: fields,
                origin: Some(self.origin()),
                policy,
            });
        }
        action.query_pairs_mut().clear().extend_pairs(fields);
        Ok(Request {
            policy,
            ..Request::get(action)
        })
    }

    /// The `Origin` header of a form that the page posts. Browsers withhold it
    /// when the page asks for no referrer.
    fn origin(&self) -> String {
        let policy = self.headers.get(REFERRER_POLICY);
        if policy.is_some_and(|policy| policy == "no-referrer") {
            return "null".to_owned();
        }
        self.url[..Position::BeforePath].to_owned()
    }
}

impl fmt::Display for Page {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EXCERPT: usize = 600;
        let excerpt: String = self.text.chars().take(EXCERPT).collect();
        write!(formatter, "{} ({})\n{excerpt}", self.url, self.status)
    }
}
