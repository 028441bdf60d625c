use std::collections::BTreeMap;

use crate::types::{Scope, ScopeToken};

/// The scopes a server can grant, each with words for the person who decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrantableScopes {
    pub(super) described: BTreeMap<ScopeToken, String>,
    /// What a client gets that asks for nothing and registered for nothing.
    pub(super) default: Scope,
}

impl GrantableScopes {
    pub(super) fn all(&self) -> Scope {
        self.described.keys().cloned().collect()
    }

    pub(super) fn describe(&self, token: &ScopeToken) -> String {
        self.described
            .get(token)
            .cloned()
            .unwrap_or_else(|| token.to_string())
    }

    /// What a request is about: what it asks for, else what the client
    /// registered for, else the default; of that, what exists here.
    ///
    /// `None` if it asks for something and nothing of it exists.
    pub(super) fn resolve(
        &self,
        requested: Option<&Scope>,
        registered: Option<&Scope>,
    ) -> Option<Scope> {
        let Some(wanted) = requested.or(registered) else {
            return Some(self.default.clone());
        };
        let exists = |token: &&ScopeToken| self.described.contains_key(*token);
        let known: Scope = wanted.iter().filter(exists).cloned().collect();
        (!known.is_empty()).then_some(known)
    }
}
