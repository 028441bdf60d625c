use std::time::Duration;

use crate::model::{ClientRecord, Registration};
use crate::server::config::AuthorizationServer;
use crate::server::error::Outage;

impl AuthorizationServer {
    /// Makes sure that a client which is used is not forgotten for at least half
    /// of `period` from now, even if it holds no grant.
    ///
    /// Writes only when that half has begun, so that a client which is used
    /// every day costs a write a month. Returns whether it is known to be kept:
    /// not if it was forgotten or changed in this very moment.
    pub(in crate::server) async fn keep_client(
        &self,
        client: &ClientRecord,
        period: Duration,
    ) -> Result<bool, Outage> {
        let Registration::Dynamic {
            registered_at,
            unused_until,
        } = client.registration
        else {
            return Ok(true);
        };
        let now = self.clock.now();
        if unused_until > now.plus(period / 2) {
            return Ok(true);
        }
        let kept = ClientRecord {
            registration: Registration::Dynamic {
                registered_at,
                unused_until: now.plus(period),
            },
            ..client.clone()
        };
        Ok(self.store().update_client(client, kept).await?)
    }
}
