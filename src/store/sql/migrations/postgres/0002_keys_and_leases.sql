CREATE TABLE oauth_signing_keys (
    generation BIGINT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    signs_from BIGINT NOT NULL,
    private BYTEA NOT NULL
);

CREATE TABLE oauth_leases (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL
);
