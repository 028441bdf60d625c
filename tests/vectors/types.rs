use oauth_for_mcp::types::{CodeChallenge, CodeVerifier};

#[test]
fn rfc_7636_appendix_b_the_challenge_of_the_verifier() {
    let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();

    assert_eq!(verifier.challenge(), challenge);
    assert!(challenge.matches(&verifier));
    assert_eq!(
        challenge.to_string(),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}
