use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::jose::jwk::Material;
use crate::jose::{Algorithm, InvalidJwk, Jwk};

/// The members of a JWK as they are on the wire.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct WireJwk {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(flatten)]
    private: PrivateMembers,
}

/// Whether the members that only a private or shared key has are there.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct PrivateMembers {
    #[serde(skip_serializing)]
    d: Present,
    #[serde(skip_serializing)]
    p: Present,
    #[serde(skip_serializing)]
    q: Present,
    #[serde(skip_serializing)]
    dp: Present,
    #[serde(skip_serializing)]
    dq: Present,
    #[serde(skip_serializing)]
    qi: Present,
    #[serde(skip_serializing)]
    oth: Present,
    #[serde(skip_serializing)]
    k: Present,
}

/// Remembers that a member was there and forgets its value.
#[derive(Clone, Copy, Debug, Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

impl PrivateMembers {
    fn any(&self) -> bool {
        let all = [
            self.d, self.p, self.q, self.dp, self.dq, self.qi, self.oth, self.k,
        ];
        all.iter().any(|member| member.0)
    }
}

impl TryFrom<WireJwk> for Jwk {
    type Error = InvalidJwk;

    fn try_from(wire: WireJwk) -> Result<Self, InvalidJwk> {
        if wire.private.any() {
            return Err(InvalidJwk::Private);
        }
        let bare = match (wire.kty.as_str(), wire.crv.as_deref()) {
            ("RSA", _) => Self::rsa(octets(wire.n.as_ref())?, octets(wire.e.as_ref())?)?,
            ("EC", Some("P-256")) => Self::p256(exact(wire.x.as_ref())?, exact(wire.y.as_ref())?),
            ("EC", Some("P-384")) => Self::p384(exact(wire.x.as_ref())?, exact(wire.y.as_ref())?),
            ("OKP", Some("Ed25519")) => Self::ed25519(exact(wire.x.as_ref())?),
            _ => return Err(InvalidJwk::UnknownKeyType),
        };
        let algorithm = wire.alg.as_deref().map(Algorithm::parse).transpose();
        let algorithm = algorithm.map_err(|_| InvalidJwk::Algorithm)?;
        if algorithm.is_some_and(|one| !bare.material.algorithms().contains(&one)) {
            return Err(InvalidJwk::Algorithm);
        }
        Ok(Self {
            key_id: wire.kid,
            algorithm,
            usage: wire.usage,
            operations: wire.key_ops,
            ..bare
        })
    }
}

impl From<Jwk> for WireJwk {
    fn from(key: Jwk) -> Self {
        let text = |octets: &[u8]| Some(URL_SAFE_NO_PAD.encode(octets));
        let (kty, crv, [n, e, x, y]) = match &key.material {
            Material::Rsa { n, e } => ("RSA", None, [text(n), text(e), None, None]),
            Material::P256 { x, y } => ("EC", Some("P-256"), [None, None, text(x), text(y)]),
            Material::P384 { x, y } => ("EC", Some("P-384"), [None, None, text(x), text(y)]),
            Material::Ed25519 { x } => ("OKP", Some("Ed25519"), [None, None, text(x), None]),
        };
        Self {
            kty: kty.to_owned(),
            crv: crv.map(str::to_owned),
            n,
            e,
            x,
            y,
            kid: key.key_id,
            alg: key.algorithm.map(|algorithm| algorithm.to_string()),
            usage: key.usage,
            key_ops: key.operations,
            private: PrivateMembers::default(),
        }
    }
}

fn octets(text: Option<&String>) -> Result<Vec<u8>, InvalidJwk> {
    let text = text.ok_or(InvalidJwk::Incomplete)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidJwk::Number)
}

fn exact<const LENGTH: usize>(text: Option<&String>) -> Result<[u8; LENGTH], InvalidJwk> {
    octets(text)?.try_into().map_err(|_| InvalidJwk::Number)
}
