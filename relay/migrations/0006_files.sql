-- Files that visitors send along with their messages, bytes and all: what is
-- deleted with a conversation or a visitor is gone with the same transaction.

CREATE TABLE file (
    id           TEXT    NOT NULL PRIMARY KEY,
    site         TEXT    NOT NULL,
    visitor      TEXT    NOT NULL,
    -- The conversation that it was sent in; none yet, until it is sent.
    conversation TEXT    REFERENCES conversation (key) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    media_type   TEXT    NOT NULL,
    size         BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    -- Last, so that SQLite reads the rest without it.
    body         BLOB    NOT NULL,
    FOREIGN KEY (site, visitor) REFERENCES visitor (site, id) ON DELETE CASCADE
);

CREATE INDEX file_by_visitor ON file (site, visitor);

CREATE INDEX file_by_conversation ON file (conversation);

-- What was never sent is looked for by age.
CREATE INDEX file_unsent ON file (created_at) WHERE conversation IS NULL;
