//! Documents of which one member is no good, each with the reason that the
//! operator sees.

use serde_json::Value;

use super::c5_hostile::{MALFORMED, NAME, NO_REDIRECT, expect_document_refused};
use super::web::{URL, document};

const REDIRECT: &str = "a redirect URI is refused: ";

/// A member, its value in place of a good one, and why not.
const MEMBERS: [(&str, &str, &str); 60] = [
    ("client_id", "", OTHER_ID),
    ("client_id", "null", OTHER_ID),
    ("client_id", r#""""#, OTHER_ID),
    (
        "client_id",
        r#""https://client.example.com/oauth/client.json/""#,
        OTHER_ID,
    ),
    (
        "client_id",
        r#""https://client.example.com/oauth/Client.json""#,
        OTHER_ID,
    ),
    (
        "client_id",
        r#""https://CLIENT.example.com/oauth/client.json""#,
        OTHER_ID,
    ),
    (
        "client_id",
        r#""https://client.example.com:443/oauth/client.json""#,
        OTHER_ID,
    ),
    (
        "client_id",
        r#""http://client.example.com/oauth/client.json""#,
        OTHER_ID,
    ),
    (
        "client_id",
        r#""https://client.example.com/oauth/client.json ""#,
        OTHER_ID,
    ),
    (
        "client_id",
        r#""https://client.example.com/oauth/%63lient.json""#,
        OTHER_ID,
    ),
    ("client_id", "7", MALFORMED),
    ("client_name", "", "the document has no client_name"),
    ("client_name", "null", "the document has no client_name"),
    (
        "client_name",
        r#"" \t ""#,
        "the document has no client_name",
    ),
    ("client_name", r#"["x"]"#, MALFORMED),
    ("client_name", r#""<script>alert(1)</script>""#, MARKUP),
    ("client_name", r#""Claude > all""#, MARKUP),
    ("client_name", r#""Claude\u0000""#, NAME),
    ("client_name", r#""Claude\nVerified""#, NAME),
    ("client_name", r#""\u202eedualC""#, NAME),
    ("client_name", r#""Clau\u200bde""#, NAME),
    ("client_name", r#""\ufeffClaude""#, NAME),
    ("redirect_uris", "", NO_REDIRECT),
    ("redirect_uris", "[]", NO_REDIRECT),
    ("redirect_uris", "null", MALFORMED),
    (
        "redirect_uris",
        r#""https://client.example.com/callback""#,
        MALFORMED,
    ),
    ("redirect_uris", "[7]", MALFORMED),
    ("redirect_uris", r#"["javascript:alert(1)"]"#, "scheme"),
    ("redirect_uris", r#"["data:text/html,x"]"#, "scheme"),
    ("redirect_uris", r#"["vbscript:x"]"#, "scheme"),
    ("redirect_uris", r#"["file:///etc/passwd"]"#, "scheme"),
    (
        "redirect_uris",
        r#"["blob:https://client.example.com/x"]"#,
        "scheme",
    ),
    ("redirect_uris", r#"["about:blank"]"#, "scheme"),
    (
        "redirect_uris",
        r#"["http://client.example.com/callback"]"#,
        "http",
    ),
    (
        "redirect_uris",
        r#"["http://localhost.example.com/callback"]"#,
        "http",
    ),
    ("redirect_uris", r#"["http://10.0.0.1/callback"]"#, "http"),
    (
        "redirect_uris",
        r#"["https://client.example.com/callback#x"]"#,
        "fragment",
    ),
    (
        "redirect_uris",
        r#"["https://u@client.example.com/callback"]"#,
        "user name",
    ),
    (
        "redirect_uris",
        r#"["https://client.example.com/../callback"]"#,
        "dot segments",
    ),
    (
        "redirect_uris",
        r#"["https://client.example.com/%2e%2e/callback"]"#,
        "dot segments",
    ),
    (
        "redirect_uris",
        r#"["https://client.example.com\\@evil.example/"]"#,
        "absolute",
    ),
    ("redirect_uris", r#"["/callback"]"#, "absolute"),
    (
        "redirect_uris",
        r#"["https://client.example.com/callback","javascript:x"]"#,
        "scheme",
    ),
    ("client_secret", r#""hunter2""#, SECRET),
    ("client_secret", r#"{"a":1}"#, SECRET),
    ("client_secret_expires_at", "0", SECRET),
    (
        "token_endpoint_auth_method",
        r#""client_secret_basic""#,
        SECRET,
    ),
    (
        "token_endpoint_auth_method",
        r#""client_secret_post""#,
        SECRET,
    ),
    (
        "token_endpoint_auth_method",
        r#""client_secret_jwt""#,
        SECRET,
    ),
    (
        "token_endpoint_auth_method",
        r#""tls_client_auth""#,
        "the token_endpoint_auth_method is not supported",
    ),
    (
        "token_endpoint_auth_method",
        r#""private_key_jwt""#,
        "private_key_jwt needs jwks or jwks_uri",
    ),
    (
        "grant_types",
        r#"["client_credentials"]"#,
        "none of the grant types is supported",
    ),
    (
        "grant_types",
        r#"["implicit"]"#,
        "none of the grant types is supported",
    ),
    (
        "response_types",
        r#"["token"]"#,
        "none of the response types is supported",
    ),
    (
        "scope",
        r#""admin root""#,
        "none of the scopes is supported",
    ),
    (
        "logo_uri",
        r#""javascript:alert(1)""#,
        "the logo_uri of the document is no web address",
    ),
    (
        "logo_uri",
        r#""data:image/svg+xml,<svg onload=alert(1)>""#,
        "the logo_uri of the document is no web address",
    ),
    (
        "client_uri",
        r#""file:///etc/passwd""#,
        "the client_uri of the document is no web address",
    ),
    (
        "tos_uri",
        r#""https://a.example/\"><script>""#,
        "the tos_uri of the document is no web address",
    ),
    (
        "policy_uri",
        r#""policy""#,
        "the policy_uri of the document is no web address",
    ),
];

const OTHER_ID: &str = "the client_id in the document is not its URL";
const MARKUP: &str = "the client_name has angle brackets";
const SECRET: &str =
    "the document holds a client secret, or an authentication method that needs one";

/// C5
#[tokio::test]
async fn a_document_with_one_member_that_is_wrong_is_refused() {
    for (member, value, reason) in MEMBERS {
        let mut document = document(URL);
        let members = document.as_object_mut().expect("it is an object");
        members.remove(member);
        if !value.is_empty() {
            let value: Value = serde_json::from_str(value).expect("the table holds JSON");
            members.insert(member.to_owned(), value);
        }
        let reason = match member {
            "redirect_uris" if ![MALFORMED, NO_REDIRECT].contains(&reason) => {
                format!("{REDIRECT}{}", redirect_reason(reason))
            }
            _ if reason.starts_with("private_key_jwt") => {
                format!("the keys of the client are refused: {reason}")
            }
            _ => reason.to_owned(),
        };
        expect_document_refused(document.to_string(), &reason).await;
    }
}

fn redirect_reason(word: &str) -> &'static str {
    match word {
        "scheme" => "the scheme of this redirect_uri is not allowed",
        "http" => "a redirect_uri with the scheme http has the host localhost, 127.0.0.1 or [::1]",
        "fragment" => "a redirect_uri has no fragment",
        "user name" => "a redirect_uri has no user name or password",
        "dot segments" => {
            "a redirect_uri has no dot segments, no backslash and no encoded slash in its path"
        }
        _ => "a redirect_uri is an absolute URI as RFC 3986 writes it, at most 2048 characters",
    }
}

/// Members for keys, together with `private_key_jwt` and without any method.
const KEYS: [(&str, &str); 17] = [
    (
        r#""jwks":{"keys":[$PUBLIC]},"jwks_uri":"https://client.example.com/k""#,
        "there are both jwks and jwks_uri",
    ),
    (r#""jwks":{"keys":[$PRIVATE]}"#, PRIVATE),
    (r#""jwks":{"keys":[$PUBLIC,$PRIVATE]}"#, PRIVATE),
    (r#""jwks":{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, PRIVATE),
    (
        r#""jwks":{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","p":"AQ"}]}"#,
        PRIVATE,
    ),
    (
        r#""jwks":{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","dq":"AQ"}]}"#,
        PRIVATE,
    ),
    (r#""jwks":{"keys":[]}"#, UNUSABLE),
    (r#""jwks":{}"#, UNUSABLE),
    (r#""jwks":[]"#, UNUSABLE),
    (r#""jwks":"keys""#, UNUSABLE),
    (r#""jwks":{"keys":[{"kty":"moon"}]}"#, UNUSABLE),
    (
        r#""jwks":{"keys":[1,1,1,1,1,1,1,1,1,1,1]}"#,
        "there are more than 10 keys in jwks",
    ),
    (r#""jwks_uri":"http://client.example.com/k""#, URI),
    (r#""jwks_uri":"file:///etc/passwd""#, URI),
    (r#""jwks_uri":"keys.json""#, URI),
    (r#""jwks_uri":"https://u:p@client.example.com/k""#, URI),
    (r#""jwks_uri":"https://client.example.com/k#x""#, URI),
];

const PRIVATE: &str = "a key in jwks has a private or secret member; replace that key pair";
const UNUSABLE: &str = "jwks holds no key that can be used";
const URI: &str = "jwks_uri is no https URL of at most 2048 characters";
const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

/// C5
#[tokio::test]
async fn keys_that_are_no_good_are_refused_whether_they_are_asked_for_or_not() {
    let private = EC.replace(
        '}',
        r#","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#,
    );
    for (members, reason) in KEYS {
        for method in ["", r#""token_endpoint_auth_method":"private_key_jwt","#] {
            let members = members.replace("$PRIVATE", &private).replace("$PUBLIC", EC);
            let document = format!(
                r#"{{"client_id":"{URL}","client_name":"x","redirect_uris":["https://a.example/"],{method}{members}}}"#
            );
            let reason = format!("the keys of the client are refused: {reason}");
            expect_document_refused(document, &reason).await;
        }
    }
}
