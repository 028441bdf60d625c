CREATE TABLE oauth_signing_keys (
    generation INTEGER NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    signs_from INTEGER NOT NULL,
    private BLOB NOT NULL
) STRICT;

CREATE TABLE oauth_leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
