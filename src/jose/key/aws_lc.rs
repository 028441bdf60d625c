//! Signatures by AWS-LC.
//!
//! `jsonwebtoken` parses the key anew for every signature it checks or makes, so
//! this goes beneath it and keeps the parsed keys.

use aws_lc_rs::digest::{Algorithm as Hash, SHA256, SHA384, digest};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_ASN1, ED25519,
    EcdsaKeyPair, EcdsaVerificationAlgorithm, Ed25519KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
use der::asn1::UintRef;
use der::{Encode as _, SliceWriter};
pub(super) use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER as PROVIDER;

use crate::jose::jwk::Material;
use crate::jose::key::{InvalidKey, InvalidSignature};
use crate::jose::{Algorithm, SignError};

/// A parsed public key, for one algorithm.
pub(super) enum PublicKey {
    Ecdsa(EcdsaKey),
    Other(ParsedPublicKey),
}

impl PublicKey {
    pub(super) fn parse(algorithm: Algorithm, material: &Material) -> Result<Self, InvalidKey> {
        let parsed = match material {
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(rsa_parameters(algorithm)?)
                .map(Self::Other),
            Material::P256 { x, y } => {
                EcdsaKey::parse(&ECDSA_P256_SHA256_ASN1, &SHA256, x, y).map(Self::Ecdsa)
            }
            Material::P384 { x, y } => {
                EcdsaKey::parse(&ECDSA_P384_SHA384_ASN1, &SHA384, x, y).map(Self::Ecdsa)
            }
            Material::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x).map(Self::Other),
        };
        parsed.map_err(|_| InvalidKey::Malformed)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        match self {
            Self::Ecdsa(key) => key.verify(message, signature),
            Self::Other(key) => key
                .verify_sig(message, signature)
                .map_err(|_| InvalidSignature),
        }
    }
}

/// A point on a curve, and what is hashed with before it verifies.
///
/// AWS-LC takes the signatures of JOSE as well, but turns each into DER by way of big
/// numbers, and it hashes as well, but sets up more to do both than each takes alone.
pub(super) struct EcdsaKey {
    parsed: ParsedPublicKey,
    hash: &'static Hash,
    /// Of a coordinate, and of each of the two numbers of a signature.
    octets: usize,
}

impl EcdsaKey {
    fn parse(
        algorithm: &'static EcdsaVerificationAlgorithm,
        hash: &'static Hash,
        x: &[u8],
        y: &[u8],
    ) -> Result<Self, KeyRejected> {
        Ok(Self {
            parsed: ParsedPublicKey::new(algorithm, [&[4], x, y].concat())?,
            hash,
            octets: x.len(),
        })
    }

    /// Verifies the two numbers, one after the other ([RFC 7518, section 3.4]).
    ///
    /// [RFC 7518, section 3.4]: https://www.rfc-editor.org/rfc/rfc7518#section-3.4
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        if signature.len() != 2 * self.octets {
            return Err(InvalidSignature);
        }
        let (r, s) = signature.split_at(self.octets);
        let mut room = [0; LONGEST_DER];
        let der = to_der(r, s, &mut room).map_err(|_| InvalidSignature)?;
        self.parsed
            .verify_digest_sig(&digest(self.hash, message), der)
            .map_err(|_| InvalidSignature)
    }
}

/// A sequence of two numbers of up to 48 octets, each with a sign.
const LONGEST_DER: usize = 2 + 2 * (2 + 1 + 48);

/// The `Ecdsa-Sig-Value` of [RFC 3279, section 2.2.3].
///
/// [RFC 3279, section 2.2.3]: https://www.rfc-editor.org/rfc/rfc3279#section-2.2.3
fn to_der<'a>(r: &[u8], s: &[u8], room: &'a mut [u8]) -> der::Result<&'a [u8]> {
    let (r, s) = (UintRef::new(r)?, UintRef::new(s)?);
    let mut writer = SliceWriter::new(room);
    writer.sequence((r.encoded_len()? + s.encoded_len()?)?, |writer| {
        r.encode(writer)?;
        s.encode(writer)
    })?;
    writer.finish()
}

