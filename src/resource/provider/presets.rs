use crate::resource::provider::{
    ClientRegistration, InvalidProvider, Provider, issuer_at, name, server, tenant,
};
use crate::resource::verifier::{AccessTokenMark, TokenShape};
use crate::types::Issuer;

/// The claims of RFC 9068 without its `typ`.
const CLIENT_AND_SCOPE: TokenShape =
    TokenShape::rfc9068().marked_by(AccessTokenMark::Claims(&["client_id", "scope"]));

/// What a client was granted at Entra ID, or else an application. Any application of
/// the tenant gets a token that has neither.
const SCOPE_OF_ENTRA: &[&str] = &["scp", "roles"];

impl Provider {
    /// WorkOS AuthKit, by its domain, such as `acme.authkit.app`.
    ///
    /// An access token has `client_id` and `scope`, and as its audience the resource
    /// indicator that is configured in the dashboard ([claims], [MCP]). Without one the
    /// audience is the environment, and every token of it would do.
    ///
    /// [claims]: https://workos.com/docs/authkit/connect/token-claims
    /// [MCP]: https://workos.com/docs/authkit/mcp
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `domain` is no host.
    pub fn workos(domain: &str) -> Result<Self, InvalidProvider> {
        let (issuer, keys) = (
            issuer_at(domain, "")?,
            format!("https://{domain}/oauth2/jwks"),
        );
        let registration = ClientRegistration::Documents;
        Ok(Self::new(issuer, CLIENT_AND_SCOPE, registration).keys_at(keys))
    }

    /// Auth0, by the domain of the tenant or its custom domain.
    ///
    /// Of the two [profiles] of an API choose that of RFC 9068. A token of the other
    /// one is an access token if it has `azp` and `scope`: one without any scope is
    /// refused. What is in `permissions` is what a person may do, and no scope.
    ///
    /// [profiles]: https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `domain` is no host.
    pub fn auth0(domain: &str) -> Result<Self, InvalidProvider> {
        const SHAPE: TokenShape =
            TokenShape::rfc9068().marked_by(AccessTokenMark::Claims(&["azp", "scope"]));
        let keys = format!("https://{domain}/.well-known/jwks.json");
        let issuer = issuer_at(domain, "/")?;
        Ok(Self::new(issuer, SHAPE, ClientRegistration::Documents).keys_at(keys))
    }

    /// A custom authorization server of Okta, such as `default`, by the domain of the
    /// organization and the identifier of the server.
    ///
    /// An access token has the client in `cid` and the scope in `scp`, an array
    /// ([claims]). Its audience is a setting of the server, one for all clients.
    ///
    /// [claims]: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `domain` is no host or `server` no name.
    pub fn okta(domain: &str, server: &str) -> Result<Self, InvalidProvider> {
        const SHAPE: TokenShape = TokenShape::rfc9068()
            .client_in(&["cid"])
            .scope_in(&["scp"])
            .marked_by(AccessTokenMark::Claims(&["cid", "scp"]));
        let issuer = issuer_at(domain, &format!("/oauth2/{}", name(server)?))?;
        let keys = issuer.endpoint("/v1/keys");
        Ok(Self::new(issuer, SHAPE, ClientRegistration::Preregistered).keys_at(keys))
    }

    /// The authorization server of an Okta organization itself, by its domain.
    ///
    /// Its access tokens are for Okta alone ([validation]), so there is no verifier.
    ///
    /// [validation]: https://developer.okta.com/docs/guides/validate-access-tokens/dotnet/overview/
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `domain` is no host.
    pub fn okta_organization(domain: &str) -> Result<Self, InvalidProvider> {
        Ok(Self::for_sign_in_only(issuer_at(domain, "")?))
    }

