use crate::jose::{Algorithm, JwkSet};
use crate::model::{AuthMethod, GrantType};
use crate::protocol::metadata::AuthorizationServerMetadata;
use crate::server::config::{AccessTokenFormat, AuthorizationServer, paths};
use crate::server::error::Outage;

impl AuthorizationServer {
    /// What this server says of itself ([RFC 8414, section 2]).
    ///
    /// [RFC 8414, section 2]: https://www.rfc-editor.org/rfc/rfc8414#section-2
    #[must_use]
    pub fn metadata(&self) -> AuthorizationServerMetadata {
        let endpoint = |path| self.issuer.endpoint(path);
        let auth_methods: Vec<_> = AuthMethod::ALL.map(AuthMethod::as_str).to_vec();
        AuthorizationServerMetadata {
            issuer: self.issuer.clone(),
            authorization_endpoint: endpoint(paths::AUTHORIZE),
            token_endpoint: endpoint(paths::TOKEN),
            jwks_uri: (self.format == AccessTokenFormat::Jwt).then(|| endpoint(paths::JWKS)),
            registration_endpoint: self
                .has_dynamic_registration()
                .then(|| endpoint(paths::REGISTER)),
            revocation_endpoint: endpoint(paths::REVOKE),
            scopes_supported: self.scopes.described.keys().cloned().collect(),
            response_types_supported: vec!["code"],
            response_modes_supported: vec!["query"],
            grant_types_supported: self.grant_types().map(GrantType::as_str).collect(),
            token_endpoint_auth_methods_supported: auth_methods.clone(),
            token_endpoint_auth_signing_alg_values_supported: Algorithm::ALL.to_vec(),
            revocation_endpoint_auth_methods_supported: auth_methods,
            revocation_endpoint_auth_signing_alg_values_supported: Algorithm::ALL.to_vec(),
            code_challenge_methods_supported: vec!["S256"],
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: self.has_client_documents(),
            protected_resources: vec![self.resource.clone()],
            service_documentation: None,
        }
    }

    /// The grants that at least one client can have.
    fn grant_types(&self) -> impl Iterator<Item = GrantType> {
        let machines = self
            .preregistered
            .values()
            .any(|client| client.grant_types.contains(&GrantType::ClientCredentials));
        GrantType::ALL
            .into_iter()
            .filter(move |grant| machines || *grant != GrantType::ClientCredentials)
    }

    /// The keys with which access tokens can be verified now
    /// ([RFC 7517, section 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).
    ///
    /// # Errors
    ///
    /// [`Outage`] if the keys were never read from the store and cannot be now.
    pub async fn jwks(&self) -> Result<JwkSet, Outage> {
        let now = self.clock.now();
        Ok(self.keys.ring(now).await?.jwks(now))
    }
}
