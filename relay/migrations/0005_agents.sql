-- What is managed through the API: keys, agents, and what was written once.
--
-- A key is kept as SHA-256 of its text. What belongs to test keys is told apart
-- from the rest by `mode`.

CREATE TABLE api_key (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    mode       TEXT   NOT NULL CHECK (mode IN ('live', 'test')),
    hash       TEXT   NOT NULL UNIQUE,
    -- The last characters of the key, by which people tell their keys apart.
    hint       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE agent (
    -- The order in which they were made: lists do not shift while more are made.
    seq               INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT    NOT NULL UNIQUE,
    mode              TEXT    NOT NULL CHECK (mode IN ('live', 'test')),
    name              TEXT    NOT NULL,
    -- The section of the configuration whose provider, address and key it uses.
    base              TEXT    NOT NULL,
    model             TEXT,
    system_prompt     TEXT,
    temperature       REAL    NOT NULL,
    max_tokens        INTEGER NOT NULL,
    provider_agent_id TEXT,
    status            TEXT    NOT NULL CHECK (status IN ('active', 'paused')),
    -- Rises with each change: what was set up from an older one is set up anew.
    version           INTEGER NOT NULL DEFAULT 1,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL
);

CREATE TABLE idempotency (
    api_key    TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    -- SHA-256 of method, path and body.
    hash       TEXT    NOT NULL,
    -- 0 while the call is being answered.
    status     INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (api_key, key)
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- What the one who began a conversation by the API wants to find with it.
ALTER TABLE conversation ADD COLUMN metadata TEXT;
