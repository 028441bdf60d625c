//! Where a request comes from: the one place that decides it.

mod entry;
mod proxies;

use std::net::IpAddr;

use http::{HeaderMap, Request};

use crate::endpoint::PeerAddress;
use crate::types::ClientAddress;

pub use proxies::{InvalidNetwork, TrustedProxies};

/// The address of the client: that of the peer, or what a trusted proxy says.
/// `None` if nobody told the peer's.
pub(super) fn of_client<B>(
    request: &Request<B>,
    proxies: Option<&TrustedProxies>,
) -> Option<ClientAddress> {
    let PeerAddress(peer) = request.extensions().get::<PeerAddress>().copied()?;
    Some(ClientAddress::of(behind(peer, request.headers(), proxies)))
}

fn behind(peer: IpAddr, headers: &HeaderMap, proxies: Option<&TrustedProxies>) -> IpAddr {
    proxies.map_or(peer, |proxies| proxies.client(peer, headers))
}

#[cfg(test)]
mod tests;
