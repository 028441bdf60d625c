use std::net::IpAddr;

/// The address at the other end of the connection that a request came over.
///
/// A request carries it as an extension, which the adapter sets or, where an
/// adapter cannot know, the host. It is the address of the socket and nothing
/// else: what headers say counts only where the operator says whom to believe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PeerAddress(pub IpAddr);
