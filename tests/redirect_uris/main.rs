//! Where a code may be sent to, judged twice: by the crate, and by a second
//! reader that shares no code with it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod near_misses;
mod pairs;
mod second_reader;

use oauth_for_mcp::types::RedirectUri;
use proptest::prelude::*;

use near_misses::{near_miss, two_alike, uri};
use pairs::{PAIRS, Verdict};

/// What the crate makes of a pair.
fn judge(registered: &str, presented: &str) -> Verdict {
    match (
        RedirectUri::parse(registered),
        RedirectUri::parse(presented),
    ) {
        (Err(_), _) => Verdict::NotRegistered,
        (_, Err(_)) => Verdict::NoUri,
        (Ok(registered), Ok(presented)) if registered.matches(&presented) => Verdict::Same,
        (Ok(_), Ok(_)) => Verdict::Different,
    }
}

/// What the second reader makes of it.
fn judge_again(registered: &str, presented: &str) -> Verdict {
    if !second_reader::accepts(registered) {
        Verdict::NotRegistered
    } else if !second_reader::accepts(presented) {
        Verdict::NoUri
    } else if second_reader::matches(registered, presented) {
        Verdict::Same
    } else {
        Verdict::Different
    }
}

#[test]
fn every_pair_of_the_table_is_judged_as_it_says_by_both_readers() {
    assert!(PAIRS.len() >= 80, "only {} pairs", PAIRS.len());
    for (registered, presented, expected) in PAIRS {
        let pair = format!("{registered} {presented}");
        assert_eq!(judge(registered, presented), expected, "the crate: {pair}");
        assert_eq!(
            judge_again(registered, presented),
            expected,
            "the second reader: {pair}"
        );
    }
}

#[test]
fn a_pair_is_judged_alike_in_both_directions() {
    for (registered, presented, expected) in PAIRS {
        if matches!(expected, Verdict::Same | Verdict::Different) {
            assert_eq!(
                judge(presented, registered),
                expected,
                "{presented} {registered}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_readers_accept_the_same_uris(text in near_miss()) {
        let accepted = RedirectUri::parse(&text);
        prop_assert_eq!(accepted.is_ok(), second_reader::accepts(&text), "{:?}", accepted);
        if let Ok(uri) = accepted {
            prop_assert_eq!(uri.as_str(), text, "kept byte for byte");
        }
    }

    #[test]
    fn both_readers_match_the_same_pairs((registered, presented) in two_alike()) {
        prop_assert_eq!(judge(&registered, &presented), judge_again(&registered, &presented));
    }

    #[test]
    fn a_uri_of_any_other_host_never_matches(registered in uri(), host in "[a-z]{1,8}\\.example") {
        let elsewhere = format!("https://{host}/cb");
        if registered != elsewhere {
            prop_assert_ne!(judge(&registered, &elsewhere), Verdict::Same);
        }
    }
}

/// The generators reach every verdict, so that agreement means something.
#[test]
fn near_misses_are_neither_all_good_nor_all_bad() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::HashMap::new();
    for _ in 0..4096 {
        let pair = two_alike().new_tree(&mut runner).unwrap().current();
        *seen.entry(judge(&pair.0, &pair.1)).or_insert(0) += 1;
    }
    for verdict in [
        Verdict::Same,
        Verdict::Different,
        Verdict::NoUri,
        Verdict::NotRegistered,
    ] {
        let count = seen.get(&verdict).copied().unwrap_or_default();
        assert!(count > 200, "{verdict:?}: {seen:?}");
    }
}