fn rsa_parameters(algorithm: Algorithm) -> Result<&'static RsaParameters, InvalidKey> {
    match algorithm {
        Algorithm::Rs256 => Ok(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Ps256 => Ok(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => Err(InvalidKey::Inconsistent),
    }
}

/// A parsed private key.
pub(super) enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl PrivateKey {
    pub(super) fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        let parsed = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Self::Es256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::EdDsa),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es384 => {
                return Err(InvalidKey::CannotSign(algorithm));
            }
        };
        parsed.map_err(|_| InvalidKey::Malformed)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "AWS-LC draws the secret number of an ECDSA signature itself"
    )]
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), message),
            Self::EdDsa(pair) => pair.try_sign(message),
        };
        let signature = signature.map_err(SignError::new)?;
        Ok(signature.as_ref().to_vec())
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "AWS-LC draws numbers itself")]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
        EcdsaSigningAlgorithm, KeyPair as _,
    };

    use super::*;

    /// Verifies good and spoiled signatures until each number was seen to begin with an
    /// octet of zeros, as one in 256 does, and compares with what AWS-LC says.
    fn expect_as_aws_lc(
        signing: &'static EcdsaSigningAlgorithm,
        verifying: &'static EcdsaVerificationAlgorithm,
        ours: impl Fn(&[u8], &[u8]) -> PublicKey,
    ) {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let point = pair.public_key().as_ref();
        let theirs = ParsedPublicKey::new(verifying, point).unwrap();
        let octets = point.len() / 2;
        let (x, y) = point[1..].split_at(octets);
        let ours = ours(x, y);
        let expect = |signature: &[u8], is_good: bool| {
            let theirs = theirs.verify_sig(b"message", signature).is_ok();
            let ours = ours.verify(b"message", signature).is_ok();
            assert_eq!((theirs, ours), (is_good, is_good), "{signature:?}");
        };
        let (mut short_r, mut short_s) = (0, 0);
        for _ in 0..10_000 {
            if short_r > 0 && short_s > 0 {
                return;
            }
            let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
            let signature = signature.as_ref();
            expect(signature, true);
            let (r, s) = signature.split_at(octets);
            short_r += usize::from(r[0] == 0);
            short_s += usize::from(s[0] == 0);
            let zero = vec![0; octets];
            let most = vec![0xff; octets];
            for spoiled in [
                [s, r].concat(),
                [&zero, s].concat(),
                [r, &zero].concat(),
                [&most, s].concat(),
                [r, &most].concat(),
                [&r[1..], s].concat(),
                [&[0], r, s].concat(),
                [&[0], r, &[0], s].concat(),
                [r, s, &[0]].concat(),
            ] {
                expect(&spoiled, false);
            }
            let mut turned = signature.to_vec();
            turned[octets - 1] ^= 1;
            expect(&turned, false);
        }
        panic!("no signature begins with an octet of zeros");
    }

    #[test]
    fn a_signature_of_jose_is_judged_as_aws_lc_judges_it() {
        expect_as_aws_lc(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &ECDSA_P256_SHA256_FIXED,
            |x, y| {
                let (x, y) = (x.try_into().unwrap(), y.try_into().unwrap());
                PublicKey::parse(Algorithm::Es256, &Material::P256 { x, y }).unwrap()
            },
        );
        expect_as_aws_lc(
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &ECDSA_P384_SHA384_FIXED,
            |x, y| {
                let (x, y) = (x.try_into().unwrap(), y.try_into().unwrap());
                PublicKey::parse(Algorithm::Es384, &Material::P384 { x, y }).unwrap()
            },
        );
    }

    #[test]
    fn the_longest_signature_has_room() {
        let number = [0xff; 48];
        let mut room = [0; LONGEST_DER];
        assert_eq!(
            to_der(&number, &number, &mut room).unwrap().len(),
            LONGEST_DER
        );
    }
}
