use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Who counts as one where something is counted by address: an IPv4 address, or
/// the network of 64 bits that an IPv6 address is in.
///
/// One IPv6 host has as many addresses as it likes within such a network
/// ([RFC 4291, section 2.5.1]). An IPv4 address that is written as IPv6 is the
/// same as when it is not.
///
/// [RFC 4291, section 2.5.1]: https://www.rfc-editor.org/rfc/rfc4291#section-2.5.1
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The one that `address` belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(formatter),
            IpAddr::V6(network) => write!(formatter, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_host_is_its_network_and_ipv4_is_ipv4_however_it_is_written() {
        let cases = [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
        ];
        for (text, expected) in cases {
            let address = ClientAddress::of(text.parse().unwrap());
            assert_eq!(address.to_string(), expected, "{text}");
        }
    }
}
