//! What a host sets up beside the verifier.

use std::sync::Arc;

use oauth_for_mcp::resource::ResourceServer;
use oauth_for_mcp::resource::provider::{Provider, TokensNotForOthers};
use oauth_for_mcp::resource::verifier::FirstOf;
use oauth_for_mcp::test_util::FakeOpenIdProvider;
use oauth_for_mcp::types::{ResourceUri, SystemClock, SystemEntropy};
use serde_json::json;
use url::Url;

use super::fixture::RESOURCE;

#[test]
fn providers_whose_tokens_are_for_themselves_have_no_verifier_but_an_issuer() {
    let okta = Provider::okta_organization("acme.okta.com").unwrap();
    for (provider, issuer) in [
        (Provider::google(), "https://accounts.google.com"),
        (okta, "https://acme.okta.com"),
    ] {
        assert_eq!(provider.issuer().as_str(), issuer);
        let network = FakeOpenIdProvider::new(
            provider.issuer().clone(),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
        );
        let verifier = provider.verifier(Arc::new(network));
        assert_eq!(verifier.err(), Some(TokensNotForOthers));
    }
    assert!(TokensNotForOthers.to_string().contains("OpenIdProvider"));
}

#[test]
fn the_metadata_says_where_a_client_reads_what_it_needs() {
    let provider = Provider::cognito("eu-west-1", "eu-west-1_Abc").unwrap();
    let servers = vec![provider.authorization_server().clone()];
    let resource = ResourceUri::parse(RESOURCE).unwrap();
    let builder = ResourceServer::builder(resource, servers, Arc::new(FirstOf::new(vec![])));
    let silent = json!(builder.build().unwrap().metadata());
    assert_eq!(silent.get("resource_documentation"), None);

    let servers = vec![provider.authorization_server().clone()];
    let resource = ResourceUri::parse(RESOURCE).unwrap();
    let builder = ResourceServer::builder(resource, servers, Arc::new(FirstOf::new(vec![])));
    let page = "https://example.com/docs/connect";
    let resource = builder
        .documentation(Url::parse(page).unwrap())
        .build()
        .unwrap();
    assert_eq!(json!(resource.metadata())["resource_documentation"], page);
    assert_eq!(
        json!(resource.root_metadata())["resource_documentation"],
        page
    );
    let listed = &json!(resource.metadata())["authorization_servers"];
    assert_eq!(*listed, json!([provider.authorization_server()]));
}
