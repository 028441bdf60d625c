mod builder;
mod prefix;
mod rule;
#[cfg(test)]
mod tests;
mod uri;

use std::collections::BTreeMap;

use crate::resource::operation::{InvalidMessage, Member, Operation, Target};
use crate::resource::scope_policy::prefix::{ResourcePrefix, SplitUri};
use crate::resource::scope_policy::rule::Rule;
use crate::types::{Scope, ScopeHierarchy};

pub use builder::{ScopePolicyBuilder, ScopePolicyError, ScopeTexts};
pub use prefix::InvalidPrefix;
pub use rule::ScopeRule;

/// Which scopes an operation needs: a table, read before the handler runs.
///
/// ```
/// use oauth_for_mcp::resource::{Operation, ScopePolicy};
/// use oauth_for_mcp::types::Scope;
///
/// let policy = ScopePolicy::builder()
///     .connect(["notes:read"])
///     .tool("add_note", ["notes:write"])
///     .resource("notes://private/", ["notes:private"])
///     .otherwise(["notes:all"])
///     .covers("notes:write", "notes:read")
///     .build()?;
///
/// let writer = Scope::parse("notes:write")?;
/// assert!(policy.allows(&writer, &Operation::call("add_note")));
/// assert!(!policy.allows(&writer, &Operation::call("drop_all_notes")));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScopePolicy {
    connect: Scope,
    methods: Table,
    tools: Table,
    prompts: Table,
    resources: Vec<(ResourcePrefix, Entry)>,
    otherwise: Scope,
    rules: Vec<Rule>,
    hierarchy: ScopeHierarchy,
}

type Table = BTreeMap<String, Entry>;

/// What the table says of one name.
#[derive(Clone, Debug, Default)]
struct Entry {
    scope: Scope,
    is_public: bool,
}

impl Entry {
    /// What was asked for before still counts. `None` opens to everybody.
    fn add(&mut self, scope: Option<Scope>) {
        match scope {
            Some(scope) => self.scope = self.scope.union(&scope),
            None => self.is_public = true,
        }
    }

    /// What is public and needs a scope is not public.
    fn is_open(&self) -> bool {
        self.is_public && self.scope.is_empty()
    }
}

