use std::fmt;

use crate::event::Event;

/// Receives events, to log, count or raise an alarm.
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Takes one event. Called while a request is answered: it must not block.
    fn emit(&self, event: &Event);
}

/// Writes every event to `tracing`, under the target `oauth_for_mcp`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl EventSink for TracingSink {
    fn emit(&self, event: &Event) {
        match event {
            Event::Outage { .. } => tracing::error!(target: "oauth_for_mcp", ?event),
            Event::CodeReplayed { .. }
            | Event::AssertionReplayed { .. }
            | Event::RefreshTokenReused { .. }
            | Event::RateLimited { .. }
            | Event::PeerAddressUnknown => {
                tracing::warn!(target: "oauth_for_mcp", ?event);
            }
            Event::ClientRegistered { .. }
            | Event::ClientChanged { .. }
            | Event::ClientRemoved { .. }
            | Event::LoginCompleted { .. }
            | Event::GrantRevoked { .. }
            | Event::ConsentDenied { .. }
            | Event::ApiKeyIssued { .. }
            | Event::ApiKeyRevoked { .. }
            | Event::SigningKeyCreated { .. }
            | Event::LoginFailed { .. } => tracing::info!(target: "oauth_for_mcp", ?event),
            Event::RegistrationRefused { .. }
            | Event::ClientDocumentRefused { .. }
            | Event::ClientKeysRefused { .. }
            | Event::AuthorizationRefused { .. }
            | Event::TokensIssued { .. }
            | Event::TokenRequestRefused { .. }
            | Event::AccessTokenRefused { .. }
            | Event::Swept { .. }
            | Event::ScopeInsufficient { .. } => tracing::debug!(target: "oauth_for_mcp", ?event),
        }
    }
}
