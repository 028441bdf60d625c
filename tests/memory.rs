//! What a client and a grant take in the store in memory, in bytes that are
//! allocated: the same on every machine.
#![cfg(all(feature = "test-util", feature = "jwt-aws-lc"))]

#[path = "../benches/support/people.rs"]
mod people;
#[path = "../benches/support/ready.rs"]
mod ready;

use peak_alloc::PeakAlloc;

use people::People;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Measured in one test: another one beside it would be counted, too.
#[test]
fn a_client_and_a_grant_stay_small_however_often_it_is_refreshed() {
    // A hash map doubles when it is full to 7/8 of a power of two. There is one
    // client beside these: with the first number the maps are full, and with the
    // second they have just doubled, which is the worst case.
    for number in [1_791, 1_792] {
        let mut people = People::new(number);
        let begin = ALLOCATED.current_usage();
        let each = |from| ALLOCATED.current_usage().saturating_sub(from) / number;

        people.register();
        assert!(each(begin) <= 400, "{} bytes a client", each(begin));

        let registered = ALLOCATED.current_usage();
        people.sign_in();
        assert!(
            each(registered) <= 700,
            "{} bytes a grant",
            each(registered)
        );

        // The first refresh leaves nothing, and neither do those that follow.
        let signed_in = ALLOCATED.current_usage();
        for _ in 0..2 {
            people.refresh();
            people.settle();
            let more = each(signed_in);
            assert!(more <= 32, "{more} bytes more after a refresh");
        }
    }
}
