//! Where metadata is found ([RFC 8414, section 3], [RFC 9728, section 3]).
//!
//! [RFC 8414, section 3]: https://www.rfc-editor.org/rfc/rfc8414#section-3
//! [RFC 9728, section 3]: https://www.rfc-editor.org/rfc/rfc9728#section-3

use crate::types::{Issuer, ResourceUri};

const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The paths of an authorization server's metadata, on the host of its issuer:
/// inserted before the issuer's path and appended to it, as OAuth and OpenID
/// clients look for them.
#[must_use]
pub fn authorization_server_paths(issuer: &Issuer) -> Vec<String> {
    let url = issuer.url();
    let path = url.path().trim_end_matches('/');
    let mut paths = vec![
        format!("{AUTHORIZATION_SERVER}{path}"),
        format!("{OPENID_CONFIGURATION}{path}"),
    ];
    if !path.is_empty() {
        paths.push(format!("{path}{OPENID_CONFIGURATION}"));
        paths.push(format!("{path}{AUTHORIZATION_SERVER}"));
    }
    paths
}

/// Where to look for the metadata of somebody else's authorization server, in this
/// order: where OAuth has it ([RFC 8414, section 3.1]), then where OpenID Connect
/// has it ([OpenID Connect Discovery, section 4]).
///
/// [RFC 8414, section 3.1]: https://www.rfc-editor.org/rfc/rfc8414#section-3.1
/// [OpenID Connect Discovery, section 4]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
#[must_use]
pub fn metadata_urls(issuer: &Issuer) -> [String; 2] {
    let url = issuer.url();
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    [
        format!("{origin}{AUTHORIZATION_SERVER}{path}"),
        issuer.endpoint(OPENID_CONFIGURATION),
    ]
}

/// The path of a resource's metadata, on the host of the resource.
#[must_use]
pub fn protected_resource_path(resource: &ResourceUri) -> String {
    format!(
        "{PROTECTED_RESOURCE}{}",
        resource.path().trim_end_matches('/')
    )
}

/// The path at which clients look when they find nothing at the inserted one.
#[must_use]
pub const fn protected_resource_root_path() -> &'static str {
    PROTECTED_RESOURCE
}

/// The URL of a resource's metadata.
#[must_use]
pub fn protected_resource_url(resource: &ResourceUri) -> String {
    format!("{}{}", resource.origin(), protected_resource_path(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_inserted_and_appended() {
        let issuer = Issuer::parse("https://a.example/tenant/").unwrap();
        assert_eq!(
            authorization_server_paths(&issuer),
            [
                "/.well-known/oauth-authorization-server/tenant",
                "/.well-known/openid-configuration/tenant",
                "/tenant/.well-known/openid-configuration",
                "/tenant/.well-known/oauth-authorization-server",
            ]
        );
    }

    #[test]
    fn an_issuer_without_a_path_has_two_places() {
        let issuer = Issuer::parse("https://a.example/").unwrap();
        assert_eq!(
            authorization_server_paths(&issuer),
            [
                "/.well-known/oauth-authorization-server",
                "/.well-known/openid-configuration"
            ]
        );
    }

    #[test]
    fn somebody_elses_metadata_is_looked_for_in_two_places() {
        let urls = |text| metadata_urls(&Issuer::parse(text).unwrap());
        assert_eq!(
            urls("https://a.example:8443/tenant/"),
            [
                "https://a.example:8443/.well-known/oauth-authorization-server/tenant",
                "https://a.example:8443/tenant/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            urls("https://a.example/"),
            [
                "https://a.example/.well-known/oauth-authorization-server",
                "https://a.example/.well-known/openid-configuration",
            ]
        );
    }

    #[test]
    fn resource_metadata_has_the_path_of_the_resource_inserted() {
        let url = |text| protected_resource_url(&ResourceUri::parse(text).unwrap());
        assert_eq!(
            url("https://a.example:8443/mcp"),
            "https://a.example:8443/.well-known/oauth-protected-resource/mcp"
        );
        assert_eq!(
            url("https://a.example"),
            "https://a.example/.well-known/oauth-protected-resource"
        );
    }
}
