-- What a provider calls a conversation and a reply, each as
-- '<scope>\n<id>': the scope names the provider and account that the id is good
-- for. Never sent to a browser.

ALTER TABLE conversation ADD COLUMN provider_id TEXT;

ALTER TABLE message ADD COLUMN provider_id TEXT;
