CREATE TABLE oauth_api_keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    details BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    -- NULL if it has no end.
    expires_at BIGINT
);

CREATE INDEX oauth_api_keys_expiry ON oauth_api_keys (expires_at) WHERE expires_at IS NOT NULL;
