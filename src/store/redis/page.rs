use crate::model::GrantRecord;
use crate::store::{RedisStore, StoreError};
use crate::types::{GrantId, Timestamp};

use super::record::{self, Damaged, GRANT, Row};
use super::script::{Call, LIST_GRANTS};

/// One script holds up all others, so that it must not read too much.
const READ_AT_ONCE: usize = 256;

/// A grant as `list_grants.lua` gives it: identifier and fields.
type Listed = (Vec<u8>, Vec<Option<Vec<u8>>>);
/// The last grant that was read of an index if there are more, and the live
/// ones among those that were read.
type Page = (Option<Vec<u8>>, Vec<Listed>);

/// The first `limit` live grants in any of `indexes` that follow `after`.
pub(super) async fn list(
    store: &RedisStore,
    indexes: &[Vec<u8>],
    after: Option<&GrantId>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<GrantRecord>, StoreError> {
    let mut found = Vec::new();
    let mut after = after.cloned();
    while found.len() < limit && !indexes.is_empty() {
        // One more than is missing, to learn whether there are more.
        let length = READ_AT_ONCE.min((limit - found.len()).saturating_add(1));
        let mut call = Call::of(&LIST_GRANTS);
        for index in indexes {
            call = call.key(index.clone());
        }
        let call = call
            .argument(store.keys.every_grant())
            .time(now)
            .argument(start(after.as_ref()))
            .number(length)
            .names(&GRANT);
        let pages: Vec<Page> = store.link.ask(call).await?;
        let (grants, horizon) = merge(pages).map_err(StoreError::new)?;
        found.extend(grants);
        let Some(horizon) = horizon else {
            break;
        };
        after = Some(horizon);
    }
    found.truncate(limit);
    Ok(found)
}

/// Where a range of identifiers begins, in the words of `ZRANGEBYLEX`.
fn start(after: Option<&GrantId>) -> String {
    after.map_or_else(|| "-".to_owned(), |after| format!("({after}"))
}

/// The grants up to where every index was read, in order, and where that is if
/// there are more.
fn merge(pages: Vec<Page>) -> Result<(Vec<GrantRecord>, Option<GrantId>), Damaged> {
    let mut horizon: Option<GrantId> = None;
    let mut grants = Vec::new();
    for (last, listed) in pages {
        if let Some(last) = last.map(record::grant_id).transpose()? {
            horizon = Some(match horizon {
                None => last,
                Some(known) => known.min(last),
            });
        }
        for (id, values) in listed {
            let mut row = Row::of(values).ok_or(Damaged)?;
            grants.push(row.grant(record::grant_id(id)?)?);
        }
    }
    grants.retain(|grant| horizon.as_ref().is_none_or(|horizon| grant.id <= *horizon));
    grants.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    grants.dedup_by(|a, b| a.id == b.id);
    Ok((grants, horizon))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::sample;

    fn listed(name: &str) -> Listed {
        let grant = sample::grant(name, Timestamp::from_secs(1));
        let fields = record::grant_fields(&grant, None).into_arguments();
        let values = fields.skip(1).step_by(2).map(Some);
        (grant.id.as_str().into(), values.collect())
    }

    fn page(last: Option<&str>, names: &[&str]) -> Page {
        let last = last.map(|name| sample::grant_id(name).as_str().into());
        (last, names.iter().map(|name| listed(name)).collect())
    }

    #[test]
    fn indexes_are_merged_as_far_as_all_were_read() {
        for (pages, names, horizon) in [
            (vec![], vec![], None),
            (vec![page(None, &["a", "c"])], vec!["a", "c"], None),
            (
                vec![page(Some("c"), &["a", "c"]), page(None, &["b", "d"])],
                vec!["a", "b", "c"],
                Some("c"),
            ),
            (
                vec![page(Some("c"), &["a"]), page(Some("b"), &["B", "b"])],
                vec!["B", "a", "b"],
                Some("b"),
            ),
            (
                vec![page(Some("b"), &[]), page(None, &[])],
                vec![],
                Some("b"),
            ),
            (
                vec![page(None, &["a"]), page(None, &["a"])],
                vec!["a"],
                None,
            ),
        ] {
            let (grants, reached) = merge(pages).unwrap();
            let ids: Vec<_> = grants.into_iter().map(|grant| grant.id).collect();
            let expected: Vec<_> = names.into_iter().map(sample::grant_id).collect();
            assert_eq!(ids, expected);
            assert_eq!(reached, horizon.map(sample::grant_id));
        }
    }

    #[test]
    fn a_page_begins_after_the_last_one() {
        assert_eq!(start(None), "-");
        assert_eq!(start(Some(&GrantId::from("(a".to_owned()))), "((a");
    }
}
