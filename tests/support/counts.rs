//! The numbers that a load leaves.

/// What a load did and found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sign_ins: usize,
    pub(crate) codes_redeemed: usize,
    pub(crate) codes_sent_twice: usize,
    pub(crate) codes_in_doubt: usize,
    pub(crate) codes_in_doubt_redeemed: usize,
    pub(crate) refreshes: usize,
    pub(crate) refreshes_sent_twice: usize,
    pub(crate) refreshes_repeated: usize,
    pub(crate) revocations: usize,
    pub(crate) registrations: usize,
    pub(crate) checks: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.sign_ins += other.sign_ins;
        self.codes_redeemed += other.codes_redeemed;
        self.codes_sent_twice += other.codes_sent_twice;
        self.codes_in_doubt += other.codes_in_doubt;
        self.codes_in_doubt_redeemed += other.codes_in_doubt_redeemed;
        self.refreshes += other.refreshes;
        self.refreshes_sent_twice += other.refreshes_sent_twice;
        self.refreshes_repeated += other.refreshes_repeated;
        self.revocations += other.revocations;
        self.registrations += other.registrations;
        self.checks += other.checks;
    }
}
