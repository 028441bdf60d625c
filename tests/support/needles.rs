//! A search for secrets in whatever a database keeps, in every usual encoding.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Shorter ones would be found by chance.
const SHORTEST: usize = 8;

/// What is searched for, by the first bytes of each of its encodings.
#[derive(Debug, Default)]
pub(crate) struct Needles {
    names: Vec<String>,
    encoded: BTreeMap<[u8; SHORTEST], Vec<(usize, Vec<u8>)>>,
    /// Whether an encoding begins with these two bytes: most places are none.
    begins: Vec<bool>,
}

impl Needles {
    pub(crate) fn new() -> Self {
        Self {
            begins: vec![false; 1 << 16],
            ..Self::default()
        }
    }

    /// Searches for this text, and for the bytes it stands for if it is base64url.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        self.add_bytes(name, text.as_bytes());
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() >= 16 => self.add_bytes(&format!("{name}, decoded"), &bytes),
            Ok(_) | Err(_) => {}
        }
    }

    /// Searches for these bytes.
    pub(crate) fn add_bytes(&mut self, name: &str, bytes: &[u8]) {
        assert!(bytes.len() >= SHORTEST, "{name} is too short to search for");
        let number = self.names.len();
        self.names.push(name.to_owned());
        for encoded in encodings(bytes) {
            let (start, _) = encoded.split_first_chunk().expect("it is long enough");
            self.begins[usize::from(u16::from_be_bytes([start[0], start[1]]))] = true;
            let others = self.encoded.entry(*start).or_default();
            others.push((number, encoded));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of those that are somewhere in `bytes`.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = vec![false; self.names.len()];
        for (at, pair) in bytes.windows(2).enumerate() {
            if !self.begins[usize::from(u16::from_be_bytes([pair[0], pair[1]]))] {
                continue;
            }
            let Some(start) = bytes[at..].first_chunk::<SHORTEST>() else {
                break;
            };
            for (number, encoded) in self.encoded.get(start).into_iter().flatten() {
                found[*number] |= bytes[at..].starts_with(encoded);
            }
        }
        let names = self.names.iter().zip(found);
        names
            .filter_map(|(name, found)| found.then_some(name.as_str()))
            .collect()
    }
}

/// As they are, in hexadecimal, and in base64 at each of the three places that they
/// can have among other bytes.
fn encodings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        bytes.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ];
    for before in 0..3 {
        let padded = [vec![0; before], bytes.to_vec()].concat();
        // Without the signs that depend on what stands before and after.
        let own = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        let standard = STANDARD.encode(&padded).into_bytes()[own.clone()].to_vec();
        let url_safe = URL_SAFE_NO_PAD.encode(&padded).into_bytes()[own].to_vec();
        all.extend([standard, url_safe]);
    }
    all
}
