-- Replies that went on with results of the page's tools: one entry per round,
-- as JSON. What a round began with is kept, so that one that failed can be made
-- again, and one that was sent twice is known.

ALTER TABLE message ADD COLUMN rounds TEXT;
