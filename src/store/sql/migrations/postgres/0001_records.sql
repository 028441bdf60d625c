-- Times are whole seconds since 1970. Hashes have 32 bytes. What is sealed only
-- opens with a token or a master key that is not in this database.

CREATE TABLE oauth_clients (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    record TEXT NOT NULL,
    unused_until BIGINT
);

CREATE INDEX oauth_clients_unused ON oauth_clients (unused_until) WHERE unused_until IS NOT NULL;

CREATE TABLE oauth_pending (
    state BYTEA NOT NULL PRIMARY KEY,
    request BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX oauth_pending_expiry ON oauth_pending (expires_at);

CREATE TABLE oauth_codes (
    hash BYTEA NOT NULL PRIMARY KEY,
    login BYTEA NOT NULL,
    -- The grant that the code gave; NULL while nobody has used it.
    grant_id TEXT COLLATE "C",
    expires_at BIGINT NOT NULL
);

CREATE INDEX oauth_codes_expiry ON oauth_codes (expires_at);

-- A grant and its refresh token, which are read and written together.
CREATE TABLE oauth_grants (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL,
    subject BYTEA NOT NULL,
    details BYTEA NOT NULL,
    granted_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- The start of the day after expires_at: an index that most refreshes leave
    -- alone.
    sweep_from BIGINT NOT NULL,
    family BYTEA,
    current BYTEA,
    previous BYTEA,
    spent_at BIGINT,
    answer BYTEA,
    refresh_expires_at BIGINT
)
-- Room for the next version of a row on its own page.
WITH (fillfactor = 70);

CREATE INDEX oauth_grants_client ON oauth_grants (client_id, id);
CREATE INDEX oauth_grants_subject ON oauth_grants (subject, id);
CREATE INDEX oauth_grants_sweep ON oauth_grants (sweep_from);

CREATE TABLE oauth_access_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    grant_id TEXT COLLATE "C" NOT NULL,
    scope TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX oauth_access_tokens_expiry ON oauth_access_tokens (expires_at);
