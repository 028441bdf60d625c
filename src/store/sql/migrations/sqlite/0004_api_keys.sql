CREATE TABLE oauth_api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    details BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- NULL if it has no end.
    expires_at INTEGER
) STRICT;

CREATE INDEX oauth_api_keys_expiry ON oauth_api_keys (expires_at) WHERE expires_at IS NOT NULL;
