-- Visitors, their conversations, and the messages of these.
--
-- Times are milliseconds since 1970, UTC. `parts` and `usage` are JSON as it
-- crosses the wire. Ids that a client chose are unique per visitor only, so
-- everything below a conversation hangs on `conversation.key`, which is ours.

CREATE TABLE visitor (
    site       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL,
    PRIMARY KEY (site, id)
);

CREATE TABLE conversation (
    key        TEXT    NOT NULL PRIMARY KEY,
    site       TEXT    NOT NULL,
    visitor    TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'ongoing',
    unread     INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    UNIQUE (site, visitor, id),
    FOREIGN KEY (site, visitor) REFERENCES visitor (site, id) ON DELETE CASCADE
);

CREATE INDEX conversation_by_age ON conversation (site, visitor, updated_at DESC, key DESC);

CREATE TABLE message (
    conversation    TEXT    NOT NULL REFERENCES conversation (key) ON DELETE CASCADE,
    id              TEXT    NOT NULL,
    -- The place in the transcript. A reply stands right after its question.
    ordinal         BIGINT  NOT NULL,
    role            TEXT    NOT NULL CHECK (role IN ('user', 'assistant')),
    parts           TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('streaming', 'done', 'failed', 'stopped', 'interrupted')),
    -- Of a question: SHA-256 of its parts, in hex. The same id with another
    -- hash is another message.
    hash            TEXT,
    -- Of a reply: the question's id.
    answers         TEXT,
    usage           TEXT,
    feedback        TEXT    CHECK (feedback IN ('positive', 'negative')),
    feedback_reason TEXT,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (conversation, id),
    UNIQUE (conversation, ordinal),
    UNIQUE (conversation, answers)
);

-- What a crash leaves behind is found at the next start without reading all.
CREATE INDEX message_streaming ON message (status) WHERE status = 'streaming';
