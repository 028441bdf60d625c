//! What is fetched, how often, and what if it cannot be.

use super::*;

#[tokio::test]
async fn keys_that_cannot_be_used_do_not_stand_in_the_way() {
    Scene::with_fault(Fault::UnusableKeys).await.unwrap();
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_an_outage_and_one_that_refuses_is_a_no() {
    for fault in [Fault::TokenUnavailable, Fault::TokenBusy] {
        assert_unavailable(Scene::with_fault(fault).await);
    }
    for (fault, reason) in [
        (Fault::TokenRefused, "invalid_grant"),
        (Fault::TokenGarbage, "not what it should be"),
        (Fault::TokenRedirect, "307"),
    ] {
        let error = refused(Scene::with_fault(fault).await);
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("A text of the provider"), "{error}");
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_relied_on_is_refused() {
    for (fault, reason) in [
        (Fault::MetadataGarbage, "not what it should be"),
        (Fault::MetadataOversized, "larger than"),
    ] {
        let error = refused(Scene::with_fault(fault).await);
        assert!(error.contains(reason), "{error}");
    }
    let other = json!("https://evil.example");
    let error = refused(Scene::with_metadata("issuer", other).await);
    assert!(error.contains("another issuer"), "{error}");
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let plain = json!("http://op.example/x");
        let error = refused(Scene::with_metadata(name, plain).await);
        assert!(error.contains("no https URL"), "{error}");
        refused(Scene::with_metadata(name, Value::Null).await);
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_an_outage() {
    for fault in [
        Fault::NetworkDown,
        Fault::MetadataUnavailable,
        Fault::KeysUnavailable,
    ] {
        assert_unavailable(Scene::with_fault(fault).await);
    }
}

#[tokio::test]
async fn metadata_is_fetched_once_an_hour_and_serves_on_while_it_cannot_be() {
    let scene = Scene::new();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Metadata), 0);
    scene.sign_in().await.unwrap();
    scene.advance(3_599);
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Metadata), 1);
    scene.advance(1);
    scene.fake.set_fault(Fault::MetadataUnavailable);
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Metadata), 2);
}

#[tokio::test]
async fn stale_keys_are_used_while_there_are_no_others() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    scene.fake.set_fault(Fault::KeysUnavailable);
    scene.advance(4 * 60 * 60);
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 2);
    scene.advance(24 * 60 * 60);
    assert_unavailable(scene.sign_in().await);
}

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    scene.fake.rotate_key();
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 2);
}

#[tokio::test]
async fn a_hundred_unknown_keys_cost_one_more_fetch() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    scene.fake.set_fault(Fault::UnknownKeyId);
    for _ in 0..100 {
        refused(scene.sign_in().await);
    }
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 2);
    scene.advance(30);
    refused(scene.sign_in().await);
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 3);
}

#[tokio::test]
async fn userinfo_about_somebody_else_or_in_another_form_is_refused() {
    for (fault, reason) in [
        (Fault::UserinfoOfAnother, "about somebody else"),
        (Fault::UserinfoNotJson, "not what it should be"),
    ] {
        let scene = Scene::new();
        scene.fake.set_fault(Fault::EmailInUserinfoOnly);
        scene.fake.set_fault(fault);
        let error = refused(scene.sign_in().await);
        assert!(error.contains(reason), "{error}");
    }
    let scene = Scene::new();
    scene.fake.set_fault(Fault::EmailInUserinfoOnly);
    scene.fake.set_fault(Fault::UserinfoUnavailable);
    assert_unavailable(scene.sign_in().await);
}
