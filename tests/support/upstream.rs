//! The OpenID provider that stands upstream of the server under test.

use super::e2e;
use super::process::Process;

/// The one client that the provider knows.
pub(crate) const CLIENT_ID: &str = "oauth-for-mcp";
/// Its secret, sent by HTTP Basic authentication.
pub(crate) const CLIENT_SECRET: &str = "a-secret-for-tests-only";

/// A running `oidc-provider`, which signs in any login name with any password.
#[derive(Debug)]
pub(crate) struct Upstream {
    process: Process,
    issuer: String,
}

impl Upstream {
    /// Starts the provider on a free port for a client at `redirect_uri`.
    pub(crate) async fn start(redirect_uri: &str) -> Self {
        Self::start_with(redirect_uri, &[]).await
    }

    /// Starts the provider with more settings in its environment.
    pub(crate) async fn start_with(redirect_uri: &str, more: &[(&str, &str)]) -> Self {
        let mut command = e2e::node("provider.mjs");
        command
            .env("PORT", "0")
            .env("REDIRECT_URI", redirect_uri)
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .envs(more.iter().copied());
        let (process, issuer) = Process::start("the upstream provider", command).await;
        Self { process, issuer }
    }

    /// Kills the provider (SIGKILL).
    pub(crate) async fn kill(self) {
        self.process.kill().await;
    }

    /// The provider's issuer identifier, where its discovery document is found.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Everything the provider printed so far.
    pub(crate) fn output(&self) -> String {
        self.process.output()
    }
}
