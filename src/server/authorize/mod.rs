//! From the authorization request to the code, by way of consent and sign-in.
//!
//! ```text
//! request ─▶ consent page ─▶ consent ─▶ identity provider ─▶ callback ─▶ code
//! (nothing is stored)        (stored, sealed, for this browser)
//! ```

mod browser;
mod consent;
mod login;
mod request;
mod step;

pub use browser::BrowserSecret;
pub use consent::{ConsentDecision, ConsentPrompt, ScopeDescription};
pub use request::ValidRequest;
pub use step::AuthorizeStep;
