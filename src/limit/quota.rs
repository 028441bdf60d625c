use std::num::NonZeroU32;

/// How many requests may come at once, and how many a minute after that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// How many may come at once after a while of none.
    pub burst: NonZeroU32,
    /// How many a minute there is room for then.
    pub per_minute: NonZeroU32,
}

impl Quota {
    /// A quota; `None` if either number is zero, which would let nobody in ever.
    #[must_use]
    pub const fn new(burst: u32, per_minute: u32) -> Option<Self> {
        match (NonZeroU32::new(burst), NonZeroU32::new(per_minute)) {
            (Some(burst), Some(per_minute)) => Some(Self { burst, per_minute }),
            (Some(_) | None, _) => None,
        }
    }
}

/// What is counted. Each has a default that normal use does not come near.
///
/// Where two limits hold, the narrower one comes first and what it refuses does
/// not count for the wider: one client that runs in circles does not use up what
/// all behind its address have together.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// Registrations from one address: 60 a minute, 60 at once.
    ///
    /// Hosted clients register anew at each connect, and 15 a minute from one of
    /// their addresses are normal.
    RegisterByAddress,
    /// New clients that are stored, of all addresses together: 600 a minute, 1,000
    /// at once.
    ///
    /// It bounds how fast strangers fill the store, whatever addresses they have.
    /// Who registers again as the same public client stores nothing and does not
    /// count.
    NewClients,
    /// Authorization requests of one client from one address: 60 a minute, 120 at
    /// once.
    ///
    /// Never of a client alone: everybody shares the client of a hosted
    /// connector, and a stranger, who knows its identifier, could lock out all.
    AuthorizeByClient,
    /// Authorization requests and consents from one address: 300 a minute, 600 at
    /// once.
    ///
    /// An office has one address, and 40 sign-ins a minute from it, of two
    /// requests each, are normal.
    AuthorizeByAddress,
    /// Token requests for one grant: 60 a minute, 300 at once.
    ///
    /// A client needs one in ten minutes. The burst is for those whose many
    /// workers notice together that their token has expired.
    TokenByGrant,
    /// Token requests and revocations from one address: 6,000 a minute, 12,000 at
    /// once.
    ///
    /// Only a ceiling: a hosted connector makes the requests of all its people
    /// from a few addresses.
    TokenByAddress,
    /// Requests that one client signed, if it is none of the operator's: 1,200 a
    /// minute, 3,000 at once.
    ///
    /// Each assertion is remembered until it has expired, and all clients share
    /// the room for that: without a limit one of them could use it up. A hosted
    /// connector that is known by its document signs for all its people, 12,000 of
    /// them at work. Only who can sign for a client uses up its quota, or who shows
    /// again what it signed in the last minutes.
    AssertionByClient,
    /// Requests from one address that name a client whose document or keys this
    /// server has no copy of, so that it would fetch them: 30 a minute, 30 at once.
    ///
    /// Each makes this server ask a host of the stranger's choice. A copy that
    /// serves is never counted, also while it is renewed, so that whoever is behind
    /// an address goes on with the clients that are known here.
    FetchByAddress,
}

impl Limit {
    const ALL: [Self; 8] = [
        Self::RegisterByAddress,
        Self::NewClients,
        Self::AuthorizeByClient,
        Self::AuthorizeByAddress,
        Self::TokenByGrant,
        Self::TokenByAddress,
        Self::AssertionByClient,
        Self::FetchByAddress,
    ];

    /// The name of the limit, for events, metrics and keys in a database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegisterByAddress => "register_by_address",
            Self::NewClients => "new_clients",
            Self::AuthorizeByClient => "authorize_by_client",
            Self::AuthorizeByAddress => "authorize_by_address",
            Self::TokenByGrant => "token_by_grant",
            Self::TokenByAddress => "token_by_address",
            Self::AssertionByClient => "assertion_by_client",
            Self::FetchByAddress => "fetch_by_address",
        }
    }

    /// Whether it needs to be known where a request comes from.
    #[must_use]
    pub const fn goes_by_address(self) -> bool {
        match self {
            Self::RegisterByAddress
            | Self::AuthorizeByClient
            | Self::AuthorizeByAddress
            | Self::TokenByAddress
            | Self::FetchByAddress => true,
            Self::NewClients | Self::TokenByGrant | Self::AssertionByClient => false,
        }
    }
}

/// A [`Quota`] for each [`Limit`] that is on; all are on by default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimits([Option<Quota>; Limit::ALL.len()]);

impl Default for RateLimits {
    fn default() -> Self {
        Limit::ALL.into_iter().fold(Self::off(), |limits, limit| {
            let (burst, per_minute) = match limit {
                Limit::RegisterByAddress => (60, 60),
                Limit::NewClients => (1_000, 600),
                Limit::AuthorizeByClient => (120, 60),
                Limit::AuthorizeByAddress => (600, 300),
                Limit::TokenByGrant => (300, 60),
                Limit::TokenByAddress => (12_000, 6_000),
                Limit::AssertionByClient => (3_000, 1_200),
                Limit::FetchByAddress => (30, 30),
            };
            let mut limits = limits;
            limits.0[limit as usize] = Quota::new(burst, per_minute);
            limits
        })
    }
}

impl RateLimits {
    /// No limits at all: for tests of load, or if something in front of the
    /// server limits already.
    #[must_use]
    pub const fn off() -> Self {
        Self([None; Limit::ALL.len()])
    }

    /// These limits, with another quota for `limit`.
    #[must_use]
    pub const fn with(mut self, limit: Limit, quota: Quota) -> Self {
        self.0[limit as usize] = Some(quota);
        self
    }

    /// These limits without `limit`.
    #[must_use]
    pub const fn without(mut self, limit: Limit) -> Self {
        self.0[limit as usize] = None;
        self
    }

    /// The quota of `limit`; `None` if it is off.
    #[must_use]
    pub const fn quota(&self, limit: Limit) -> Option<Quota> {
        self.0[limit as usize]
    }

    /// Every limit that is on, with its quota.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, Quota)> {
        let limits = Limit::ALL.into_iter();
        limits.filter_map(|limit| Some((limit, self.quota(limit)?)))
    }
}
