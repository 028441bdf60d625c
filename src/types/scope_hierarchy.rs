use std::collections::{BTreeMap, BTreeSet};

use crate::types::{Scope, ScopeToken};

/// Which scope covers which narrower ones: `notes:write` may cover `notes:read`.
///
/// Covering is transitive and every scope covers itself. The empty hierarchy,
/// in which nothing covers anything else, is the default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ScopeHierarchy {
    narrower: BTreeMap<ScopeToken, BTreeSet<ScopeToken>>,
    /// All that cover a scope, through any number of steps: what is asked on
    /// every request.
    broader: BTreeMap<ScopeToken, BTreeSet<ScopeToken>>,
}

impl ScopeHierarchy {
    /// The hierarchy in which every scope stands alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds that `broad` covers `narrow`.
    pub fn insert(&mut self, broad: ScopeToken, narrow: ScopeToken) {
        let above = self.broader.get(&broad).cloned().unwrap_or_default();
        let below = self.expand(&Scope::from_iter([narrow.clone()]));
        for token in below.iter() {
            let broader = self.broader.entry(token.clone()).or_default();
            broader.extend(above.iter().cloned());
            broader.insert(broad.clone());
        }
        self.narrower.entry(broad).or_default().insert(narrow);
    }

    /// Everything that somebody who holds `scope` may do: `scope` and all it covers.
    #[must_use]
    pub fn expand(&self, scope: &Scope) -> Scope {
        let mut reached: BTreeSet<ScopeToken> = scope.iter().cloned().collect();
        let mut waiting: Vec<ScopeToken> = reached.iter().cloned().collect();
        while let Some(token) = waiting.pop() {
            for narrow in self.narrower.get(&token).into_iter().flatten() {
                if reached.insert(narrow.clone()) {
                    waiting.push(narrow.clone());
                }
            }
        }
        reached.into_iter().collect()
    }

    /// Whether somebody who holds `held` may do all of `required`. Allocates nothing.
    #[must_use]
    pub fn covers(&self, held: &Scope, required: &Scope) -> bool {
        let by_broader = |token| {
            let broader = self.broader.get(token);
            broader.is_some_and(|broader| broader.iter().any(|token| held.contains(token)))
        };
        required
            .iter()
            .all(|token| held.contains(token) || by_broader(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> ScopeToken {
        ScopeToken::parse(text).unwrap()
    }

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn a_broader_scope_covers_narrower_ones_through_any_number_of_steps() {
        let mut hierarchy = ScopeHierarchy::new();
        hierarchy.insert(token("admin"), token("write"));
        hierarchy.insert(token("write"), token("read"));

        assert!(hierarchy.covers(&scope("admin"), &scope("read write")));
        assert!(!hierarchy.covers(&scope("read"), &scope("write")));
        assert!(!hierarchy.covers(&scope(""), &scope("read")));
    }

    #[test]
    fn the_order_in_which_a_hierarchy_is_told_means_nothing() {
        let steps = [("a", "b"), ("b", "c"), ("c", "d"), ("x", "b")];
        for first in 0..steps.len() {
            let mut hierarchy = ScopeHierarchy::new();
            for (broad, narrow) in steps.iter().cycle().skip(first).take(steps.len()) {
                hierarchy.insert(token(broad), token(narrow));
            }
            assert!(hierarchy.covers(&scope("a"), &scope("a b c d")));
            assert!(hierarchy.covers(&scope("x"), &scope("b c d x")));
            assert!(!hierarchy.covers(&scope("a"), &scope("x")));
            assert!(!hierarchy.covers(&scope("b c d"), &scope("a")));
        }
    }

    #[test]
    fn a_circle_of_scopes_ends() {
        let mut hierarchy = ScopeHierarchy::new();
        hierarchy.insert(token("a"), token("b"));
        hierarchy.insert(token("b"), token("a"));

        assert_eq!(hierarchy.expand(&scope("a")), scope("a b"));
        assert!(hierarchy.covers(&scope("a"), &scope("b")));
        assert!(hierarchy.covers(&scope("b"), &scope("a")));
    }
}
