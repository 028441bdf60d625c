//! A person at a browser, played by a script: follows redirects and answers forms.

use std::{collections::BTreeMap, error::Error};

use reqwest::{
    Client, RequestBuilder, Response,
    header::{COOKIE, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use scraper::{ElementRef, Html, Selector};
use url::Url;

type Failure = Box<dyn Error + Send + Sync>;

/// More requests than any sign-in needs.
const STEP_LIMIT: usize = 20;

/// Types the same into every field of a name, and presses one kind of button.
pub(crate) struct Person {
    browser: Client,
    // One jar will do: cookies do not tell the ports of one host apart.
    cookies: BTreeMap<String, String>,
    types: &'static [(&'static str, &'static str)],
    presses: &'static str,
}

impl Person {
    /// Someone who types these values into fields of these names, and presses the
    /// button with the value `presses` where a form has several.
    ///
    /// # Errors
    ///
    /// If there is no HTTP client to be had.
    pub(crate) fn new(
        types: &'static [(&'static str, &'static str)],
        presses: &'static str,
    ) -> Result<Self, Failure> {
        let browser = Client::builder().redirect(Policy::none()).no_proxy();
        Ok(Self {
            browser: browser.build()?,
            cookies: BTreeMap::new(),
            types,
            presses,
        })
    }

    /// Opens `url` and goes on until the browser is sent to an address that starts
    /// with `until`. That one belongs to the client, who takes it from here.
    ///
    /// # Errors
    ///
    /// If a page neither redirects nor has a form, or there is no answer.
    pub(crate) async fn open(&mut self, url: &str, until: &str) -> Result<String, Failure> {
        let mut request = self.browser.get(url);
        for _ in 0..STEP_LIMIT {
            let page = self.send(request).await?;
            let here = page.url().clone();
            request = if let Some(location) = page.headers().get(LOCATION) {
                let next = here.join(location.to_str()?)?;
                if next.as_str().starts_with(until) {
                    return Ok(next.into());
                }
                self.browser.get(next)
            } else {
                self.answer(&here, &page.text().await?)?
            };
        }
        Err(format!("{STEP_LIMIT} steps do not lead to {until}").into())
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Response, Failure> {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let page = match cookies.as_slice() {
            [] => request.send().await?,
            some => request.header(COOKIE, some.join("; ")).send().await?,
        };
        for cookie in page.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(page)
    }

    /// Fills in the form of a page and submits it.
    fn answer(&self, here: &Url, page: &str) -> Result<RequestBuilder, Failure> {
        let page = Html::parse_document(page);
        let form = page.select(&selector("form")?).next();
        let form = form.ok_or_else(|| format!("{here} has no form to go on with"))?;
        let mut fields = BTreeMap::new();
        for input in form.select(&selector("input[name], button[value]")?) {
            let name = input.attr("name").unwrap_or_default();
            if let Some(value) = self.value(input, name) {
                fields.insert(name, value);
            }
        }
        let target = here.join(form.attr("action").unwrap_or_default())?;
        let is_post = form
            .attr("method")
            .is_some_and(|method| method.eq_ignore_ascii_case("post"));
        Ok(if is_post {
            self.browser.post(target).form(&fields)
        } else {
            self.browser.get(target).query(&fields)
        })
    }

    fn value<'a>(&self, input: ElementRef<'a>, name: &str) -> Option<&'a str> {
        let preset = input.attr("value");
        if input.value().name() == "button" {
            return preset.filter(|value| *value == self.presses);
        }
        let typed = self.types.iter().find(|(field, _)| *field == name);
        typed.map(|(_, value)| *value).or(preset)
    }
}

fn selector(text: &'static str) -> Result<Selector, Failure> {
    Selector::parse(text).map_err(|error| error.to_string().into())
}
