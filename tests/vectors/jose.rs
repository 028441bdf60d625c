#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_for_mcp::jose::{
    Algorithm, InvalidJws, InvalidKey, Jwk, Jws, Signer, SigningKey, VerifyingKey,
};
use serde::Deserialize;

/// RFC 7515, appendix A.2: the public half.
const RSA: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;

/// RFC 7515, appendix A.3: the public half.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

/// RFC 8037, appendix A.2.
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// RFC 7515, appendix A.2.
const RS256_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// RFC 7515, appendix A.3.
const ES256_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// RFC 8037, appendix A.4.
const EDDSA_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    exp: u64,
}

fn jwk(json: &str) -> Jwk {
    serde_json::from_str(json).unwrap()
}

fn key(json: &str) -> VerifyingKey {
    VerifyingKey::from_jwk(&jwk(json)).unwrap()
}

fn verdict(token: &str, key: &VerifyingKey) -> Result<(), InvalidJws> {
    Jws::parse(token)?.verify(key).map(|_| ())
}

/// The same token with the last bit of its signature's first octet turned.
fn with_other_signature(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut octets = URL_SAFE_NO_PAD.decode(signature).unwrap();
    octets[0] ^= 1;
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(octets))
}

#[test]
fn rfc_7638_section_3_1_thumbprint_of_an_rsa_key() {
    let key = jwk(
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
    );
    let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    assert_eq!(key.thumbprint(), expected);
}

#[test]
fn rfc_8037_appendix_a_3_thumbprint_of_an_ed25519_key() {
    let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(jwk(ED25519).thumbprint(), expected);
}

#[test]
fn rfc_8037_appendix_a_1_a_jwk_with_its_private_member_is_refused() {
    let private = ED25519.replace(
        "\"x\"",
        r#""d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x""#,
    );
    assert!(serde_json::from_str::<Jwk>(&private).is_err());
}

#[tokio::test]
async fn rfc_8037_appendix_a_4_signature_with_ed25519() {
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let prefix: &[u8] = &[
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let der = [prefix, &URL_SAFE_NO_PAD.decode(d).unwrap()].concat();
    let key = SigningKey::from_pkcs8_der(Algorithm::EdDsa, &der).unwrap();
    assert_eq!(key.key_id(), jwk(ED25519).thumbprint());

    let (input, signature) = EDDSA_TOKEN.rsplit_once('.').unwrap();
    let signed = key.sign(input.as_bytes()).await.unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(signed), signature);
}

#[test]
fn rfc_8037_appendix_a_5_validation_with_ed25519() {
    let jws = Jws::parse(EDDSA_TOKEN).unwrap();
    let verified = jws.verify(&key(ED25519)).unwrap();
    // The payload is a sentence, not JSON.
    assert!(verified.claims::<serde_json::Value>().is_err());
    let other = with_other_signature(EDDSA_TOKEN);
    assert_eq!(verdict(&other, &key(ED25519)), Err(InvalidJws::Signature));
}

#[test]
fn rfc_7515_appendix_a_2_and_a_3_validation_and_claims() {
    for (token, public) in [(RS256_TOKEN, RSA), (ES256_TOKEN, P256)] {
        let jws = Jws::parse(token).unwrap();
        let public = key(public);
        let claims: Claims = jws.verify(&public).unwrap().claims().unwrap();
        assert_eq!((claims.iss.as_str(), claims.exp), ("joe", 1_300_819_380));

        let other = with_other_signature(token);
        assert_eq!(verdict(&other, &public), Err(InvalidJws::Signature));
        // One bit of the header's or the payload's text.
        let other = token.replace(".eyJpc3Mi", ".eyJpc3Ni");
        assert_eq!(verdict(&other, &public), Err(InvalidJws::Signature));
    }
}

#[test]
fn a_key_with_another_alg_does_not_verify_the_token() {
    let pinned = |algorithm| {
        let key = jwk(RSA).with_algorithm(algorithm).unwrap();
        VerifyingKey::from_jwk(&key).unwrap()
    };
    assert_eq!(verdict(RS256_TOKEN, &pinned(Algorithm::Rs256)), Ok(()));
    for key in [pinned(Algorithm::Ps256), key(P256), key(ED25519)] {
        assert_eq!(verdict(RS256_TOKEN, &key), Err(InvalidJws::KeyMismatch));
    }
    for key in [key(RSA), key(ED25519)] {
        assert_eq!(verdict(ES256_TOKEN, &key), Err(InvalidJws::KeyMismatch));
    }
}

