/// How much a [`MemoryStore`] keeps at most.
///
/// Anyone may begin a sign-in and, where registration is open, register a
/// client. Without a bound, anyone could fill the memory. The defaults are for
/// a service with up to a million sign-ins that are alive:
///
/// ```
/// use oauth_for_mcp::store::MemoryLimits;
///
/// let limits = MemoryLimits { pending: 10_000, ..MemoryLimits::default() };
/// assert_eq!(limits.clients, 100_000);
/// assert_eq!(limits.codes, 100_000);
/// assert_eq!(limits.grants, 1_000_000);
/// assert_eq!(limits.access_tokens, 1_000_000);
/// assert_eq!(limits.replays, 100_000);
/// assert_eq!(limits.api_keys, 100_000);
/// ```
///
/// [`MemoryStore`]: crate::store::MemoryStore
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemoryLimits {
    /// Clients that registered.
    pub clients: usize,
    /// Authorization requests that wait for the sign-in.
    pub pending: usize,
    /// Authorization codes, redeemed ones included.
    pub codes: usize,
    /// Grants; of each there is one record of refresh tokens at most.
    pub grants: usize,
    /// Opaque access tokens.
    pub access_tokens: usize,
    /// Client assertions that were used and have not expired.
    pub replays: usize,
    /// API keys.
    pub api_keys: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            clients: 100_000,
            pending: 100_000,
            codes: 100_000,
            grants: 1_000_000,
            access_tokens: 1_000_000,
            replays: 100_000,
            api_keys: 100_000,
        }
    }
}
