use std::sync::Arc;

use thiserror::Error;

use crate::resource::scope_policy::prefix::{InvalidPrefix, ResourcePrefix};
use crate::resource::scope_policy::rule::{Rule, ScopeRule};
use crate::resource::scope_policy::{Entry, ScopePolicy};
use crate::types::{InvalidScope, Scope, ScopeToken};

/// A [`ScopePolicy`] as it is written: entries of text, which
/// [`build`](Self::build) parses.
///
/// A second entry for one name adds to the first and never replaces it.
#[derive(Clone, Debug, Default)]
pub struct ScopePolicyBuilder {
    connect: Vec<String>,
    otherwise: Vec<String>,
    entries: Vec<Row>,
    covers: Vec<(String, String)>,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Row {
    kind: Kind,
    name: String,
    /// `None` opens it to everybody.
    scopes: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Method,
    Tool,
    Prompt,
    Resource,
}

/// Scopes as text: `"notes:read"`, `"notes:read notes:write"` or
/// `["notes:read", "notes:write"]`.
pub trait ScopeTexts {
    /// The scopes, one or several in a text.
    fn into_texts(self) -> Vec<String>;
}

impl ScopeTexts for &str {
    fn into_texts(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl ScopeTexts for String {
    fn into_texts(self) -> Vec<String> {
        vec![self]
    }
}

impl ScopeTexts for &String {
    fn into_texts(self) -> Vec<String> {
        vec![self.clone()]
    }
}

impl<T: Into<String>, const N: usize> ScopeTexts for [T; N] {
    fn into_texts(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: AsRef<str>> ScopeTexts for &[T] {
    fn into_texts(self) -> Vec<String> {
        self.iter().map(|text| text.as_ref().to_owned()).collect()
    }
}

impl<T: Into<String>> ScopeTexts for Vec<T> {
    fn into_texts(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

/// An entry of the table is unusable.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ScopePolicyError {
    /// A scope is malformed.
    #[error("{entry} has an unusable scope: {reason}")]
    Scope {
        /// The entry, such as `tool("add_note")`.
        entry: String,
        /// What is wrong.
        reason: InvalidScope,
    },
    /// A prefix of resources is malformed.
    #[error("{entry} is unusable: {reason}")]
    Resource {
        /// The entry, such as `resource("notes://private/")`.
        entry: String,
        /// What is wrong.
        reason: InvalidPrefix,
    },
}

impl ScopePolicyBuilder {
    /// Adds to what every request needs.
    #[must_use]
    pub fn connect(mut self, scopes: impl ScopeTexts) -> Self {
        self.connect.extend(scopes.into_texts());
        self
    }

    /// Adds that calling the tool `name` needs `scopes` as well. Without any, the
    /// tool needs no more than to connect, whatever [`otherwise`](Self::otherwise)
    /// says.
    #[must_use]
    pub fn tool(self, name: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.row(Kind::Tool, name.into(), Some(scopes.into_texts()))
    }

    /// Adds that using the prompt `name`, or completing its arguments, needs
    /// `scopes` as well.
    #[must_use]
    pub fn prompt(self, name: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.row(Kind::Prompt, name.into(), Some(scopes.into_texts()))
    }

    /// Adds that reading, watching and completing resources whose URIs begin with
    /// `prefix` needs `scopes` as well. Of all rows that fit, all count.
    ///
    /// A prefix ends at a slash: `notes://a` stands for `notes://a/b` and not for
    /// `notes://ab`; with or without a slash at its end it is the same.
    #[must_use]
    pub fn resource(self, prefix: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.row(Kind::Resource, prefix.into(), Some(scopes.into_texts()))
    }

    /// Adds that the JSON-RPC method `name` needs `scopes` as well.
    #[must_use]
    pub fn method(self, name: impl Into<String>, scopes: impl ScopeTexts) -> Self {
        self.row(Kind::Method, name.into(), Some(scopes.into_texts()))
    }

    /// Adds to what a tool, a prompt or a resource needs that no entry names.
    #[must_use]
    pub fn otherwise(mut self, scopes: impl ScopeTexts) -> Self {
        self.otherwise.extend(scopes.into_texts());
        self
    }

    /// Adds that whoever holds `broad` may do what needs `narrow`.
    #[must_use]
    pub fn covers(mut self, broad: impl Into<String>, narrow: impl Into<String>) -> Self {
        self.covers.push((broad.into(), narrow.into()));
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
    pub fn public_tool(self, name: impl Into<String>) -> Self {
        self.row(Kind::Tool, name.into(), None)
    }

    /// Lets everybody use the prompt `name` and complete its arguments, unless it
    /// needs a scope.
    #[must_use]
    pub fn public_prompt(self, name: impl Into<String>) -> Self {
        self.row(Kind::Prompt, name.into(), None)
    }

    /// Lets everybody read the resources whose URIs begin with `prefix`, unless
    /// they need a scope. To watch them, the method has to be public as well.
    #[must_use]
    pub fn public_resource(self, prefix: impl Into<String>) -> Self {
        self.row(Kind::Resource, prefix.into(), None)
    }

    /// Lets everybody use the JSON-RPC method `name`, with a token or without,
    /// unless it needs a scope. What is about a tool, a prompt or a resource is
    /// public by its name only.
    #[must_use]
    pub fn public_method(self, name: impl Into<String>) -> Self {
        self.row(Kind::Method, name.into(), None)
    }

    /// Adds a rule, which may ask for more.
    #[must_use]
    pub fn rule(mut self, rule: impl ScopeRule) -> Self {
        self.rules.push(Rule(Arc::new(rule)));
        self
    }

    fn row(mut self, kind: Kind, name: String, scopes: Option<Vec<String>>) -> Self {
        self.entries.push(Row { kind, name, scopes });
        self
    }

    /// Every scope that is written in the table.
    #[cfg(feature = "server")]
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let rows = self.entries.iter().filter_map(|row| row.scopes.as_ref());
        let covers = self
            .covers
            .iter()
            .flat_map(|(broad, narrow)| [broad, narrow]);
        let texts = self.connect.iter().chain(&self.otherwise);
        texts
            .chain(rows.flatten())
            .chain(covers)
            .flat_map(|text| text.split(' '))
            .filter(|text| !text.is_empty())
    }

    /// Whether nothing was said of what every request needs.
    #[cfg(feature = "server")]
    pub(crate) fn has_no_connect(&self) -> bool {
        self.connect.is_empty()
    }

    /// Makes the policy.
    ///
    /// # Errors
    ///
    /// [`ScopePolicyError`] names the entry that is unusable.
    pub fn build(self) -> Result<ScopePolicy, ScopePolicyError> {
        let mut policy = ScopePolicy {
            connect: parse("connect", &self.connect)?,
            otherwise: parse("otherwise", &self.otherwise)?,
            rules: self.rules,
            ..ScopePolicy::default()
        };
        for row in self.entries {
            row.add_to(&mut policy)?;
        }
        for (broad, narrow) in self.covers {
            let entry = format!("covers({broad:?}, {narrow:?})");
            policy
                .hierarchy
                .insert(parse_one(&entry, &broad)?, parse_one(&entry, &narrow)?);
        }
        Ok(policy)
    }
}

impl Row {
    fn add_to(self, policy: &mut ScopePolicy) -> Result<(), ScopePolicyError> {
        let shown = self.shown();
        let scope = self.scopes.as_deref().map(|texts| parse(&shown, texts));
        let scope = scope.transpose()?;
        let table = match self.kind {
            Kind::Method => &mut policy.methods,
            Kind::Tool => &mut policy.tools,
            Kind::Prompt => &mut policy.prompts,
            Kind::Resource => {
                let prefix = ResourcePrefix::parse(&self.name);
                let prefix = prefix.map_err(|reason| ScopePolicyError::Resource {
                    entry: shown,
                    reason,
                })?;
                let mut entry = Entry::default();
                entry.add(scope);
                policy.resources.push((prefix, entry));
                return Ok(());
            }
        };
        table.entry(self.name).or_default().add(scope);
        Ok(())
    }

    fn shown(&self) -> String {
        let kind = match self.kind {
            Kind::Method => "method",
            Kind::Tool => "tool",
            Kind::Prompt => "prompt",
            Kind::Resource => "resource",
        };
        let public = if self.scopes.is_none() { "public_" } else { "" };
        format!("{public}{kind}({:?})", self.name)
    }
}

fn parse(entry: &str, texts: &[String]) -> Result<Scope, ScopePolicyError> {
    Scope::parse(&texts.join(" ")).map_err(|reason| unusable(entry, reason))
}

fn parse_one(entry: &str, text: &str) -> Result<ScopeToken, ScopePolicyError> {
    ScopeToken::parse(text).map_err(|reason| unusable(entry, reason))
}

fn unusable(entry: &str, reason: InvalidScope) -> ScopePolicyError {
    ScopePolicyError::Scope {
        entry: entry.to_owned(),
        reason,
    }
}