    /// Microsoft Entra ID, by the identifier of the one tenant whose people may come;
    /// tokens of version 2 (`requestedAccessTokenVersion: 2` in the manifest).
    ///
    /// The scope is in `scp`. A token that nobody signed in for has none, and its
    /// application `roles` count instead ([claims]). One with neither is refused: any
    /// application of the tenant gets such a token, without being granted anything,
    /// unless [assignment is required]. The audience is the identifier of
    /// the application, which has to be an [accepted audience] of the resource.
    ///
    /// [claims]: https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    /// [assignment is required]: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow#controlling-access
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    ///
    /// # Errors
    ///
    /// [`InvalidProvider::Tenant`] if `tenant_id` is not the identifier of one tenant.
    pub fn entra(tenant_id: &str) -> Result<Self, InvalidProvider> {
        const SHAPE: TokenShape = TokenShape::rfc9068()
            .client_in(&["azp"])
            .scope_in(SCOPE_OF_ENTRA)
            .marked_by(AccessTokenMark::ClaimsAndOneOf(&["azp"], SCOPE_OF_ENTRA));
        let tenant = tenant(tenant_id)?;
        let host = "login.microsoftonline.com";
        let issuer = issuer_at(host, &format!("/{tenant}/v2.0"))?;
        let keys = format!("https://{host}/{tenant}/discovery/v2.0/keys");
        Ok(Self::new(issuer, SHAPE, ClientRegistration::Preregistered).keys_at(keys))
    }

    /// As [`entra`](Self::entra), for tokens of version 1, which an application gets
    /// unless its manifest says otherwise: the client is in `appid`, the audience
    /// mostly the URI of the application, and the issuer another.
    ///
    /// # Errors
    ///
    /// [`InvalidProvider::Tenant`] if `tenant_id` is not the identifier of one tenant.
    pub fn entra_v1(tenant_id: &str) -> Result<Self, InvalidProvider> {
        const SHAPE: TokenShape = TokenShape::rfc9068()
            .client_in(&["appid"])
            .scope_in(SCOPE_OF_ENTRA)
            .marked_by(AccessTokenMark::ClaimsAndOneOf(&["appid"], SCOPE_OF_ENTRA));
        let tenant = tenant(tenant_id)?;
        let host = "login.microsoftonline.com";
        let issuer = issuer_at("sts.windows.net", &format!("/{tenant}/"))?;
        let keys = format!("https://{host}/{tenant}/discovery/keys");
        let registration = ClientRegistration::Preregistered;
        let mut provider = Self::new(issuer, SHAPE, registration).keys_at(keys);
        // Clients get tokens of either version at the same place.
        provider.authorization_server = issuer_at(host, &format!("/{tenant}/v2.0"))?;
        Ok(provider)
    }

    /// A realm of Keycloak, by the URL of the server, with the path that it is served
    /// below if there is one, and the name of the realm.
    ///
    /// The `typ` claim of an access token is `Bearer`, its client is in `azp`. It has an
    /// audience only if a mapper, or the experimental resource indicators, put one
    /// there ([MCP]). A lightweight access token may lack what is needed here.
    ///
    /// [MCP]: https://www.keycloak.org/securing-apps/mcp-authz-server
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `url` is no `https` URL or `realm` no name.
    pub fn keycloak(url: &str, realm: &str) -> Result<Self, InvalidProvider> {
        const SHAPE: TokenShape = TokenShape::rfc9068()
            .client_in(&["azp"])
            .marked_by(AccessTokenMark::Value("typ", "Bearer"));
        let issuer = Issuer::parse(&format!("{}/realms/{}", server(url)?, name(realm)?));
        let issuer = issuer.map_err(|_| InvalidProvider::Server)?;
        let keys = issuer.endpoint("/protocol/openid-connect/certs");
        Ok(Self::new(issuer, SHAPE, ClientRegistration::Dynamic).keys_at(keys))
    }

    /// A user pool of Amazon Cognito, by its region and identifier.
    ///
    /// The `token_use` of an access token is `access` ([claims]). It has an `aud` if the
    /// client asked for a [resource]; else the client stands in for it, and its
    /// identifier has to be an [accepted audience] of the resource.
    ///
    /// [claims]: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
    /// [resource]: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html#cognito-user-pools-resource-binding
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `region` or `pool` is no name.
    pub fn cognito(region: &str, pool: &str) -> Result<Self, InvalidProvider> {
        const SHAPE: TokenShape = TokenShape::rfc9068()
            .client_in(&["client_id"])
            .client_stands_in_for_audience()
            .marked_by(AccessTokenMark::Value("token_use", "access"));
        let host = format!("cognito-idp.{}.amazonaws.com", name(region)?);
        let issuer = issuer_at(&host, &format!("/{}", name(pool)?))?;
        let keys = issuer.endpoint("/.well-known/jwks.json");
        Ok(Self::new(issuer, SHAPE, ClientRegistration::Preregistered).keys_at(keys))
    }