#[test]
fn a_signature_for_one_padding_does_not_count_for_the_other() {
    let (_, signature) = RS256_TOKEN.rsplit_once('.').unwrap();
    let octets = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (input, _) = RS256_TOKEN.rsplit_once('.').unwrap();
    let verify = |algorithm| key(RSA).verify(algorithm, input.as_bytes(), &octets);
    assert!(verify(Algorithm::Rs256).is_ok());
    for algorithm in [
        Algorithm::Ps256,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ] {
        assert!(verify(algorithm).is_err(), "{algorithm}");
    }
}

#[test]
fn examples_with_algorithms_outside_the_allow_list_are_refused() {
    for (name, token) in [
        (
            "RFC 7515, A.1: HS256",
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            "RFC 7515, A.4: ES512",
            "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        ),
        (
            "RFC 7515, A.5: none",
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
        ),
        (
            "RFC 7520, 4.2: PS384",
            "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
        ),
    ] {
        let refusal = Jws::parse(token).err();
        assert_eq!(refusal, Some(InvalidJws::AlgorithmNotAllowed), "{name}");
    }
}

/// Made once by OpenSSL 3.0, for want of an RFC with these two algorithms.
#[test]
fn ps256_and_es384_signatures_of_openssl_are_verified() {
    let rsa = r#"{"kty":"RSA","e":"AQAB","n":"tWa-THciLLQSg-w3ntzcxithU12G7-yiJ5kjPcvL7IfaR2fG5Encly5Z_Il41V_YmZKDGJRuoETMoQ9QLsSkN_EIBRpb32pfnAJcCzwgIYnIgXRqFutwz1mIPEbE3OBZ9GaHYQpozWYr7_7NnNPmRbs_fnQOx55UrUuehgJlYHzhxImfFB4u13wgNT4PIgwqUfx8-FwPuDPQ2HAR0aay_WkojLHgs2AMc1tj8Ulr1et1GuLQ5xGj7HMIg98RkdORVXjEcPoCkdUpxLKlynMh5gh30nplDEynsLBP5-Lrg-2UHHqMfUBYUw3gpAl61BoTpMWWnsRYbLyB3EUJTCqy1w"}"#;
    let ps256 = "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJqb2UifQ.O3kNsXgJLeV_sgQ8mWEa7TujKRgnlrc8mh9BEjx63KtrCKxfwHq9vJDfACeVouEPJ8p5hZZrcJj6OXIbYhqdJz_e4KoRz8jWV_QTiU7rPCJ-RXXReBoKjObD76uqVfYX5BvZXol3LFPkZt5clOLl-Q6al8xepCFEbpjo09tKGmiDgVuXEp-32VfX4qdVryHWL4esVPolefTrxXenDBLAb4f2CoEOx-2yYSrBFZxNRLoBx1oxH0t4z89AOJQiVQMN6D0spkl0ZrocNFO0CRZjP-gYcLrVaGf4RTEuyrZgkZAwvOuids5Zn46IjdxMmjGLQLkiVuvLBhmQptvW5FRkkQ";
    let p384 = r#"{"kty":"EC","crv":"P-384","x":"fQVFKW90aFFXC3e5_BX6za1E7998Pw5SA4pcpd42-G0iUnmCKjslLTIYoM0rzLNB","y":"G7rXytEILADLpk5SelU5yhaf_77IIh7SXTTft01z1V_6Bh2XM4Dl85PDJmOsrlsJ"}"#;
    let es384 = "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJqb2UifQ.ubTSo1K22YrZBhxEQ9Rpgr8f1mKS9-UYoOIs9SAtqf1DtA_YjhMB6DucYwyV8lI6fP14OVvXIOT8hpjUI9Blbe-aYhANpbxxtQkJ6yzdUz0tSM_te-yeT8KOEKxkekfF";
    for (token, public) in [(ps256, rsa), (es384, p384)] {
        assert_eq!(verdict(token, &key(public)), Ok(()));
        let other = with_other_signature(token);
        assert_eq!(verdict(&other, &key(public)), Err(InvalidJws::Signature));
    }
    assert_eq!(verdict(es384, &key(P256)), Err(InvalidJws::KeyMismatch));
}

#[test]
fn an_rsa_key_of_1024_bits_is_refused() {
    let short = jwk(
        r#"{"kty":"RSA","e":"AQAB","n":"v2fWvB2vf-gsThthOWQmXp2JkICRhVD8ChMtCHymixVK2Ma2yFwez7W9jXrShiajyuiwG6U8Ro8HD57kXcdRIeSxTASw3sLxX2pWlwgOXvt_1UVJZ7AwYR9et0PQFHQQBRHbDF2VB0oiCHL15xCJZSPAh2CeMWHEGREl_CE7ke8"}"#,
    );
    let refusal = VerifyingKey::from_jwk(&short).err();
    assert_eq!(refusal, Some(InvalidKey::RsaSize));
}
