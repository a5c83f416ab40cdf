-- Knowledge: what agents of the API answer from.
--
-- The pages are kept here; the index in `knowledge/` of the data folder is made
-- from them, and can be made again.

CREATE TABLE source (
    -- The order in which they were added, and in which they are trained.
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    agent      TEXT    NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL CHECK (kind IN ('text', 'file', 'website', 'pages')),
    title      TEXT    NOT NULL,
    -- The address of a website, the name of a file.
    origin     TEXT,
    media_type TEXT,
    -- JSON: how a website is walked.
    options    TEXT    NOT NULL DEFAULT '{}',
    status     TEXT    NOT NULL CHECK (status IN ('queued', 'training', 'trained', 'failed')),
    -- Why it failed, or what was left out.
    reason     TEXT,
    done       INTEGER NOT NULL DEFAULT 0,
    total      INTEGER NOT NULL DEFAULT 0,
    -- Rises with each change: what was trained from an older one is trained anew.
    version    INTEGER NOT NULL DEFAULT 1,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    trained_at BIGINT
);

CREATE INDEX source_by_agent ON source (agent, seq);

CREATE INDEX source_waiting ON source (seq) WHERE status IN ('queued', 'training');

-- What was sent, until it is read.
CREATE TABLE source_content (
    source TEXT NOT NULL PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
    bytes  BLOB NOT NULL
);

-- What a source was read to: Markdown, one row for each page.
CREATE TABLE source_page (
    source TEXT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    url    TEXT NOT NULL,
    title  TEXT NOT NULL,
    text   TEXT NOT NULL,
    -- SHA-256 of title and text, in hex.
    hash   TEXT NOT NULL,
    PRIMARY KEY (source, url)
);

-- What the index still has and the tables have not: a source, or all of an
-- agent's where the source is empty.
CREATE TABLE source_gone (
    agent  TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (agent, source)
);
