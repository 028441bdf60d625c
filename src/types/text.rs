use std::borrow::Cow;

use serde::Deserialize;

/// A text that is copied only if it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);
