use crate::model::{ClientKeys, ClientRecord, GrantType, Registration};
use crate::protocol::client_metadata::ClientInformationResponse;
use crate::server::config::{AuthorizationServer, paths};
use crate::types::{RedirectUri, RedirectUriKind, Secret, Timestamp};

/// What a client is told beside what is known of it.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The secret that was just made for it.
    pub(super) secret: Option<Secret>,
    /// The token with which it manages its registration.
    pub(super) management: Option<Secret>,
    /// The redirect URIs as it wrote them, if they are kept in another form.
    pub(super) redirect_uris: Option<Vec<RedirectUri>>,
    /// The statement that was verified.
    pub(super) software_statement: Option<String>,
}

impl AuthorizationServer {
    /// What took effect ([RFC 7591, section 3.2.1]).
    ///
    /// [RFC 7591, section 3.2.1]: https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1
    pub(super) fn describe(
        &self,
        client: &ClientRecord,
        given: Given,
    ) -> ClientInformationResponse {
        let (jwks, jwks_uri) = match &client.keys {
            Some(ClientKeys::Set(set)) => (Some(set.clone()), None),
            Some(ClientKeys::Uri(uri)) => (None, Some(uri.clone())),
            None => (None, None),
        };
        let grant_types = client.grant_types.iter().copied().map(GrantType::as_str);
        let manages = given.management.is_some();
        let manage_at = || {
            let endpoint = self.issuer.endpoint(paths::REGISTER);
            // Identifiers of ours have unreserved characters only.
            format!("{endpoint}?client_id={}", client.id)
        };
        ClientInformationResponse {
            client_id: client.id.clone(),
            client_id_issued_at: registered_at(client),
            client_secret_expires_at: client.auth_method.uses_secret().then_some(0),
            client_secret: given.secret,
            registration_client_uri: manages.then(manage_at),
            registration_access_token: given.management,
            application_type: application_type(&client.redirect_uris),
            redirect_uris: given
                .redirect_uris
                .unwrap_or_else(|| client.redirect_uris.clone()),
            token_endpoint_auth_method: client.auth_method.as_str(),
            grant_types: grant_types.collect(),
            response_types: vec!["code"],
            client_name: client.name.clone(),
            client_uri: client.client_uri.clone(),
            scope: self
                .scopes
                .resolve(None, client.scope.as_ref())
                .unwrap_or_default(),
            jwks,
            jwks_uri,
            software_statement: given.software_statement,
        }
    }
}

fn registered_at(client: &ClientRecord) -> Timestamp {
    match client.registration {
        Registration::Dynamic { registered_at, .. }
        | Registration::SelfContained { registered_at } => registered_at,
        Registration::Preregistered | Registration::Document => Timestamp::default(),
    }
}

/// What the redirect URIs make of the client. What it says itself decides
/// nothing here: many say nothing or `web`, and listen on loopback.
fn application_type(redirect_uris: &[RedirectUri]) -> &'static str {
    let local = |uri: &RedirectUri| uri.kind() != RedirectUriKind::Https;
    if redirect_uris.iter().any(local) {
        "native"
    } else {
        "web"
    }
}
