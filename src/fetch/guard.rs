use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;
use url::{Host, Url};

/// A name leads to an address that is not on the public internet, or to none.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the host has an address that is not public, or none at all")]
pub struct NotPublic;

/// The addresses of a name, if each of them is public.
///
/// One that is not condemns them all: whoever controls a name chooses its
/// addresses, and which one a connection ends at.
///
/// # Errors
///
/// [`NotPublic`] if there is no address or one is not public.
pub fn all_public(addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    let public = |address: &SocketAddr| is_public(address.ip());
    if addresses.is_empty() || !addresses.iter().all(public) {
        return Err(NotPublic);
    }
    Ok(addresses)
}

/// Whether an address is on the public internet, for any server to contact.
///
/// Follows the special-purpose registries of the IANA ([IPv4], [IPv6]). An IPv6
/// address that is there to carry an IPv4 address (mapped, compatible,
/// translated, NAT64, 6to4, Teredo, ISATAP) is never public, whatever is inside.
///
/// What no registry knows cannot be told apart here: a NAT64 prefix that an
/// operator chose from its own addresses ([RFC 6052, section 2.2]), or public
/// addresses that are routed inwards.
///
/// [IPv4]: https://www.iana.org/assignments/iana-ipv4-special-registry
/// [IPv6]: https://www.iana.org/assignments/iana-ipv6-special-registry
/// [RFC 6052, section 2.2]: https://www.rfc-editor.org/rfc/rfc6052#section-2.2
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether the host is this machine itself: `localhost`, `127.0.0.0/8` or `[::1]`.
///
/// Plain `http` may be spoken with such a host alone.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The blocks of IPv4 that are not public.
const REFUSED_V4: [(Ipv4Addr, u32); 17] = [
    // "This network", which many systems take for themselves.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by the customers of one carrier.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // The metadata services of clouds, a virtual address of Azure among them.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, the broadcast address included.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::BROADCAST, 32),
];

/// The blocks within global unicast that are not public.
///
/// Everything beside 2000::/3 is not public to begin with: loopback, unique
/// local, link-local, site-local, multicast, discard, and the mapped,
/// compatible, translated and NAT64 forms of IPv4.
const REFUSED_V6: [(Ipv6Addr, u32); 5] = [
    // Protocol assignments: Teredo, benchmarks, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // The 6bone, returned.
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    let inside =
        |&(block, length): &(Ipv4Addr, u32)| (bits ^ block.to_bits()).leading_zeros() >= length;
    !REFUSED_V4.iter().any(inside)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let inside =
        |&(block, length): &(Ipv6Addr, u32)| (bits ^ block.to_bits()).leading_zeros() >= length;
    let global_unicast = bits >> 125 == 1;
    global_unicast && !is_isatap(address) && !REFUSED_V6.iter().any(inside)
}

/// Whether the lower half is the form of ISATAP, in any network ([RFC 5214, section 6.1]).
///
/// [RFC 5214, section 6.1]: https://www.rfc-editor.org/rfc/rfc5214#section-6.1
fn is_isatap(address: Ipv6Addr) -> bool {
    // The two bits left out say "universal" and "group".
    const MARKS: u16 = 0x0300;
    let [.., upper, lower, _, _] = address.segments();
    upper & !MARKS == 0 && lower == 0x5efe
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: [&str; 22] = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001::5efe",
    ];

    const NOT_PUBLIC: [&str; 72] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        // Compatible, mapped, translated.
        "::7f00:1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "::ffff:0:8.8.8.8",
        // NAT64.
        "64:ff9b::127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::10.0.0.1",
        "64:ff9b:1:ffff::1",
        // 6to4, Teredo.
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001::1",
        // ISATAP, local and global.
        "2a00:1450::5efe:127.0.0.1",
        "2a00:1450::200:5efe:10.0.0.1",
        "2a00:1450::300:5efe:10.0.0.1",
        "fe80::5efe:192.168.0.1",
        // Other special networks.
        "100::1",
        "100:0:0:1::1",
        "2001:2::1",
        "2001:10::1",
        "2001:1f:ffff::1",
        "2001:20::1",
        "2001:2f:ffff::1",
        "2001:db8::1",
        "2001:db8:ffff:ffff::1",
        "3ffe::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "ff0e::1",
    ];

    fn parse(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_of_the_internet_is_public() {
        for text in PUBLIC {
            assert!(is_public(parse(text)), "{text}");
        }
    }

    #[test]
    fn an_address_of_a_special_network_is_not_public() {
        for text in NOT_PUBLIC {
            assert!(!is_public(parse(text)), "{text}");
        }
    }

    #[test]
    fn ipv4_inside_of_ipv6_is_never_public() {
        for text in NOT_PUBLIC.iter().chain(&PUBLIC) {
            let IpAddr::V4(inner) = parse(text) else {
                continue;
            };
            let (octets, [high, low]) = (inner.octets(), halves(inner));
            let hidden = [
                inner.to_ipv6_mapped(),
                inner.to_ipv6_compatible(),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !high, !low),
                Ipv6Addr::new(0x2a00, 1, 0, 0, 0, 0x5efe, high, low),
                Ipv6Addr::new(0x2a00, 1, 0, 0, 0x200, 0x5efe, high, low),
            ];
            for address in hidden {
                assert!(!is_public(address.into()), "{octets:?} in {address}");
            }
        }
    }

    fn halves(address: Ipv4Addr) -> [u16; 2] {
        let [a, b, c, d] = address.octets();
        [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
    }

    #[test]
    fn one_address_that_is_not_public_condemns_the_name() {
        let named = |texts: &[&str]| {
            let sockets = texts.iter().map(|text| SocketAddr::new(parse(text), 443));
            all_public(sockets.collect())
        };
        assert_eq!(named(&["1.1.1.1", "2606:4700::1"]).unwrap().len(), 2);
        assert_eq!(named(&["1.1.1.1", "127.0.0.1"]), Err(NotPublic));
        assert_eq!(named(&["::ffff:10.0.0.1", "1.1.1.1"]), Err(NotPublic));
        assert_eq!(named(&[]), Err(NotPublic));
    }
}
