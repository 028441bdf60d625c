//! Wire shapes: parsed and printed, nothing decided (layer 1).
//!
//! | module | what | specification |
//! |---|---|---|
//! | [`form`] | parameters in queries and forms | RFC 6749 appendix B |
//! | [`error`] | error codes and the JSON that carries them | RFC 6749, 6750, 7591, 8707 |
//! | [`authorize`] | authorization request and response | RFC 6749 section 4.1, RFC 7636, RFC 9207 |
//! | [`token`] | token request and response | RFC 6749 section 5 |
//! | [`credentials`] | how a client presents itself | RFC 6749 section 2.3 |
//! | [`client_metadata`] | registration request and response | RFC 7591 |
//! | [`revoke`] | revocation request | RFC 7009 |
//! | [`introspect`] | introspection response | RFC 7662 |
//! | [`metadata`] | authorization server and resource metadata | RFC 8414, RFC 9728 |
//! | [`well_known`] | where metadata is found | RFC 8414 section 3, RFC 9728 section 3 |
//! | [`bearer`] | bearer token and challenge | RFC 6750, RFC 9728 section 5.1 |
//! | [`claims`] | claims of an access token | RFC 9068 |

pub mod authorize;
pub mod bearer;
pub mod claims;
pub mod client_metadata;
pub mod credentials;
pub mod error;
pub mod form;
pub(crate) mod header;
pub mod introspect;
pub mod metadata;
pub mod revoke;
pub mod token;
pub mod well_known;