/// What came of looking at one operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    /// Nobody has to say who they are.
    pub(super) is_public: bool,
    /// Who holds what was shown may do it.
    pub(super) is_allowed: bool,
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

    /// Begins a table.
    #[must_use]
    pub fn builder() -> ScopePolicyBuilder {
        ScopePolicyBuilder::default()
    }

    /// What every request needs.
    #[must_use]
    pub const fn connect(&self) -> &Scope {
        &self.connect
    }

    /// Everything that `operation` needs.
    #[must_use]
    pub fn required(&self, operation: &Operation<'_>) -> Scope {
        let mut needed = Scope::empty();
        self.collect_required(operation, &mut needed);
        needed
    }

    /// Adds everything that `operation` needs. Of rows there may be many, of scopes
    /// there are few: only one that is new costs more than a look.
    pub(super) fn collect_required(&self, operation: &Operation<'_>, needed: &mut Scope) {
        let mut add = |scope: &Scope| {
            if !scope.is_subset(needed) {
                *needed = needed.union(scope);
            }
            true
        };
        add(&self.added_by_rules(operation));
        self.try_each(operation, &mut add);
    }

    /// Whether somebody who holds `held` may do `operation`.
    #[must_use]
    pub fn allows(&self, held: &Scope, operation: &Operation<'_>) -> bool {
        self.decide(Some(held), operation)
            .is_ok_and(|decision| decision.is_allowed)
    }

    /// Whether `operation` can be done without a token.
    #[must_use]
    pub fn is_public(&self, operation: &Operation<'_>) -> bool {
        self.decide(None, operation)
            .is_ok_and(|decision| decision.is_public)
    }

    /// Whether somebody who holds `held` covers all of `required`.
    pub(super) fn covers(&self, held: &Scope, required: &Scope) -> bool {
        self.hierarchy.covers(held, required)
    }

    /// Looks at one operation. Unless rules look at it too, nothing is allocated.
    pub(super) fn decide(
        &self,
        held: Option<&Scope>,
        operation: &Operation<'_>,
    ) -> Result<Decision, InvalidMessage> {
        self.judge_uris(operation)?;
        let added = self.added_by_rules(operation);
        if operation.hid_arguments() {
            return Err(InvalidMessage::Arguments);
        }
        Ok(self.weigh(held, operation, &added))
    }

    /// Whether somebody who holds `held`, or nobody in particular, is to see in a
    /// list what `operation` would use. What rules would say is not known yet.
    pub(crate) fn shows(&self, held: Option<&Scope>, operation: &Operation<'_>) -> bool {
        let decision = self.weigh(held, operation, &Scope::empty());
        self.judge_uris(operation).is_ok() && (decision.is_public || decision.is_allowed)
    }

    /// The same for a template in a list of them: whether something that it stands
    /// for may be read.
    pub(crate) fn shows_template(&self, held: Option<&Scope>, template: &str) -> bool {
        if !(self.resources.is_empty() || uri::is_plain_template(template)) {
            return false;
        }
        let method = self.methods.get("resources/read");
        let rows = self.resources.iter();
        let meeting = || {
            rows.clone()
                .filter(|(prefix, _)| prefix.may_meet_template(template))
        };
        let is_open = method.is_none_or(|entry| entry.scope.is_empty())
            && meeting().any(|(_, entry)| entry.is_open());
        is_open
            || held.is_some_and(|held| {
                let covers = |entry: &Entry| self.covers(held, &entry.scope);
                let mut whole = meeting().filter(|(prefix, _)| prefix.covers_template(template));
                let is_named = meeting().any(|(prefix, _)| prefix.covers_template(template));
                self.covers(held, &self.connect)
                    && method.is_none_or(covers)
                    && whole.all(|(_, entry)| covers(entry))
                    && (is_named
                        || self.covers(held, &self.otherwise)
                        || meeting().any(|(_, entry)| covers(entry)))
            })
    }

    fn weigh(&self, held: Option<&Scope>, operation: &Operation<'_>, added: &Scope) -> Decision {
        Decision {
            is_public: added.is_empty() && self.is_open(operation),
            is_allowed: held.is_some_and(|held| {
                let mut holds = |scope: &Scope| self.covers(held, scope);
                holds(added) && self.try_each(operation, &mut holds)
            }),
        }
    }

    /// Where rows go by URI, what a URI means has to be certain.
    fn judge_uris(&self, operation: &Operation<'_>) -> Result<(), InvalidMessage> {
        let are_plain = self.resources.is_empty()
            || match operation.target() {
                Target::Template(template) => uri::is_plain_template(template),
                Target::Resource(_)
                | Target::Resources(_)
                | Target::Nothing
                | Target::Unnamed
                | Target::Tool(_)
                | Target::Prompt(_) => operation.resources().all(uri::is_plain),
            };
        are_plain.then_some(()).ok_or(InvalidMessage::AmbiguousUri)
    }

    fn added_by_rules(&self, operation: &Operation<'_>) -> Scope {
        let nothing = Scope::empty();
        let scopes = self.rules.iter().map(|rule| rule.0.scope(operation));
        scopes.fold(nothing, |all, scope| all.union(&scope))
    }

    /// Hands over every scope that the table asks for, until one is not met.
    fn try_each(&self, operation: &Operation<'_>, meet: &mut dyn FnMut(&Scope) -> bool) -> bool {
        let method = operation.method().and_then(|name| self.methods.get(name));
        if !(meet(&self.connect) && method.is_none_or(|entry| meet(&entry.scope))) {
            return false;
        }
        let mut by_name = |entry: Option<&Entry>| match entry {
            Some(entry) => meet(&entry.scope),
            None => meet(&self.otherwise),
        };
        match operation.target() {
            Target::Nothing => true,
            Target::Unnamed => {
                let mut rows = self.resources.iter();
                rows.all(|(_, entry)| meet(&entry.scope)) && meet(&self.otherwise)
            }
            Target::Tool(name) => by_name(self.tools.get(name)),
            Target::Prompt(name) => by_name(self.prompts.get(name)),
            Target::Resource(uri) => self.try_each_row(uri, Reading::Uri, meet),
            Target::Resources(uris) => uris
                .iter()
                .filter_map(Member::text)
                .all(|uri| self.try_each_row(uri, Reading::Uri, meet)),
            Target::Template(text) => self.try_each_row(text, Reading::Template, meet),
        }
    }

    fn try_each_row(
        &self,
        uri: &str,
        reading: Reading,
        meet: &mut dyn FnMut(&Scope) -> bool,
    ) -> bool {
        let mut is_named = false;
        let split = SplitUri::new(uri);
        for (prefix, entry) in &self.resources {
            let (covers, may_cover) = match reading {
                Reading::Uri => (prefix.covers(uri), prefix.may_cover(&split)),
                Reading::Template => (prefix.covers_template(uri), prefix.may_meet_template(uri)),
            };
            is_named |= covers;
            if (covers || may_cover) && !meet(&entry.scope) {
                return false;
            }
        }
        is_named || meet(&self.otherwise)
    }

    fn is_open(&self, operation: &Operation<'_>) -> bool {
        let method = operation.method().and_then(|name| self.methods.get(name));
        let method_is_open = method.is_some_and(Entry::is_open);
        if method.is_some_and(|entry| !entry.scope.is_empty()) {
            return false;
        }
        let by_name = |table: &Table, name| table.get(name).is_some_and(Entry::is_open);
        match operation.target() {
            Target::Nothing => method_is_open,
            Target::Unnamed => false,
            Target::Tool(name) => by_name(&self.tools, name),
            Target::Prompt(name) => by_name(&self.prompts, name),
            Target::Resource(uri) => {
                let is_read = operation.method() == Some("resources/read");
                (is_read || method_is_open) && self.is_open_resource(uri)
            }
            Target::Resources(uris) => {
                let mut uris = uris.iter().filter_map(Member::text);
                method_is_open && uris.all(|uri| self.is_open_resource(uri))
            }
            Target::Template(text) => self.is_open_template(text),
        }
    }

    fn is_open_resource(&self, uri: &str) -> bool {
        let split = SplitUri::new(uri);
        let mut rows = self.resources.iter();
        rows.clone()
            .any(|(prefix, entry)| entry.is_open() && prefix.covers(uri))
            && rows.all(|(prefix, entry)| entry.scope.is_empty() || !prefix.may_cover(&split))
    }

    fn is_open_template(&self, text: &str) -> bool {
        let mut rows = self.resources.iter();
        let opens = |(prefix, entry): &(ResourcePrefix, Entry)| {
            entry.is_open() && prefix.covers_template(text)
        };
        rows.clone().any(opens)
            && rows.all(|(prefix, entry)| entry.scope.is_empty() || !prefix.may_meet_template(text))
    }

    /// Whether anything can be done without a token.
    #[must_use]
    pub fn has_public_operations(&self) -> bool {
        let tables = [&self.methods, &self.tools, &self.prompts];
        let mut named = tables.into_iter().flat_map(BTreeMap::values);
        named.any(Entry::is_open) || self.resources.iter().any(|(_, entry)| entry.is_open())
    }

    /// Whether a body has to be read to know what a request needs.
    #[must_use]
    pub fn depends_on_body(&self) -> bool {
        let tables = [&self.methods, &self.tools, &self.prompts];
        let has_rows = tables.iter().any(|table| !table.is_empty()) || !self.resources.is_empty();
        has_rows || !self.otherwise.is_empty() || !self.rules.is_empty()
    }
}

#[derive(Clone, Copy)]
enum Reading {
    Uri,
    Template,
}
