-- Webhooks that providers send: the conversation that one is about is found by
-- the provider's id, and one that was here before does nothing.

CREATE INDEX conversation_by_provider ON conversation (provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE heard (
    -- The section of the configuration whose provider it came from.
    agent    TEXT   NOT NULL,
    -- SHA-256 of the event's id, or of its body if it has none, in hex.
    event    TEXT   NOT NULL,
    heard_at BIGINT NOT NULL,
    PRIMARY KEY (agent, event)
);

CREATE INDEX heard_by_age ON heard (heard_at);
