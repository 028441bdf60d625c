//! Scripted clients that behave as those in the field do: what they register,
//! where they look for metadata, how they write `resource`, how they refresh.
//!
//! What they send was taken from their documentation, their source and reports
//! of people who run servers; see `docs/clients.md`.

mod connect;
mod discover;
mod documents;
mod known;

use serde_json::Value;

pub use connect::Connection;
pub use documents::ProfileDocuments;

/// One client of the field, in one of the ways in which it connects.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The client and the way.
    pub name: &'static str,
    pub(super) registration: Registers,
    /// Each is used for a sign-in of its own.
    pub(super) redirect_uris: Vec<&'static str>,
    pub(super) discovery: Discovery,
    pub(super) resource: ResourceForm,
    /// Which page it is a script of, if it runs in a browser.
    pub(super) origin: Option<&'static str>,
    /// Whether it refreshes from two addresses at once.
    pub(super) refreshes_twice: bool,
}

/// How a client becomes known.
#[derive(Clone, Debug)]
pub(super) enum Registers {
    /// It registers with this metadata, at each connection.
    Dynamic(Value),
    /// It registers with this metadata and keeps the identifier for ever.
    DynamicOnce(Value),
    /// It is known by the document at this URL.
    Document(&'static str),
}

/// Where a client looks for metadata.
#[derive(Clone, Copy, Debug)]
pub(super) enum Discovery {
    /// Where the challenge says.
    Challenge,
    /// At the well-known paths of the resource and then of its origin.
    WellKnown,
    /// At the origin of the MCP endpoint, as in the first revision.
    Origin,
    /// Nowhere: it takes the paths of the first revision.
    Nowhere,
}

/// How a client writes the resource it wants to use.
#[derive(Clone, Copy, Debug)]
pub(super) enum ResourceForm {
    /// As the metadata has it.
    Exact,
    /// With a slash at the end.
    TrailingSlash,
    /// With a query.
    Query,
    /// Not at all.
    Absent,
}
