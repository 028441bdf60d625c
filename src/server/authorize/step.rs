use crate::idp::LoginStep;
use crate::types::Secret;

/// Where the person's browser goes next.
#[derive(Clone, Debug)]
pub enum AuthorizeStep {
    /// To sign in.
    Login(LoginStep),
    /// Back to the client, with the answer; the location holds a code.
    Redirect(Secret),
}
