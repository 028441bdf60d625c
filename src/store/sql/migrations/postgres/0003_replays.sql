-- What was used up, such as the identifier of a client's assertion.
CREATE TABLE oauth_replays (
    id BYTEA NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL
);

CREATE INDEX oauth_replays_end ON oauth_replays (until);
