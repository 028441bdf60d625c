use std::time::Duration;

use crate::model::{CodeRecord, CodeStage, Sealed};
use crate::store::contract::sample;
use crate::types::{Timestamp, TokenHash};

use super::failure::Failure;
use super::keys::Keys;
use super::record::{self, Damaged, Fields, Row};
use super::script;
use super::server_info::judge;
use super::{OpenRedis, RedisStore};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn row(fields: Fields, names: &[&str]) -> Row {
    let stored: Vec<_> = fields.into_arguments().collect();
    let value = |name: &&str| {
        let at = stored
            .iter()
            .step_by(2)
            .position(|it| it == name.as_bytes());
        at.map(|at| stored[at * 2 + 1].clone())
    };
    Row::of(names.iter().map(value).collect()).unwrap()
}

#[test]
fn records_are_read_as_they_were_written() {
    let pending = sample::pending("a", NOW);
    let fields = record::pending_fields(&pending);
    let read = row(fields, &record::PENDING).pending(pending.state);
    assert_eq!(read, Ok(pending));

    let access = sample::access("a", "grant", NOW);
    let fields = record::access_fields(&access);
    assert_eq!(row(fields, &record::ACCESS).access(access.hash), Ok(access));

    for stage in [CodeStage::Fresh, CodeStage::Redeemed(sample::grant_id("a"))] {
        let code = CodeRecord {
            stage,
            ..sample::code("a", NOW)
        };
        let read = row(record::code_fields(&code), &record::CODE).code(code.hash);
        assert_eq!(read, Ok(code));
    }
    let mut key = sample::signing_key(7, NOW);
    key.private = Sealed::from_bytes(b" \0 b".to_vec());
    let value = record::signing_key_value(&key);
    assert_eq!(record::signing_key(7, &value), Ok(key));
}

#[test]
fn a_grant_is_read_with_its_refresh_token() {
    let grant = sample::grant("a", NOW);
    let names = [record::GRANT, record::REFRESH].concat();
    let first = sample::refresh("a", NOW);
    let mut second = sample::rotated(&first, "second", NOW);
    if let Some(spent) = &mut second.previous {
        // It is a key of its own.
        spent.answer = Sealed::from_bytes(vec![]);
    }
    for refresh in [None, Some(first), Some(second)] {
        let mut row = row(record::grant_fields(&grant, refresh.as_ref()), &names);
        assert_eq!(row.grant(grant.id.clone()), Ok(grant.clone()));
        assert_eq!(row.refresh(grant.id.clone()), Ok(refresh));
    }
}

#[test]
fn what_this_store_does_not_write_is_damaged() {
    let hash = TokenHash::of("a");
    let text = |text: &str| Some(text.as_bytes().to_vec());
    for values in [
        vec![text("")],
        vec![text(""), text("")],
        vec![text(""), text("-1")],
        vec![text(""), Some(vec![255])],
    ] {
        let row = Row::of(values).unwrap();
        assert_eq!(row.pending(hash), Err(Damaged));
    }
    assert!(Row::of(vec![]).is_none());
    assert!(Row::of(vec![None, text("1")]).is_none());
    for value in ["", "ES256", "ES256 1", "none 1 x", "ES256 x x"] {
        let read = record::signing_key(1, value.as_bytes());
        assert_eq!(read, Err(Damaged), "{value}");
    }
}

#[test]
fn all_keys_begin_with_the_prefix_and_differ() {
    let keys = Keys::new("{p}:".to_owned());
    let (hash, grant, client) = (
        TokenHash::from_bytes([b'a'; 32]),
        sample::grant_id("a"),
        sample::client_id("a"),
    );
    let all = [
        keys.schema(),
        keys.client(&client),
        keys.unused_clients(),
        keys.dynamic_clients(),
        keys.removed(&client),
        keys.pending(&hash),
        keys.taken(&hash),
        keys.code(&hash),
        keys.access_token(&hash),
        keys.grant(&grant),
        keys.answer(&grant),
        keys.revoked(&grant),
        keys.grants(),
        keys.grants_of_client(&client),
        keys.grants_of_subject(&hash),
        keys.grant_ends(),
        keys.replay(&hash),
        keys.signing_keys(),
        keys.lease("a"),
    ];
    for (index, key) in all.iter().enumerate() {
        assert!(key.starts_with(b"{p}:"));
        assert!(!all[..index].contains(key), "{index}");
    }
}

#[test]
fn nothing_vanishes_before_it_has_expired_or_at_a_time_that_redis_refuses() {
    let spare = script::vanishes_at(NOW).since(NOW);
    assert!(spare >= Duration::from_secs(1));
    let far = script::vanishes_at(Timestamp::from_secs(u64::MAX));
    assert!(i64::try_from(far.as_secs() * 1000).is_ok());

    let spare = script::vanishes_within(Duration::ZERO);
    assert!(spare >= Duration::from_secs(1));
    let far = NOW.plus(script::vanishes_within(Duration::MAX));
    assert!(i64::try_from(far.as_secs() * 1000).is_ok());
}

#[test]
fn a_server_that_will_not_do_is_refused() {
    let fine = "# Server\r\nredis_version:7.2.4\r\nrole:master\r\nmaxmemory:0\r\n\
                maxmemory_policy:volatile-lru\r\n";
    for info in [
        "",
        fine,
        "redis_version:6.2.0\r\n",
        "redis_version:255.255.255\r\n",
        "redis_version:?\r\n",
        "maxmemory:1\r\nmaxmemory_policy:noeviction\r\n",
    ] {
        assert!(judge(info).refusal().is_none(), "{info}");
    }
    for (info, told) in [
        ("redis_version:6.0.16\r\n", "6.0.16"),
        ("redis_version:5.0\r\n", "5.0"),
        ("role:slave\r\n", "replica"),
        (
            "maxmemory:1\r\nmaxmemory_policy:allkeys-lru\r\n",
            "allkeys-lru",
        ),
        (
            "maxmemory:1\r\nmaxmemory_policy:volatile-ttl\r\n",
            "volatile-ttl",
        ),
    ] {
        let message = judge(info).refusal().unwrap();
        assert!(message.contains(told), "{message}");
    }
}

trait Message {
    fn refusal(self) -> Option<String>;
}

impl Message for Result<(), Failure> {
    fn refusal(self) -> Option<String> {
        self.err().map(|failure| failure.to_string())
    }
}

#[test]
fn a_store_to_be_opened_does_not_show_its_url() {
    let opening: OpenRedis = RedisStore::open("redis://user:hunter2@127.0.0.1:1").with_prefix("p");
    let printed = format!("{opening:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
}
