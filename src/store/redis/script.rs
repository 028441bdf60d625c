use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{Cmd, RedisResult, Script, Value};

use crate::types::Timestamp;

use super::record::Fields;

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)+) => {
        $(
            pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
                Script::new(concat!(include_str!("arguments.lua"), $(include_str!($file)),+))
            });
        )+
    };
}

scripts! {
    COUNT_OLD_CLIENTS = "count_old_clients.lua";
    FIND_ACCESS_TOKEN = "find_access_token.lua";
    FIND_API_KEY = "find_api_key.lua";
    FIND_REFRESH_TOKEN = "find_refresh_token.lua";
    INSERT = "insert.lua";
    INSERT_API_KEY = "api_keys.lua" "insert_api_key.lua";
    INSERT_CLIENT = "clients.lua" "insert_client.lua";
    INSERT_GRANT = "grants.lua" "tokens.lua" "insert_grant.lua";
    INSERT_SIGNING_KEY = "insert_signing_key.lua";
    LIST_API_KEYS = "list_api_keys.lua";
    LIST_GRANTS = "list_grants.lua";
    RAISE_SCHEMA = "raise_schema.lua";
    REDEEM_CODE = "grants.lua" "tokens.lua" "redeem_code.lua";
    REMOVE_API_KEY = "api_keys.lua" "remove_api_key.lua";
    REMOVE_CLIENT = "remove_client.lua";
    RESEAL_API_KEY = "reseal_api_key.lua";
    RESEAL_GRANT = "grants.lua" "reseal_grant.lua";
    RESEAL_SIGNING_KEY = "reseal_signing_key.lua";
    REVOKE_GRANT = "grants.lua" "revoke_grant.lua";
    ROTATE_REFRESH_TOKEN = "grants.lua" "tokens.lua" "rotate_refresh_token.lua";
    SCHEMA = "schema.lua";
    SWEEP = "grants.lua" "api_keys.lua" "sweep.lua";
    TAKE_LEASE = "take_lease.lua";
    TAKE_PENDING = "take_pending.lua";
    UPDATE_CLIENT = "clients.lua" "update_client.lua";
    USE_ONCE = "use_once.lua";
}

/// One question to the server, which may be put again.
pub(super) enum Request {
    /// Reads only, or changes the same however often it is sent.
    Command(Cmd),
    /// Is told whether it is sent again, and decides what that means.
    Script(Call),
}

/// A script with its keys and arguments.
pub(super) struct Call {
    script: &'static Script,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn of(script: &'static LazyLock<Script>) -> Self {
        Self {
            script,
            keys: Vec::new(),
            arguments: Vec::new(),
        }
    }

    pub(super) fn key(mut self, key: Vec<u8>) -> Self {
        self.keys.push(key);
        self
    }

    pub(super) fn argument(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn number(self, number: usize) -> Self {
        self.argument(number.to_string())
    }

    pub(super) fn time(self, time: Timestamp) -> Self {
        self.argument(time.as_secs().to_string())
    }

    /// When Redis may let the record vanish that expires at `time`.
    pub(super) fn vanishes_after(self, time: Timestamp) -> Self {
        self.time(vanishes_at(time))
    }

    /// How long Redis has to keep the record that expires after `life`.
    pub(super) fn kept_for(self, life: Duration) -> Self {
        self.argument(vanishes_within(life).as_secs().to_string())
    }

    /// A list of arguments that knows its length.
    pub(super) fn list(mut self, items: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let at = self.arguments.len();
        self.arguments.push(Vec::new());
        self.arguments.extend(items);
        let length = self.arguments.len() - at - 1;
        self.arguments[at] = length.to_string().into();
        self
    }

    pub(super) fn names(self, names: &[&str]) -> Self {
        self.list(names.iter().map(|name| name.as_bytes().to_vec()))
    }

    pub(super) fn fields(self, fields: Fields) -> Self {
        self.list(fields.into_arguments())
    }
}

impl From<Cmd> for Request {
    fn from(command: Cmd) -> Self {
        Self::Command(command)
    }
}

impl From<Call> for Request {
    fn from(call: Call) -> Self {
        Self::Script(call)
    }
}

impl Request {
    /// Sends it once: one round trip, unless the server has to be taught the
    /// script first.
    pub(super) async fn send(
        &self,
        connection: &mut ConnectionManager,
        repeated: bool,
    ) -> RedisResult<Value> {
        match self {
            Self::Command(command) => command.query_async(connection).await,
            Self::Script(call) => {
                let mut invocation = call.script.prepare_invoke();
                invocation.key(&call.keys);
                invocation.arg(u8::from(repeated)).arg(&call.arguments);
                invocation.invoke_async(connection).await
            }
        }
    }
}

/// The clock of Redis may be ahead of ours by as much, and nothing vanishes too soon.
const SPARE: Duration = Duration::from_secs(60);

/// Redis counts milliseconds and refuses a time of more than 63 bits.
const FAR_FUTURE: Timestamp = Timestamp::from_secs(i64::MAX as u64 / 2000);
/// A duration is added to the time of the server.
const FAR_AHEAD: Duration = Duration::from_secs(i64::MAX as u64 / 4000);

pub(super) fn vanishes_at(time: Timestamp) -> Timestamp {
    time.plus(SPARE).min(FAR_FUTURE)
}

pub(super) fn vanishes_within(life: Duration) -> Duration {
    life.saturating_add(SPARE).min(FAR_AHEAD)
}
