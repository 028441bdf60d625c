use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::model::Identity;
use crate::resource::verifier::size::size_of_identity;

/// Who signed in at the identity provider, as far as a verifier knows.
///
/// It may be read only when somebody asks, since most requests do not.
#[derive(Clone, Default)]
pub struct SignedIn {
    source: Option<Arc<Source>>,
    kept: usize,
}

struct Source {
    known: OnceLock<Option<Identity>>,
    read: Box<dyn Fn() -> Option<Identity> + Send + Sync>,
}

impl SignedIn {
    /// Nobody, or nobody that is known.
    #[must_use]
    pub const fn nobody() -> Self {
        Self {
            source: None,
            kept: 0,
        }
    }

    /// Somebody that `read` tells of, once and only if it is asked.
    ///
    /// `None` is for what should be there and cannot be read; `read` tells the
    /// operator why.
    #[must_use]
    pub fn read_when_asked(read: impl Fn() -> Option<Identity> + Send + Sync + 'static) -> Self {
        Self::of(Source {
            known: OnceLock::new(),
            read: Box::new(read),
        })
    }

    /// About how many bytes `read` keeps until it is asked, so that the
    /// [cache of tokens](crate::resource::TokenCacheConfig::capacity) can count them.
    #[must_use]
    pub const fn keeping(mut self, bytes: usize) -> Self {
        self.kept = bytes;
        self
    }

    fn of(source: Source) -> Self {
        Self {
            source: Some(Arc::new(source)),
            kept: 0,
        }
    }

    /// About how many bytes are kept.
    pub(in crate::resource) fn size(&self) -> usize {
        let known = self.source.as_ref().and_then(|source| source.known.get());
        let known = known.and_then(Option::as_ref);
        self.kept + known.map_or(0, size_of_identity)
    }

    pub(in crate::resource) fn identity(&self) -> Option<&Identity> {
        let source = self.source.as_ref()?;
        source.known.get_or_init(|| (source.read)()).as_ref()
    }
}

impl From<Identity> for SignedIn {
    fn from(identity: Identity) -> Self {
        Self::of(Source {
            known: OnceLock::from(Some(identity)),
            read: Box::new(|| None),
        })
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.source.as_ref().map(|source| source.known.get());
        formatter.debug_tuple("SignedIn").field(&known).finish()
    }
}
