use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};

/// A connection that goes back to its pool only after a call that went well.
///
/// What becomes of it otherwise nobody knows: the call may have been given up
/// while the server was silent. A pool would ask such a connection how it is, and
/// wait for the answer as long as the kernel does; so it is closed.
pub(super) struct Leased<D: Database>(Option<PoolConnection<D>>);

impl<D: Database> Leased<D> {
    pub(super) async fn from(pool: &Pool<D>) -> Result<Self, sqlx::Error> {
        Ok(Self(Some(pool.acquire().await?)))
    }

    /// Gives the connection back.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl<D: Database> Deref for Leased<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        self.0.as_ref().expect("it is taken only at the end")
    }
}

impl<D: Database> DerefMut for Leased<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        self.0.as_mut().expect("it is taken only at the end")
    }
}

impl<D: Database> Drop for Leased<D> {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}
