//! What a sign-in asks for and what it leads to.

use super::*;

#[tokio::test]
async fn a_person_signs_in() {
    let identity = Scene::new().sign_in().await.unwrap();
    assert_eq!(identity.provider, "https://op.example");
    assert_eq!(identity.subject.as_str(), "alice");
    assert_eq!(identity.email.as_deref(), Some("alice@example.com"));
    assert!(identity.email_verified);
    assert_eq!(identity.name.as_deref(), Some("Alice"));
    assert!(identity.claims.is_empty(), "{:?}", identity.claims);
}

#[tokio::test]
async fn an_issuer_with_a_path_and_a_slash_is_kept_byte_for_byte() {
    let scene = Scene::at("https://op.example/tenant/");
    let identity = scene.sign_in().await.unwrap();
    assert_eq!(identity.provider, "https://op.example/tenant/");
}

#[tokio::test]
async fn the_secret_is_sent_in_the_way_the_provider_takes_it_or_the_operator_says() {
    let name = "token_endpoint_auth_methods_supported";
    for methods in [
        json!(["client_secret_basic"]),
        json!(["client_secret_post"]),
    ] {
        Scene::with_metadata(name, methods).await.unwrap();
    }
    let only_keys = Scene::with_metadata(name, json!(["private_key_jwt"])).await;
    assert!(refused(only_keys).contains("neither by basic nor by post"));
    let mut scene = Scene::new();
    scene.fake.set_metadata(name, json!(["private_key_jwt"]));
    scene.provider = provider(&scene.fake, &scene.clock, |builder| {
        builder.client_auth(OpenIdClientAuth::Post)
    });
    scene.sign_in().await.unwrap();
}

#[tokio::test]
async fn the_authorization_request_keeps_the_query_of_the_endpoint_and_names_no_resource() {
    let scene = Scene::new();
    let endpoint = "https://op.example/authorize?tenant=a%20b";
    scene
        .fake
        .set_metadata("authorization_endpoint", json!(endpoint));
    let url = scene.begin().await.unwrap();
    assert!(url.as_str().starts_with(&format!("{endpoint}&")));
    let request = Form::parse(url.query().unwrap().as_bytes()).unwrap();
    let challenge = login().verifier.challenge().to_string();
    for (name, value) in [
        ("tenant", "a b"),
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email profile"),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(request.value(name), Some(value), "{name}");
    }
    assert_eq!(request.value("resource"), None);
}

#[tokio::test]
async fn the_userinfo_tells_an_address_that_the_id_token_does_not() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Userinfo), 0);
    let identity = Scene::with_fault(Fault::EmailInUserinfoOnly).await.unwrap();
    assert_eq!(identity.email.as_deref(), Some("alice@example.com"));
    assert!(identity.email_verified);
}

#[tokio::test]
async fn the_userinfo_is_not_asked_if_the_operator_or_the_provider_does_without() {
    let mut scene = Scene::new();
    scene.fake.set_fault(Fault::EmailInUserinfoOnly);
    scene.fake.set_metadata("userinfo_endpoint", Value::Null);
    assert_eq!(scene.sign_in().await.unwrap().email, None);

    scene = Scene::new();
    scene.fake.set_fault(Fault::EmailInUserinfoOnly);
    scene.provider = provider(&scene.fake, &scene.clock, |builder| builder.userinfo(false));
    assert_eq!(scene.sign_in().await.unwrap().email, None);
    assert_eq!(scene.fake.fetches(FakeEndpoint::Userinfo), 0);
}

#[test]
fn the_scopes_have_to_ask_for_an_id_token() {
    let scene = Scene::new();
    for scopes in ["", "email", "openid \u{1}", "OPENID"] {
        let client_id = ClientId::parse(CLIENT_ID).unwrap();
        let issuer = scene.fake.issuer().clone();
        let built = OpenIdProvider::builder(issuer, client_id, Secret::new(SECRET))
            .fetch(Arc::new(scene.fake.clone()))
            .scopes(scopes)
            .build();
        let error = built.unwrap_err();
        assert!(matches!(error, InvalidOpenIdProvider::Scopes), "{scopes}");
    }
}
