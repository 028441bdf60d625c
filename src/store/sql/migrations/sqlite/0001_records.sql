-- Times are whole seconds since 1970. Hashes have 32 bytes. What is sealed only
-- opens with a token or a master key that is not in this database.

CREATE TABLE oauth_clients (
    id TEXT NOT NULL PRIMARY KEY,
    record TEXT NOT NULL,
    unused_until INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_clients_unused ON oauth_clients (unused_until) WHERE unused_until IS NOT NULL;

CREATE TABLE oauth_pending (
    state BLOB NOT NULL PRIMARY KEY,
    request BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX oauth_pending_expiry ON oauth_pending (expires_at);

CREATE TABLE oauth_codes (
    hash BLOB NOT NULL PRIMARY KEY,
    login BLOB NOT NULL,
    -- The grant that the code gave; NULL while nobody has used it.
    grant_id TEXT,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX oauth_codes_expiry ON oauth_codes (expires_at);

-- A grant and its refresh token, which are read and written together.
CREATE TABLE oauth_grants (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    details BLOB NOT NULL,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The start of the day after expires_at: an index that most refreshes leave
    -- alone.
    sweep_from INTEGER NOT NULL,
    family BLOB,
    current BLOB,
    previous BLOB,
    spent_at INTEGER,
    answer BLOB,
    refresh_expires_at INTEGER
) STRICT;

CREATE INDEX oauth_grants_client ON oauth_grants (client_id, id);
CREATE INDEX oauth_grants_subject ON oauth_grants (subject, id);
CREATE INDEX oauth_grants_sweep ON oauth_grants (sweep_from);

CREATE TABLE oauth_access_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX oauth_access_tokens_expiry ON oauth_access_tokens (expires_at);
