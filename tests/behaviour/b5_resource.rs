use oauth_for_mcp::test_util::{TestClient, TestServer};

use super::support::{claims, expect_error_redirect, open, with};

const SAME: [&str; 6] = [
    "https://mcp.example.com/mcp",
    "https://mcp.example.com/mcp/",
    "HTTPS://mcp.example.com/mcp",
    "https://MCP.Example.COM/mcp",
    "https://mcp.example.com:443/mcp",
    "https://mcp.example.com/mcp?session=1",
];

const OTHERS: [&str; 16] = [
    "https://mcp.example.com/mcp-evil",
    "https://mcp.example.com/mcp/sub",
    "https://mcp.example.com/mcp//",
    "https://mcp.example.com/mc",
    "https://mcp.example.com/MCP",
    "https://mcp.example.com/other",
    "https://mcp.example.com:8443/mcp",
    "http://mcp.example.com/mcp",
    "https://mcp.example.com.evil.example/mcp",
    "https://evil.example/mcp",
    "https://evil.example/?https://mcp.example.com/mcp",
    "https://mcp.example.com@evil.example/mcp",
    "https://mcp.example.com/mcp#fragment",
    "/mcp",
    "mcp",
    "urn:mcp",
];

/// B5
#[tokio::test]
async fn spellings_of_the_resource_are_one_audience() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for resource in SAME {
        let parameters = client.authorization_parameters("notes:read");
        let page = open(&server, with(parameters, "resource", Some(resource))).await;
        assert_eq!(page.status(), 200, "{resource}: {page:?}");

        let code = client.authorize(&server, "notes:read").await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", &client.verifier),
            ("resource", resource),
        ];
        let tokens = client.token(&server, &form).await.expect_tokens();
        assert_eq!(
            claims(&tokens.access_token)["aud"],
            "https://mcp.example.com/mcp"
        );
        let refresh_token = tokens.refresh_token.unwrap();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("resource", resource),
        ];
        let _ = client.token(&server, &form).await.expect_tokens();
    }
}

/// B5
#[tokio::test]
async fn another_resource_is_refused_before_the_person_is_asked() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for resource in OTHERS {
        let parameters = client.authorization_parameters("notes:read");
        let answer = open(&server, with(parameters, "resource", Some(resource))).await;
        expect_error_redirect(&answer, "invalid_target", resource);
    }
}

/// B5
#[tokio::test]
async fn one_good_resource_does_not_make_a_second_one_good() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for other in OTHERS {
        let mut parameters = client.authorization_parameters("notes:read");
        parameters.push(("resource".to_owned(), SAME[0].to_owned()));
        parameters.push(("resource".to_owned(), other.to_owned()));
        let answer = open(&server, parameters).await;
        expect_error_redirect(&answer, "invalid_target", other);
    }
}

/// B5, E1
#[tokio::test]
async fn another_resource_is_refused_at_the_token_endpoint_and_costs_nothing() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    let redeem = |resource| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", client.verifier.as_str()),
            ("resource", resource),
        ]
    };
    for other in OTHERS {
        let answer = client.token(&server, &redeem(other)).await;
        assert_eq!(answer.response().status(), 400, "{other}");
        answer.expect_error("invalid_target");
    }
    let tokens = client
        .token(&server, &redeem(SAME[0]))
        .await
        .expect_tokens();

    let refresh_token = tokens.refresh_token.unwrap();
    for other in OTHERS {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("resource", other),
        ];
        client
            .token(&server, &form)
            .await
            .expect_error("invalid_target");
    }
    let _ = client
        .refresh(&server, &refresh_token)
        .await
        .expect_tokens();
}

/// B5
#[tokio::test]
async fn who_names_no_resource_gets_the_only_one() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    assert_eq!(
        claims(&tokens.access_token)["aud"],
        "https://mcp.example.com/mcp"
    );
}
