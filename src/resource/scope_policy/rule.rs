use std::fmt;
use std::sync::Arc;

use crate::resource::operation::Operation;
use crate::types::Scope;

/// Says what an operation needs besides what the table says, such as by its
/// arguments. Closures are rules.
///
/// A rule can only add: there is no answer by which less is needed. It neither
/// waits nor remembers, and has the same answer for the same operation; it may be
/// asked several times. A panic is not caught and breaks the connection off.
pub trait ScopeRule: Send + Sync + 'static {
    /// What `operation` needs as well; the empty scope if nothing.
    fn scope(&self, operation: &Operation<'_>) -> Scope;
}

impl<F> ScopeRule for F
where
    F: Fn(&Operation<'_>) -> Scope + Send + Sync + 'static,
{
    fn scope(&self, operation: &Operation<'_>) -> Scope {
        self(operation)
    }
}

#[derive(Clone)]
pub(super) struct Rule(pub(super) Arc<dyn ScopeRule>);

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ScopeRule")
    }
}
