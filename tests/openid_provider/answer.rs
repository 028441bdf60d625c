//! Which answers count, and what of them is passed on.

use super::*;

#[tokio::test]
async fn an_answer_of_another_provider_is_refused_before_its_error_or_code_counts() {
    let error = refused(Scene::with_fault(Fault::WrongAnswerIssuer).await);
    assert!(error.contains("names another issuer"), "{error}");
    let scene = Scene::new();
    scene.fake.set_fault(Fault::WrongAnswerIssuer);
    let url = scene.begin().await.unwrap();
    let denied = scene.fake.refuse(&url, "access_denied");
    let error = refused(scene.finish(&denied).await);
    assert!(error.contains("names another issuer"), "{error}");
    assert_eq!(scene.fake.fetches(FakeEndpoint::Token), 0);
}

#[tokio::test]
async fn an_answer_has_to_name_its_issuer_if_the_provider_promises_it() {
    let error = refused(Scene::with_fault(Fault::NoAnswerIssuer).await);
    assert!(error.contains("does not name its issuer"), "{error}");
    let scene = Scene::new();
    scene.fake.set_fault(Fault::NoAnswerIssuer);
    let promise = "authorization_response_iss_parameter_supported";
    scene.fake.set_metadata(promise, json!(false));
    scene.sign_in().await.unwrap();
}

#[tokio::test]
async fn an_error_in_the_answer_says_whether_it_is_a_no_or_a_not_now() {
    let scene = Scene::new();
    let url = scene.begin().await.unwrap();
    for error in [
        "access_denied",
        "login_required",
        "consent_required",
        "interaction_required",
    ] {
        let answer = scene.finish(&scene.fake.refuse(&url, error)).await;
        assert!(matches!(answer, Err(IdpError::AccessDenied)), "{error}");
    }
    for error in ["temporarily_unavailable", "server_error"] {
        assert_unavailable(scene.finish(&scene.fake.refuse(&url, error)).await);
    }
    let answer = scene
        .finish(&scene.fake.refuse(&url, "invalid_scope"))
        .await;
    let error = refused(answer);
    assert!(error.contains("invalid_scope"), "{error}");
    assert!(!error.contains("A text of the provider"), "{error}");
}

#[tokio::test]
async fn a_text_of_the_provider_is_not_passed_on_even_if_it_stands_for_a_code() {
    let scene = Scene::new();
    let url = scene.begin().await.unwrap();
    for text in [
        "<b>Call 555</b>",
        "please call 555",
        "a\nb",
        &"a".repeat(65),
    ] {
        let error = refused(scene.finish(&scene.fake.refuse(&url, text)).await);
        assert!(error.contains("(no known code)"), "{error}");
        assert!(!error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_a_code_is_refused() {
    let scene = Scene::new();
    let url = Url::parse(&format!("{CALLBACK}?state=x&iss=https://op.example")).unwrap();
    let error = refused(scene.finish(&url).await);
    assert!(error.contains("no code"), "{error}");
}

#[tokio::test]
async fn a_code_counts_once_and_only_with_its_verifier() {
    let scene = Scene::new();
    let url = scene.begin().await.unwrap();
    let callback = scene.fake.sign_in(&url, "alice", "Alice");
    scene.finish(&callback).await.unwrap();
    let error = refused(scene.finish(&callback).await);
    assert!(error.contains("invalid_grant"), "{error}");

    let callback = scene.fake.sign_in(&url, "alice", "Alice");
    let mut other = login();
    other.verifier = CodeVerifier::parse(&"w".repeat(43)).unwrap();
    let answer = Form::parse(callback.query().unwrap().as_bytes()).unwrap();
    let error = refused(scene.provider.finish(&other, &answer).await);
    assert!(error.contains("invalid_grant"), "{error}");
}

#[tokio::test]
async fn no_error_shows_a_code_a_token_or_the_secret() {
    for fault in [Fault::TokenRefused, Fault::TokenGarbage, Fault::WrongNonce] {
        let scene = Scene::new();
        scene.fake.set_fault(fault);
        let url = scene.begin().await.unwrap();
        let callback = scene.fake.sign_in(&url, "alice", "Alice");
        let error = scene.finish(&callback).await.unwrap_err();
        let code = callback.query_pairs().find(|(name, _)| name == "code");
        let printed = format!("{error} {error:?} {:?}", scene.provider);
        for secret in [&code.unwrap().1, "s3cret", "the nonce", "access_token"] {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
    }
}
