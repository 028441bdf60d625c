//! URIs that are nearly others.

use proptest::prelude::*;
use proptest::sample::select;

const SCHEMES: [&str; 14] = [
    "http",
    "http",
    "http",
    "http",
    "https",
    "https",
    "HTTP",
    "Https",
    "cursor",
    "com.example.app",
    "javascript",
    "file",
    "ftp",
    "1http",
];

const HOSTS: [&str; 50] = [
    "localhost",
    "localhost",
    "localhost",
    "LOCALHOST",
    "Localhost",
    "localhost.",
    "localhost..",
    "localhost.evil.example",
    "%6cocalhost",
    "local%68ost",
    "127.0.0.1",
    "127.0.0.1",
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.255",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "127.0.0.1.",
    "127.0.0.256",
    "128.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "127.0.0.1.evil.example",
    "[::1]",
    "[::1]",
    "[::1]",
    "[::2]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::1%25lo]",
    "[2001:DB8::1]",
    "[2001:db8:0:0:1:0:0:1]",
    "[::1",
    "::1",
    "[v1.x]",
    "[]",
    "a.example",
    "A.example",
    "a..example",
    ".",
    "..",
    "",
];

const PORTS: [&str; 17] = [
    "",
    "",
    "",
    ":",
    ":0",
    ":1",
    ":80",
    ":080",
    ":443",
    ":8080",
    ":65535",
    ":65536",
    ":99999999999",
    ":+80",
    ":8o",
    ":80:80",
    ":-1",
];

const PATHS: [&str; 32] = [
    "",
    "",
    "/",
    "/cb",
    "/cb",
    "/cb",
    "/cb/",
    "/CB",
    "//cb",
    "/./cb",
    "/../cb",
    "/cb/..",
    "/cb/.",
    "/...",
    "/.cb",
    "/%2e%2e/cb",
    "/%2E/cb",
    "/.%2e",
    "/%252e%252e",
    "/%25252e",
    "/a%2fb",
    "/a%252fb",
    "/a%5cb",
    "/a%5Cb",
    "/a%00",
    "/a%0a",
    "/%c0%ae",
    "/%ff",
    "/%c3%a9",
    "/%c2%80",
    "/c%62",
    "/a%zz",
];

const QUERIES: [&str; 14] = [
    "",
    "",
    "",
    "",
    "?",
    "?x=1",
    "?x=1",
    "?x=2",
    "?x=%2e%2e",
    "?a=/../",
    "?a=@b",
    "#",
    "#x",
    "?a[]=1",
];

const USERS: [&str; 10] = ["", "", "", "", "", "", "", "@", "user@", "user:secret@"];

const STARTS: [&str; 8] = ["://", "://", "://", "://", "://", ":", ":/", ":///"];

/// The pieces of a URI.
type Pieces = [&'static str; 7];

fn pieces() -> impl Strategy<Value = Pieces> {
    (
        select(&SCHEMES[..]),
        select(&STARTS[..]),
        select(&USERS[..]),
        select(&HOSTS[..]),
        select(&PORTS[..]),
        select(&PATHS[..]),
        select(&QUERIES[..]),
    )
        .prop_map(|(scheme, start, user, host, port, path, query)| {
            [scheme, start, user, host, port, path, query]
        })
}

/// A URI whose pieces are mostly good.
fn good_pieces() -> impl Strategy<Value = Pieces> {
    const GOOD: [Pieces; 5] = [
        ["http", "://", "", "localhost", ":8080", "/cb", ""],
        ["http", "://", "", "127.0.0.1", "", "/cb", "?x=1"],
        ["http", "://", "", "[::1]", ":1", "/", ""],
        ["https", "://", "", "a.example", "", "/cb", ""],
        ["cursor", "://", "", "a.example", "", "/cb", ""],
    ];
    select(&GOOD[..])
}

pub(crate) fn uri() -> impl Strategy<Value = String> {
    prop_oneof![pieces(), good_pieces()].prop_map(|pieces| pieces.concat())
}

/// A URI, with up to three characters changed.
pub(crate) fn near_miss() -> impl Strategy<Value = String> {
    (uri(), prop::collection::vec(change(), 0..4))
        .prop_map(|(text, changes)| changes.into_iter().fold(text, apply))
}

/// Two URIs that differ in a piece or two, or in a few characters.
pub(crate) fn two_alike() -> impl Strategy<Value = (String, String)> {
    let replaced = prop::collection::vec(prop::bool::weighted(0.2), 7);
    let by_piece = (prop_oneof![good_pieces(), pieces()], pieces(), replaced).prop_map(
        |(one, other, replaced)| {
            let mut second = one;
            for at in (0..7).filter(|at| replaced[*at]) {
                second[at] = other[at];
            }
            (one.concat(), second.concat())
        },
    );
    let by_character =
        (uri(), prop::collection::vec(change(), 0..3)).prop_map(|(text, changes)| {
            let changed = changes.into_iter().fold(text.clone(), apply);
            (text, changed)
        });
    prop_oneof![2 => by_piece, 1 => by_character]
}

/// Where in the text, whether a character goes, and what comes in its place.
type Change = (prop::sample::Index, bool, &'static str);

fn change() -> impl Strategy<Value = Change> {
    const TEXTS: [&str; 36] = [
        "", ".", "/", "\\", ":", "@", "%", "%2e", "%2f", "%5c", "?", "#", "[", "]", "0", "1", "x",
        "A", " ", "\t", "\n", "\u{e9}", "<", "\"", "{", "|", "^", "`", "~", "_", "-", ",", ";",
        "..", "//", "*",
    ];
    (
        any::<prop::sample::Index>(),
        any::<bool>(),
        select(&TEXTS[..]),
    )
}

fn apply(mut text: String, (at, replaces, with): Change) -> String {
    let places: Vec<_> = text
        .char_indices()
        .map(|(place, _)| place)
        .chain([text.len()])
        .collect();
    let place = places[at.index(places.len())];
    if replaces && place < text.len() {
        text.remove(place);
    }
    text.insert_str(place, with);
    text
}
