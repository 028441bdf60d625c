use async_trait::async_trait;

use crate::server::policy::PolicyError;
use crate::server::registration::{RegistrationAttempt, RegistrationPolicy, RegistrationWay};

/// Admits documents of chosen hosts only, and every client that registers in
/// another way.
///
/// ```
/// # use oauth_for_mcp::server::{DocumentHosts, RegistrationConfig};
/// let registration = RegistrationConfig::new()
///     .policy(DocumentHosts::only(["claude.ai", "chatgpt.com", "*.example.com"]));
/// ```
#[derive(Clone, Debug)]
pub struct DocumentHosts(Vec<String>);

impl DocumentHosts {
    /// Admits documents of these hosts: the name as it is in a URL, so with `xn--`
    /// where there are other letters, or `*.example.com` for every name below
    /// `example.com`, which itself is not one of them.
    #[must_use]
    pub fn only<I>(hosts: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let lower = |host: I::Item| host.as_ref().to_ascii_lowercase();
        Self(hosts.into_iter().map(lower).collect())
    }

    fn admit(&self, host: &str) -> bool {
        let admits = |pattern: &String| match pattern.strip_prefix("*.") {
            Some(parent) => host
                .strip_suffix(parent)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|below| !below.is_empty() && !parent.is_empty()),
            None => host == pattern,
        };
        self.0.iter().any(admits)
    }
}

#[async_trait]
impl RegistrationPolicy for DocumentHosts {
    async fn admits(&self, attempt: &RegistrationAttempt<'_>) -> Result<bool, PolicyError> {
        Ok(match attempt.way {
            RegistrationWay::Dynamic => true,
            RegistrationWay::Document(url) => url.host_str().is_some_and(|host| self.admit(host)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_admitted_by_its_name_or_by_that_of_its_parent() {
        let hosts = DocumentHosts::only(["Claude.ai", "*.example.com"]);
        for good in ["claude.ai", "a.example.com", "a.b.example.com"] {
            assert!(hosts.admit(good), "{good}");
        }
        for bad in [
            "example.com",
            ".example.com",
            "badexample.com",
            "a.example.com.evil.example",
            "a.example.com.",
            "www.claude.ai",
            "claude.ai.",
            "",
        ] {
            assert!(!hosts.admit(bad), "{bad}");
        }
        assert!(!DocumentHosts::only(["*."]).admit("a."));
    }
}
