//! Where a page lets its forms lead: `form-action` of the [Content Security Policy].
//!
//! Chromium applies it to the redirects behind a submission too, so that a consent
//! page with `form-action 'self'` never reaches a client's redirect URI. Other
//! browsers are more lenient; this one is as strict as that.
//!
//! [Content Security Policy]: https://www.w3.org/TR/CSP3/#directive-form-action

use reqwest::header::{CONTENT_SECURITY_POLICY, HeaderMap};
use url::Url;

/// The policies of one page; each of them has to agree.
#[derive(Clone, Debug)]
pub(crate) struct FormPolicy {
    page: Url,
    /// The sources of each `form-action` directive.
    directives: Vec<Vec<String>>,
}

impl FormPolicy {
    /// The policies of `page`, which was answered with `headers`.
    pub(crate) fn new(page: &Url, headers: &HeaderMap) -> Self {
        let policies: Vec<_> = headers
            .get_all(CONTENT_SECURITY_POLICY)
            .iter()
            .map(|header| String::from_utf8_lossy(header.as_bytes()).into_owned())
            .collect();
        let directives = policies
            .iter()
            .flat_map(|header| header.split(','))
            .filter_map(|policy| policy.split(';').find_map(form_action))
            .collect();
        Self {
            page: page.clone(),
            directives,
        }
    }

    /// Whether a form of the page may lead to `target`.
    pub(crate) fn allows(&self, target: &Url) -> bool {
        self.directives.iter().all(|sources| {
            let mut sources = sources.iter();
            sources.any(|source| self.matches(source, target))
        })
    }

    fn matches(&self, source: &str, target: &Url) -> bool {
        match source {
            "'self'" => return target.origin() == self.page.origin(),
            "*" => return matches!(target.scheme(), "http" | "https"),
            _ => {}
        }
        if let Some(scheme) = source.strip_suffix(':') {
            return scheme_matches(scheme, target);
        }
        let (scheme, rest) = source
            .split_once("://")
            .unwrap_or((self.page.scheme(), source));
        // A path counts only before the first redirect; leniency is enough here.
        let authority = rest.split('/').next().unwrap_or(rest);
        scheme_matches(scheme, target) && authority_matches(authority, target)
    }
}

fn form_action(directive: &str) -> Option<Vec<String>> {
    let mut words = directive.split_ascii_whitespace();
    let name = words.next()?;
    name.eq_ignore_ascii_case("form-action")
        .then(|| words.map(str::to_owned).collect())
}

fn scheme_matches(scheme: &str, target: &Url) -> bool {
    target.scheme() == scheme || (scheme == "http" && target.scheme() == "https")
}

fn authority_matches(authority: &str, target: &Url) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let target_host = target.host_str().unwrap_or_default();
    let same_host = match host.strip_prefix('*') {
        Some(parent) => target_host.ends_with(parent),
        None => target_host.eq_ignore_ascii_case(host),
    };
    let same_port = match port {
        Some("*") => true,
        Some(port) => target
            .port_or_known_default()
            .is_some_and(|of| of.to_string() == port),
        None => target.port().is_none(),
    };
    same_host && same_port
}
