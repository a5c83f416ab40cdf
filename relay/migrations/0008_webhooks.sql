-- Webhooks: who is told of what, and what was told.
--
-- An event and its deliveries are written in the transaction of what they tell
-- of: nothing is told that did not happen, and nothing is forgotten by a crash.

CREATE TABLE webhook (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    mode       TEXT    NOT NULL CHECK (mode IN ('live', 'test')),
    url        TEXT    NOT NULL,
    -- JSON: a list of the names of events.
    events     TEXT    NOT NULL,
    -- With it the relay signs what it sends.
    secret     TEXT    NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('active', 'paused')),
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
);

CREATE TABLE delivery (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    webhook       TEXT    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    -- One event has one id, at every webhook that hears of it.
    event         TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    -- What stays in order: a conversation, a source.
    topic         TEXT    NOT NULL,
    -- The body as it is sent: JSON.
    body          TEXT    NOT NULL,
    status        TEXT    NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    tries         INTEGER NOT NULL DEFAULT 0,
    next_at       BIGINT  NOT NULL,
    -- Of the last try: the status of the answer, or what went wrong.
    answer_status INTEGER,
    answer_error  TEXT,
    created_at    BIGINT  NOT NULL,
    -- The first moment from which it counts how long it is tried.
    begun_at      BIGINT  NOT NULL,
    delivered_at  BIGINT
);

CREATE INDEX delivery_waiting ON delivery (webhook, topic, seq) WHERE status = 'pending';

CREATE INDEX delivery_due ON delivery (next_at) WHERE status = 'pending';

CREATE INDEX delivery_by_webhook ON delivery (webhook, seq);

CREATE INDEX delivery_by_age ON delivery (created_at);
