use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::model::Identity;

/// Who signed in at the identity provider, as far as a verifier knows.
///
/// It may be read only when somebody asks, since most requests do not.
#[derive(Clone, Default)]
pub struct SignedIn(Option<Arc<Source>>);

struct Source {
    known: OnceLock<Option<Identity>>,
    read: Box<dyn Fn() -> Option<Identity> + Send + Sync>,
}

impl SignedIn {
    /// Nobody, or nobody that is known.
    #[must_use]
    pub const fn nobody() -> Self {
        Self(None)
    }

    /// Somebody that `read` tells of, once and only if it is asked.
    ///
    /// `None` is for what should be there and cannot be read; `read` tells the
    /// operator why.
    #[must_use]
    pub fn read_when_asked(read: impl Fn() -> Option<Identity> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Source {
            known: OnceLock::new(),
            read: Box::new(read),
        })))
    }

    pub(in crate::resource) fn identity(&self) -> Option<&Identity> {
        let source = self.0.as_ref()?;
        source.known.get_or_init(|| (source.read)()).as_ref()
    }
}

impl From<Identity> for SignedIn {
    fn from(identity: Identity) -> Self {
        Self(Some(Arc::new(Source {
            known: OnceLock::from(Some(identity)),
            read: Box::new(|| None),
        })))
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.as_ref().map(|source| source.known.get());
        formatter.debug_tuple("SignedIn").field(&known).finish()
    }
}
