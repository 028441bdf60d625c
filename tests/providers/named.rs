//! Names that would lead elsewhere make no provider.

use oauth_for_mcp::resource::provider::{ClientRegistration, InvalidProvider, Provider};

#[test]
fn a_domain_is_a_host_and_nothing_else() {
    let domains = [
        "",
        "https://acme.auth0.com",
        "acme.auth0.com/",
        "acme.auth0.com/path",
        "acme.auth0.com:8443",
        "evil.example#acme.auth0.com",
        "evil.example?acme.auth0.com",
        "user@acme.auth0.com",
        "ACME.auth0.com",
        "acme.auth0.com\\evil",
        "acme auth0 com",
    ];
    for domain in domains {
        let made = [
            Provider::workos(domain),
            Provider::auth0(domain),
            Provider::okta(domain, "default"),
            Provider::okta_organization(domain),
            Provider::scalekit(domain, "res_1"),
            Provider::stytch(domain),
        ];
        for provider in made {
            assert_eq!(provider.err(), Some(InvalidProvider::Domain), "{domain}");
        }
    }
}

#[test]
fn a_tenant_of_entra_is_one_tenant() {
    let tenants = [
        "",
        "common",
        "organizations",
        "consumers",
        "acme.onmicrosoft.com",
        "{tenantid}",
        "11111111-2222-3333-4444-55555555abc",
        "11111111-2222-3333-4444-55555555abcg",
        "11111111-2222-3333-4444-55555555abcd/x",
        "11111111222233334444-55555555abcd",
    ];
    for tenant in tenants {
        for provider in [Provider::entra(tenant), Provider::entra_v1(tenant)] {
            assert_eq!(provider.err(), Some(InvalidProvider::Tenant), "{tenant}");
        }
    }
    let upper = Provider::entra("11111111-2222-3333-4444-55555555ABCD").unwrap();
    let issuer = "https://login.microsoftonline.com/11111111-2222-3333-4444-55555555abcd/v2.0";
    assert_eq!(upper.issuer().as_str(), issuer);
}

#[test]
fn a_name_leads_nowhere_else() {
    for name in [
        "", ".", "..", "a/b", "a?b", "a#b", "a b", "%2e", "a\\b", "é", "a@b",
    ] {
        let made = [
            Provider::okta("acme.okta.com", name),
            Provider::keycloak("https://sso.example.com", name),
            Provider::cognito(name, "pool"),
            Provider::cognito("eu-west-1", name),
            Provider::scalekit("acme.scalekit.com", name),
            Provider::descope(name, "M2abc"),
            Provider::descope("P2abc", name),
        ];
        for provider in made {
            assert_eq!(provider.err(), Some(InvalidProvider::Name), "{name}");
        }
    }
}

#[test]
fn a_server_of_keycloak_is_at_an_https_url() {
    for url in [
        "",
        "sso.example.com",
        "http://sso.example.com",
        "https://sso.example.com?x",
        "https://sso.example.com/a/../b",
        "https://SSO.example.com",
        "https://user@sso.example.com",
    ] {
        let provider = Provider::keycloak(url, "notes");
        assert_eq!(provider.err(), Some(InvalidProvider::Server), "{url}");
    }
    for url in [
        "https://sso.example.com",
        "https://sso.example.com/",
        "http://localhost:8080/auth",
    ] {
        let provider = Provider::keycloak(url, "notes").unwrap();
        let issuer = format!("{}/realms/notes", url.trim_end_matches('/'));
        assert_eq!(provider.issuer().as_str(), issuer);
    }
}

#[test]
fn it_is_known_where_clients_can_register() {
    for (provider, registration) in [
        (
            Provider::workos("a.authkit.app").unwrap(),
            ClientRegistration::Documents,
        ),
        (
            Provider::auth0("a.auth0.com").unwrap(),
            ClientRegistration::Documents,
        ),
        (
            Provider::okta("a.okta.com", "default").unwrap(),
            ClientRegistration::Preregistered,
        ),
        (
            Provider::entra("11111111-2222-3333-4444-55555555abcd").unwrap(),
            ClientRegistration::Preregistered,
        ),
        (
            Provider::keycloak("https://sso.example.com", "notes").unwrap(),
            ClientRegistration::Dynamic,
        ),
        (
            Provider::cognito("eu-west-1", "eu-west-1_Abc").unwrap(),
            ClientRegistration::Preregistered,
        ),
        (
            Provider::entra_v1("11111111-2222-3333-4444-55555555abcd").unwrap(),
            ClientRegistration::Preregistered,
        ),
        (
            Provider::okta_organization("a.okta.com").unwrap(),
            ClientRegistration::Preregistered,
        ),
        (
            Provider::scalekit("a.scalekit.com", "res_1").unwrap(),
            ClientRegistration::Documents,
        ),
        (
            Provider::stytch("auth.a.example").unwrap(),
            ClientRegistration::Documents,
        ),
        (Provider::google(), ClientRegistration::Preregistered),
        (
            Provider::descope("P2abc", "M2abc").unwrap(),
            ClientRegistration::Documents,
        ),
    ] {
        assert_eq!(provider.registration(), registration, "{provider:?}");
    }
}
