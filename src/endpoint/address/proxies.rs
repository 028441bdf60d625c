use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};
use ipnet::{IpNet, Ipv4Net};
use thiserror::Error;

use crate::endpoint::address::entry;

/// Proxies whose word counts for where a request comes from, and the one header
/// in which they say it.
///
/// Every proxy adds the address of its own peer at the end of the header. So the
/// header is read from its end: the first address that is no trusted proxy is the
/// client's, and what stands before it is nobody's word but the client's own. An
/// entry that is no address ends the walk as well; then the last proxy counts.
///
/// From anybody else such headers count for nothing, and so does the header that
/// was not chosen: a proxy passes it on as the client sent it.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardingHeader,
}

#[derive(Clone, Copy, Debug)]
enum ForwardingHeader {
    XForwardedFor,
    Forwarded,
}

/// The text names no network of proxies.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidNetwork {
    /// It is neither an address nor a network.
    #[error("{0:?} is neither an IP address nor a network such as 10.0.0.0/8")]
    Malformed(String),
    /// Everybody is in it, and then everybody could say to be anybody.
    #[error("{0:?} holds every address; name the proxies alone")]
    Everybody(String),
}

impl TrustedProxies {
    /// Proxies in these networks, such as `10.0.0.0/8` or `192.0.2.1`, that write
    /// `X-Forwarded-For`.
    ///
    /// # Errors
    ///
    /// [`InvalidNetwork`] for the first text that names none.
    pub fn x_forwarded_for<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidNetwork> {
        Self::parse(networks, ForwardingHeader::XForwardedFor)
    }

    /// Proxies in these networks that write `Forwarded`
    /// ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)).
    ///
    /// # Errors
    ///
    /// [`InvalidNetwork`] for the first text that names none.
    pub fn forwarded<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidNetwork> {
        Self::parse(networks, ForwardingHeader::Forwarded)
    }

    fn parse<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
        header: ForwardingHeader,
    ) -> Result<Self, InvalidNetwork> {
        let networks = networks.into_iter().map(|text| network(text.as_ref()));
        let networks = networks.collect::<Result<_, _>>()?;
        Ok(Self { networks, header })
    }

    /// The address of the client of a request that came from `peer`.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer.to_canonical();
        let mut entries = self.entries_from_the_end(headers);
        while self.contains(nearest) {
            match entries.next().flatten() {
                Some(address) => nearest = address.to_canonical(),
                None => break,
            }
        }
        nearest
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// What each entry says, of all lines together; `None` for no address.
    ///
    /// An entry ends at any comma, quoted or not: nobody can then hide what a
    /// proxy adds by opening a quotation before it.
    fn entries_from_the_end(&self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        let header = self.header;
        let lines: Vec<_> = headers.get_all(header.name()).iter().collect();
        lines.into_iter().rev().flat_map(move |line| {
            let entries = line.as_bytes().rsplit(|byte| *byte == b',');
            entries.map(move |entry| header.read(std::str::from_utf8(entry).ok()?))
        })
    }
}

impl ForwardingHeader {
    const fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => header::FORWARDED,
        }
    }

    fn read(self, entry: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => entry::address(entry),
            Self::Forwarded => entry::forwarded_for(entry),
        }
    }
}

fn network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse().ok().or_else(address);
    let network = network.ok_or_else(|| InvalidNetwork::Malformed(text.to_owned()))?;
    let network = as_ipv4(network).unwrap_or(network);
    if network.prefix_len() == 0 {
        return Err(InvalidNetwork::Everybody(text.to_owned()));
    }
    Ok(network)
}

/// A network of IPv4 addresses that is written as IPv6: addresses are compared as
/// IPv4.
fn as_ipv4(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(network) = network else {
        return None;
    };
    let address = network.network().to_ipv4_mapped()?;
    let prefix = network.prefix_len().checked_sub(96)?;
    Ipv4Net::new(address, prefix).ok().map(IpNet::V4)
}
