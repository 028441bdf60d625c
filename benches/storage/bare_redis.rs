use std::time::Duration;

use async_trait::async_trait;
use oauth_for_mcp::model::{IssuedRecords, RefreshRecord, RotatedRecords};
use oauth_for_mcp::types::{ClientId, GrantId, Timestamp, TokenHash};
use redis::Pipeline;
use redis::aio::ConnectionManager;

use crate::bare::Bare;

/// A connection that is set up as ours, and the keys of our store.
pub(crate) struct BareRedis {
    pub(crate) connection: ConnectionManager,
    pub(crate) prefix: String,
}

impl BareRedis {
    fn key(&self, kind: &str, name: impl AsRef<[u8]>) -> Vec<u8> {
        [self.prefix.as_bytes(), kind.as_bytes(), name.as_ref()].concat()
    }

    async fn commit(&self, pipeline: &Pipeline) {
        let mut connection = self.connection.clone();
        let done = pipeline.exec_async(&mut connection).await;
        done.expect("a transaction");
    }
}

/// Adds the fields of a refresh token to a command.
fn refresh_fields(pipeline: &mut Pipeline, refresh: &RefreshRecord) {
    pipeline
        .arg("family")
        .arg(refresh.family.as_bytes())
        .arg("current")
        .arg(refresh.current.as_bytes())
        .arg("refresh_until")
        .arg(refresh.expires_at.as_secs());
    if let Some(spent) = &refresh.previous {
        pipeline
            .arg("previous")
            .arg(spent.hash.as_bytes())
            .arg("spent_at")
            .arg(spent.spent_at.as_secs());
    }
}

#[async_trait]
impl Bare for BareRedis {
    async fn find_client(&self, id: &ClientId) {
        let mut command = redis::cmd("HGET");
        command.arg(self.key("client:", id.as_str())).arg("record");
        let mut connection = self.connection.clone();
        let found = command.query_async(&mut connection).await;
        let found: Option<Vec<u8>> = found.expect("an answer");
        std::hint::black_box(found.expect("a client"));
    }

    async fn find_grant(&self, id: &GrantId, _now: Timestamp) {
        let fields = ["client", "subject", "details", "granted_at", "expires_at"];
        let mut command = redis::cmd("HMGET");
        command.arg(self.key("grant:", id.as_str())).arg(&fields);
        let mut connection = self.connection.clone();
        let found = command.query_async(&mut connection).await;
        let found: Vec<Option<Vec<u8>>> = found.expect("an answer");
        assert!(std::hint::black_box(found)[0].is_some());
    }

    async fn redeem(&self, code: &TokenHash, issued: &IssuedRecords, _now: Timestamp) {
        let (grant, id) = (&issued.grant, issued.grant.id.as_str());
        let (client, ends) = (grant.client_id.as_str(), grant.expires_at.as_secs());
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        let code = self.key("code:", code.as_bytes());
        pipeline.cmd("HSET").arg(code).arg("grant").arg(id);
        pipeline.cmd("HSET").arg(self.key("grant:", id));
        refresh_fields(&mut pipeline, issued.refresh.as_ref().expect("a token"));
        pipeline
            .arg("client")
            .arg(client)
            .arg("subject")
            .arg(grant.subject.as_bytes())
            .arg("details")
            .arg(grant.details.as_bytes())
            .arg("granted_at")
            .arg(grant.granted_at.as_secs())
            .arg("expires_at")
            .arg(ends);
        let of_client = self.key("grants:client:", client);
        let of_subject = self.key("grants:subject:", grant.subject.as_bytes());
        for index in [self.key("grants", ""), of_client, of_subject] {
            pipeline.cmd("ZADD").arg(index).arg(0).arg(id);
        }
        let by_end = self.key("grants:ends", "");
        pipeline.cmd("ZADD").arg(by_end).arg(ends).arg(id);
        let unused = self.key("clients:unused", "");
        pipeline.cmd("ZREM").arg(unused).arg(client);
        pipeline.cmd("DEL").arg(self.key("answer:", id));
        self.commit(&pipeline).await;
    }

    async fn rotate(&self, _spent: &TokenHash, next: &RotatedRecords, _now: Timestamp) {
        let (refresh, ends) = (&next.refresh, next.grant_expires_at.as_secs());
        let id = refresh.grant_id.as_str();
        let spent = refresh.previous.as_ref().expect("a spent token");
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("HSET").arg(self.key("grant:", id));
        pipeline.arg("expires_at").arg(ends);
        refresh_fields(&mut pipeline, refresh);
        let by_end = self.key("grants:ends", "");
        pipeline.cmd("ZADD").arg(by_end).arg(ends).arg(id);
        pipeline
            .cmd("SET")
            .arg(self.key("answer:", id))
            .arg(spent.answer.as_bytes())
            .arg("EXAT")
            .arg(spent.spent_at.as_secs() + 360);
        self.commit(&pipeline).await;
    }

    async fn rotate_alone(&self, _: &TokenHash, _: &RotatedRecords, _: Timestamp) -> bool {
        false
    }

    /// Waits until Redis has rewritten its file, and lets it not do so again.
    async fn tidy(&self) {
        let mut connection = self.connection.clone();
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("auto-aof-rewrite-percentage").arg(0);
        let done = set.exec_async(&mut connection).await;
        done.expect("a server of our own");
        let mut info = redis::cmd("INFO");
        info.arg("persistence");
        loop {
            let told = info.query_async(&mut connection).await;
            let told: String = told.expect("an answer");
            if told.contains("aof_rewrite_in_progress:0") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
