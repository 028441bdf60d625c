use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What stands before the scalar in the PKCS#8 form of a P-256 key without its
/// public half ([RFC 5958] around [RFC 5915]).
///
/// [RFC 5915]: https://www.rfc-editor.org/rfc/rfc5915
/// [RFC 5958]: https://www.rfc-editor.org/rfc/rfc5958
pub(super) const P256_PREFIX: &[u8] = &[
    0x30, 0x41, 0x02, 0x01, 0x00, // version 0
    0x30, 0x13, // algorithm: id-ecPublicKey on prime256v1
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, //
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, //
    0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, // ECPrivateKey, version 1
    0x04, 0x20, // the scalar follows
];

/// What stands before the seed in the PKCS#8 form of an Ed25519 key ([RFC 8410]).
///
/// [RFC 8410]: https://www.rfc-editor.org/rfc/rfc8410#section-7
pub(super) const ED25519_PREFIX: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, // version 0
    0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, // algorithm: id-Ed25519
    0x04, 0x22, 0x04, 0x20, // the seed follows
];

/// The PKCS#8 document of these 32 secret octets.
pub(super) fn document(prefix: &[u8], secret: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    // Allocated once: growing would leave copies of the secret behind.
    let mut der = Zeroizing::new(Vec::with_capacity(prefix.len() + secret.len()));
    der.extend_from_slice(prefix);
    der.extend_from_slice(secret);
    der
}

/// The document inside a PEM text ([RFC 7468, section 10]), if it is PKCS#8.
///
/// [RFC 7468, section 10]: https://www.rfc-editor.org/rfc/rfc7468#section-10
pub(super) fn from_pem(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let mut line = Zeroizing::new(String::with_capacity(body.len()));
    line.extend(body.split_ascii_whitespace());
    STANDARD.decode(line.as_bytes()).ok().map(Zeroizing::new)
}
