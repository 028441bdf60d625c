-- What was used up, such as the identifier of a client's assertion.
CREATE TABLE oauth_replays (
    id BLOB NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_replays_end ON oauth_replays (until);
