//! What operations need: the same words as those of a scope table.

use crate::mcp_auth::McpAuthBuilder;
use crate::resource::{ScopePolicyBuilder, ScopeRule, ScopeTexts};

impl McpAuthBuilder {
    /// Adds that calling `tool` needs `scopes`
    /// (see [`ScopePolicyBuilder::tool`]).
    #[must_use]
    pub fn tool(self, tool: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.with(|table| table.tool(tool, scopes))
    }

    /// Adds that using `prompt` needs `scopes`
    /// (see [`ScopePolicyBuilder::prompt`]).
    #[must_use]
    pub fn prompt(self, prompt: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.with(|table| table.prompt(prompt, scopes))
    }

    /// Adds that resources whose URIs begin with `prefix` need `scopes`
    /// (see [`ScopePolicyBuilder::resource`]).
    #[must_use]
    pub fn resource(self, prefix: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.with(|table| table.resource(prefix, scopes))
    }

    /// Adds that the JSON-RPC `method` needs `scopes`
    /// (see [`ScopePolicyBuilder::method`]).
    #[must_use]
    pub fn method(self, method: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.with(|table| table.method(method, scopes))
    }

    /// Adds to what a tool, a prompt or a resource needs that no entry names.
    #[must_use]
    pub fn otherwise(self, scopes: impl ScopeTexts) -> Self {
        self.with(|table| table.otherwise(scopes))
    }

    /// What every request needs, in place of the first scope.
    #[must_use]
    pub fn connect(self, scopes: impl ScopeTexts) -> Self {
        self.with(|table| table.connect(scopes))
    }

    /// Adds a rule, which may ask for more, such as by arguments
    /// (see [`ScopeRule`]).
    #[must_use]
    pub fn rule(self, rule: impl ScopeRule) -> Self {
        self.with(|table| table.rule(rule))
    }

    /// Lets everybody call `tool`, with a token or without
    /// (see [`ScopePolicyBuilder::public_tool`]).
    #[must_use]
    pub fn public_tool(self, tool: impl Into<String>) -> Self {
        self.with(|table| table.public_tool(tool))
    }

    /// Lets everybody use `prompt`, with a token or without.
    #[must_use]
    pub fn public_prompt(self, prompt: impl Into<String>) -> Self {
        self.with(|table| table.public_prompt(prompt))
    }

    /// Lets everybody read resources whose URIs begin with `prefix`
    /// (see [`ScopePolicyBuilder::public_resource`]).
    #[must_use]
    pub fn public_resource(self, prefix: impl Into<String>) -> Self {
        self.with(|table| table.public_resource(prefix))
    }

    /// Lets everybody use the JSON-RPC `method`, with a token or without
    /// (see [`ScopePolicyBuilder::public_method`]).
    #[must_use]
    pub fn public_method(self, method: impl Into<String>) -> Self {
        self.with(|table| table.public_method(method))
    }

    /// Adds that whoever holds `broad` may do what needs `narrow`.
    #[must_use]
    pub fn covers(self, broad: impl Into<String>, narrow: impl Into<String>) -> Self {
        self.with(|table| table.covers(broad, narrow))
    }

    /// Shows in lists of tools, prompts and resources only what the caller may use
    /// (see [`Protection::filter_lists`]).
    ///
    /// [`Protection::filter_lists`]: crate::endpoint::Protection::filter_lists
    #[must_use]
    pub const fn filtered_lists(mut self) -> Self {
        self.guard.filtered_lists = true;
        self
    }

    fn with(mut self, change: impl FnOnce(ScopePolicyBuilder) -> ScopePolicyBuilder) -> Self {
        self.table = change(self.table);
        self
    }
}
