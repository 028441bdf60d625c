use std::collections::{BTreeMap, BTreeSet};

use crate::resource::operation::Operation;
use crate::types::{Scope, ScopeHierarchy, ScopeToken};

/// Which scopes an operation needs: a table, read before the handler runs.
///
/// ```
/// use oauth_for_mcp::resource::ScopePolicy;
/// use oauth_for_mcp::types::{Scope, ScopeToken};
///
/// let read = ScopeToken::parse("notes:read")?;
/// let write = ScopeToken::parse("notes:write")?;
/// let policy = ScopePolicy::new(Scope::from_iter([read.clone()]))
///     .tool("add_note", Scope::from_iter([write.clone()]))
///     .covers(write, read);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScopePolicy {
    connect: Scope,
    tools: BTreeMap<String, Scope>,
    methods: BTreeMap<String, Scope>,
    public_tools: BTreeSet<String>,
    public_methods: BTreeSet<String>,
    hierarchy: ScopeHierarchy,
}

impl ScopePolicy {
    /// A policy by which every request needs `connect` and nothing more.
    #[must_use]
    pub fn new(connect: Scope) -> Self {
        Self {
            connect,
            ..Self::default()
        }
    }

    /// Adds that calling the tool `name` needs `scope` as well.
    #[must_use]
    pub fn tool(mut self, name: impl Into<String>, scope: Scope) -> Self {
        add(&mut self.tools, name.into(), &scope);
        self
    }

    /// Adds that the JSON-RPC method `name` needs `scope` as well.
    #[must_use]
    pub fn method(mut self, name: impl Into<String>, scope: Scope) -> Self {
        add(&mut self.methods, name.into(), &scope);
        self
    }

    /// Lets everybody call the tool `name`, with a token or without, unless it
    /// needs a scope. The handler may then find no [`VerifiedToken`].
    ///
    /// Clients connect before they call: what that takes has to be public too,
    /// such as `initialize` and `notifications/initialized`, or `server/discover`.
    ///
    /// [`VerifiedToken`]: crate::VerifiedToken
    #[must_use]
    pub fn public_tool(mut self, name: impl Into<String>) -> Self {
        self.public_tools.insert(name.into());
        self
    }

    /// Lets everybody use the JSON-RPC method `name`, with a token or without,
    /// unless it needs a scope. `tools/call` is public by tool only.
    #[must_use]
    pub fn public_method(mut self, name: impl Into<String>) -> Self {
        self.public_methods.insert(name.into());
        self
    }

    /// Adds that whoever holds `broad` may do what needs `narrow`.
    #[must_use]
    pub fn covers(mut self, broad: ScopeToken, narrow: ScopeToken) -> Self {
        self.hierarchy.insert(broad, narrow);
        self
    }

    /// What every request needs.
    #[must_use]
    pub const fn connect(&self) -> &Scope {
        &self.connect
    }

    /// Everything that all of `operations` together need.
    #[must_use]
    pub fn required(&self, operations: &[Operation]) -> Scope {
        let by_name = |table: &BTreeMap<String, Scope>, name: Option<&String>| {
            name.and_then(|name| table.get(name))
                .cloned()
                .unwrap_or_default()
        };
        operations
            .iter()
            .fold(self.connect.clone(), |needed, operation| {
                needed
                    .union(&by_name(&self.methods, operation.method.as_ref()))
                    .union(&by_name(&self.tools, operation.tool.as_ref()))
            })
    }

    /// Whether somebody who holds `held` may do what needs `required`.
    #[must_use]
    pub fn allows(&self, held: &Scope, required: &Scope) -> bool {
        self.hierarchy.covers(held, required)
    }

    /// Whether all of `operations` can be done without a token.
    #[must_use]
    pub fn is_public(&self, operations: &[Operation]) -> bool {
        let open = |operation: &Operation| {
            let method = operation.method.as_deref().unwrap_or_default();
            let listed = match operation.tool.as_deref() {
                Some(tool) => self.public_tools.contains(tool) && !self.tools.contains_key(tool),
                None => self.public_methods.contains(method),
            };
            listed && !self.methods.contains_key(method)
        };
        !operations.is_empty() && operations.iter().all(open)
    }

    /// Whether anything can be done without a token.
    #[must_use]
    pub fn has_public_operations(&self) -> bool {
        !self.public_tools.is_empty() || !self.public_methods.is_empty()
    }

    /// Whether a body has to be read to know what a request needs.
    #[must_use]
    pub fn depends_on_body(&self) -> bool {
        self.has_public_operations() || !self.tools.is_empty() || !self.methods.is_empty()
    }
}

/// What was asked for before still counts: a table only ever asks for more.
fn add(table: &mut BTreeMap<String, Scope>, name: String, scope: &Scope) {
    let needed = table.entry(name).or_default();
    *needed = needed.union(scope);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_entry_for_a_tool_or_method_adds_to_the_first() {
        let scope = |text| Scope::parse(text).unwrap();
        let policy = ScopePolicy::new(scope("c"))
            .tool("t", scope("a"))
            .tool("t", scope("b"))
            .method("tools/call", scope("d"))
            .method("tools/call", scope("e"));
        let call = Operation {
            method: Some("tools/call".to_owned()),
            tool: Some("t".to_owned()),
        };
        assert_eq!(policy.required(&[call]), scope("a b c d e"));
    }
}