    /// Google, where people sign in.
    ///
    /// Its access tokens are opaque and for the services of Google alone
    /// ([token types]), so there is no verifier.
    ///
    /// [token types]: https://cloud.google.com/docs/authentication/token-types
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "cannot panic: the host is a constant"
    )]
    pub fn google() -> Self {
        let issuer = issuer_at("accounts.google.com", "");
        Self::for_sign_in_only(issuer.expect("it is a host"))
    }

    /// Scalekit, by the domain of the environment, such as `acme.scalekit.com`, and the
    /// identifier of the resource, such as `res_1`.
    ///
    /// Clients are sent to an authorization server of that resource alone. Tokens name
    /// it as their issuer, or still the environment ([change]): make that a
    /// [token issuer]. The audience is the identifier of the resource, which has to be
    /// an [accepted audience], and its URL as well if the dashboard knows it ([MCP]).
    /// Since an ID token may have a `client_id` as well, a token without any scope is
    /// refused.
    ///
    /// [MCP]: https://docs.scalekit.com/authenticate/mcp/quickstart/
    /// [change]: https://github.com/mcp-use/mcp-use/pull/2272
    /// [token issuer]: crate::resource::ResourceServerBuilder::token_issuer
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `domain` is no host or `resource` no name.
    pub fn scalekit(domain: &str, resource: &str) -> Result<Self, InvalidProvider> {
        const SCOPE: &[&str] = &["scope", "scopes"];
        const SHAPE: TokenShape = TokenShape::rfc9068()
            .scope_in(SCOPE)
            .marked_by(AccessTokenMark::ClaimsAndOneOf(&["client_id"], SCOPE));
        let issuer = issuer_at(domain, "")?;
        let keys = issuer.endpoint("/keys");
        let registration = ClientRegistration::Documents;
        let mut provider = Self::new(issuer, SHAPE, registration).keys_at(keys);
        let path = format!("/resources/{}", name(resource)?);
        provider.authorization_server = issuer_at(domain, &path)?;
        provider.signs_as_either = true;
        Ok(provider)
    }

    /// An MCP server as Descope knows it, by the identifiers of its project and of
    /// itself.
    ///
    /// The audience is the URL of the server that is set in the console ([settings]).
    /// Without one it is the identifier of the project, which then has to be an
    /// [accepted audience] of the resource. Since that is one for all of the project,
    /// only tokens whose issuer is this very MCP server are taken ([issuer]), and none
    /// of those that name the project or a tenant of it.
    ///
    /// [settings]: https://docs.descope.com/agentic-identity-hub/mcp-servers/settings
    /// [issuer]: https://docs.descope.com/agentic-identity-hub/mcp-servers/discovery-url
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `project` or `mcp_server` is no name.
    pub fn descope(project: &str, mcp_server: &str) -> Result<Self, InvalidProvider> {
        const SHAPE: TokenShape =
            TokenShape::rfc9068().marked_by(AccessTokenMark::Claims(&["scope"]));
        let (host, project) = ("api.descope.com", name(project)?);
        let path = format!("/v1/apps/agentic/{project}/{}", name(mcp_server)?);
        let keys = format!("https://{host}/{project}/.well-known/jwks.json");
        let issuer = issuer_at(host, &path)?;
        Ok(Self::new(issuer, SHAPE, ClientRegistration::Documents).keys_at(keys))
    }

    /// Stytch Connected Apps, by the domain of the project, better a custom one.
    ///
    /// An access token has `client_id` and `scope`, which no ID token has ([claims]). The
    /// audience is the identifier of the project, which has to be an
    /// [accepted audience] of the resource.
    ///
    /// [claims]: https://stytch.com/docs/b2b/api/connected-app-access-token
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    ///
    /// # Errors
    ///
    /// [`InvalidProvider`] if `domain` is no host.
    pub fn stytch(domain: &str) -> Result<Self, InvalidProvider> {
        let issuer = issuer_at(domain, "")?;
        let registration = ClientRegistration::Documents;
        Ok(Self::new(issuer, CLIENT_AND_SCOPE, registration))
    }

    fn for_sign_in_only(issuer: Issuer) -> Self {
        Self {
            authorization_server: issuer.clone(),
            issuer,
            signs_as_either: false,
            keys_uri: None,
            tokens: None,
            registration: ClientRegistration::Preregistered,
        }
    }
}
