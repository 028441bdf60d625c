use crate::store::StoreError;
use crate::types::ClientId;

use super::keys::Keys;
use super::link::Link;
use super::open::SCHEMA_VERSION;
use super::script::{COUNT_OLD_CLIENTS, Call, RAISE_SCHEMA};

/// How many keys are looked at in one go.
const BATCH: usize = 1000;

/// Brings a store of the schema `found` up to date.
///
/// Any number of replicas may do so at the same time, and again after a crash: the
/// schema is raised last. Of what a replica of the older version stores after that,
/// each client is counted with its next change.
pub(super) async fn upgrade(link: &Link, keys: &Keys, found: i64) -> Result<(), StoreError> {
    count_old_clients(link, keys).await?;
    let raise = Call::of(&RAISE_SCHEMA)
        .key(keys.schema())
        .argument(found.to_string())
        .argument(SCHEMA_VERSION.to_string());
    link.ask(raise).await
}

/// Schema 1 had no set of the clients that registered themselves.
async fn count_old_clients(link: &Link, keys: &Keys) -> Result<(), StoreError> {
    let start = keys.every_client();
    let pattern = [literal(&start), b"*".to_vec()].concat();
    let mut cursor = 0;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern);
        scan.arg("COUNT").arg(BATCH);
        let (next, found): (u64, Vec<Vec<u8>>) = link.ask(scan).await?;
        let ids = found.iter().filter_map(|key| client_id(&start, key));
        count(link, keys, &ids.collect::<Vec<_>>()).await?;
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

async fn count(link: &Link, keys: &Keys, ids: &[ClientId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let call = Call::of(&COUNT_OLD_CLIENTS).key(keys.dynamic_clients());
    let call = ids.iter().fold(call, |call, id| call.key(keys.client(id)));
    let ids = ids.iter().map(|id| id.as_str().into());
    link.ask(call.list(ids)).await
}

fn client_id(start: &[u8], key: &[u8]) -> Option<ClientId> {
    let id = key.strip_prefix(start)?;
    ClientId::parse(str::from_utf8(id).ok()?).ok()
}

/// A pattern that fits these bytes only, whatever they mean in patterns.
fn literal(bytes: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if b"*?[]\\".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern
}
