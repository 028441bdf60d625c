use crate::types::{Timestamp, TokenHash};

/// What is bound to a parameter; `None` is NULL of that type.
#[derive(Clone, Debug)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    pub(super) fn time(time: Timestamp) -> Self {
        Self::Int(Some(seconds(time)))
    }

    pub(super) fn maybe_time(time: Option<Timestamp>) -> Self {
        Self::Int(time.map(seconds))
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Some(text.into()))
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }

    pub(super) fn maybe_bytes(bytes: Option<&[u8]>) -> Self {
        Self::Bytes(bytes.map(<[u8]>::to_vec))
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Int(Some(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

/// Beyond the end of a signed number nothing expires any more.
fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// The columns of one row, by their position.
pub trait Columns {
    fn int(&self, index: usize) -> Result<Option<i64>, sqlx::Error>;
    fn text(&self, index: usize) -> Result<Option<String>, sqlx::Error>;
    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error>;
}

/// Reading what may not be NULL, or has a form of its own.
impl dyn Columns + '_ {
    pub(super) fn time(&self, index: usize) -> Result<Timestamp, sqlx::Error> {
        self.maybe_time(index)?.ok_or_else(|| null(index))
    }

    pub(super) fn maybe_time(&self, index: usize) -> Result<Option<Timestamp>, sqlx::Error> {
        let seconds = self.int(index)?.map(u64::try_from).transpose();
        Ok(seconds.map_err(malformed)?.map(Timestamp::from_secs))
    }

    pub(super) fn string(&self, index: usize) -> Result<String, sqlx::Error> {
        self.text(index)?.ok_or_else(|| null(index))
    }

    pub(super) fn blob(&self, index: usize) -> Result<Vec<u8>, sqlx::Error> {
        self.bytes(index)?.ok_or_else(|| null(index))
    }

    pub(super) fn hash(&self, index: usize) -> Result<TokenHash, sqlx::Error> {
        self.maybe_hash(index)?.ok_or_else(|| null(index))
    }

    pub(super) fn maybe_hash(&self, index: usize) -> Result<Option<TokenHash>, sqlx::Error> {
        let Some(bytes) = self.bytes(index)? else {
            return Ok(None);
        };
        let bytes = <[u8; 32]>::try_from(bytes);
        let bytes = bytes.map_err(|_| malformed("a hash has 32 bytes"))?;
        Ok(Some(TokenHash::from_bytes(bytes)))
    }
}

fn null(index: usize) -> sqlx::Error {
    malformed(format!("column {index} is NULL"))
}

pub(super) fn malformed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(cause.into())
}
