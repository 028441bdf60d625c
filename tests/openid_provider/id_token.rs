//! Which ID tokens count.

use super::*;

#[tokio::test]
async fn an_id_token_of_another_issuer_is_refused() {
    for issuer in [
        json!("https://evil.example"),
        json!("https://op.example/"),
        json!(""),
    ] {
        let error = refused(Scene::with_claim("iss", issuer).await);
        assert!(error.contains("another issuer"), "{error}");
    }
    for issuer in [json!(["https://op.example"]), json!(7), Value::Null] {
        let error = refused(Scene::with_claim("iss", issuer).await);
        assert!(error.contains("claims it must have"), "{error}");
    }
}

#[tokio::test]
async fn an_id_token_for_another_audience_is_refused() {
    for audience in [json!("another"), json!([]), json!(["another"])] {
        let error = refused(Scene::with_claim("aud", audience).await);
        assert!(error.contains("another audience"), "{error}");
    }
    refused(Scene::with_claim("aud", Value::Null).await);
    Scene::with_claim("aud", json!([CLIENT_ID])).await.unwrap();
}

#[tokio::test]
async fn an_id_token_for_several_clients_counts_only_if_we_asked_for_it() {
    let scene = Scene::new();
    scene.fake.set_claim("aud", json!([CLIENT_ID, "another"]));
    let error = refused(scene.sign_in().await);
    assert!(error.contains("another client"), "{error}");
    scene.fake.set_claim("azp", json!("another"));
    refused(scene.sign_in().await);
    scene.fake.set_claim("azp", json!(CLIENT_ID));
    scene.sign_in().await.unwrap();
    let error = refused(Scene::with_claim("azp", json!("another")).await);
    assert!(error.contains("another client"), "{error}");
}

#[tokio::test]
async fn an_id_token_of_another_time_is_refused_but_a_minute_is_forgiven() {
    for (name, good, bad) in [
        ("exp", NOW - 59, NOW - 60),
        ("iat", NOW + 60, NOW + 61),
        ("nbf", NOW + 60, NOW + 61),
    ] {
        Scene::with_claim(name, json!(good)).await.unwrap();
        refused(Scene::with_claim(name, json!(bad)).await);
        refused(Scene::with_claim(name, json!(good.to_string())).await);
    }
    for name in ["exp", "iat"] {
        refused(Scene::with_claim(name, Value::Null).await);
    }
}

#[tokio::test]
async fn an_id_token_of_another_sign_in_is_refused() {
    let error = refused(Scene::with_fault(Fault::WrongNonce).await);
    assert!(error.contains("another sign-in"), "{error}");
    for nonce in [Value::Null, json!(""), json!("THE NONCE")] {
        let error = refused(Scene::with_claim("nonce", nonce).await);
        assert!(error.contains("another sign-in"), "{error}");
    }
    refused(Scene::with_claim("nonce", json!(["the nonce"])).await);
}

#[tokio::test]
async fn an_id_token_without_a_valid_subject_is_refused() {
    for subject in [
        Value::Null,
        json!(""),
        json!(7),
        json!("a\nb"),
        json!("a".repeat(256)),
    ] {
        refused(Scene::with_claim("sub", subject).await);
    }
}

#[tokio::test]
async fn an_id_token_that_the_provider_did_not_sign_is_refused() {
    for (fault, reason) in [
        (Fault::UnsignedIdToken, "algorithm is not allowed"),
        (Fault::SharedSecretIdToken, "algorithm is not allowed"),
        (Fault::PublicKeyIdToken, "algorithm is not allowed"),
        (Fault::ForeignIdToken, "signature is invalid"),
        (Fault::ChangedIdToken, "signature is invalid"),
        (Fault::UnknownKeyId, "no key of the provider"),
        (Fault::KeyForEncryption, "no key of the provider"),
        (Fault::AccessTokenType, "another kind of token"),
        (Fault::WrongAccessTokenHash, "another access token"),
    ] {
        let error = refused(Scene::with_fault(fault).await);
        assert!(error.contains(reason), "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn an_id_token_without_a_key_name_is_verified_by_the_only_key() {
    let scene = Scene::new();
    scene.fake.set_fault(Fault::NoKeyId);
    scene.sign_in().await.unwrap();
    // Its key is not told apart from a new one, which is looked for.
    scene.fake.rotate_key();
    scene.sign_in().await.unwrap();
    scene.fake.set_fault(Fault::ForeignIdToken);
    refused(scene.sign_in().await);
}

#[tokio::test]
async fn an_id_token_without_an_access_token_hash_is_fine() {
    Scene::with_claim("at_hash", Value::Null).await.unwrap();
}
