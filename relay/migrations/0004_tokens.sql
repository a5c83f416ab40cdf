-- Tokens, devices, revocations, and what each site has used up.
--
-- Nothing here is a secret that opens anything: devices are kept as hashes,
-- tokens not at all.

-- A chain of visitor tokens, of which each exchange makes the next one. A chain
-- has a row from its first exchange with a token on.
CREATE TABLE token_family (
    id            TEXT   NOT NULL PRIMARY KEY,
    site          TEXT   NOT NULL,
    visitor       TEXT   NOT NULL,
    -- The oldest generation that is still accepted, and the newest that was used.
    floor         BIGINT NOT NULL,
    used          BIGINT NOT NULL,
    -- When a successor of `floor` was first used.
    superseded_at BIGINT,
    seen_at       BIGINT NOT NULL,
    ended_at      BIGINT
);

CREATE INDEX token_family_by_visitor ON token_family (site, visitor);

CREATE INDEX token_family_by_age ON token_family (seen_at);

-- What is no longer good although its signature holds. `site` is empty for
-- sessions, tokens and devices, whose ids no two sites share.
CREATE TABLE revocation (
    kind       TEXT   NOT NULL CHECK (kind IN ('visitor', 'session', 'token', 'device')),
    site       TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    revoked_at BIGINT NOT NULL,
    PRIMARY KEY (kind, site, id)
);

CREATE INDEX revocation_by_time ON revocation (revoked_at);

-- Tokens of an older version than their site's are refused; without a row it is 1.
CREATE TABLE site_version (
    site    TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);

CREATE TABLE device (
    id         TEXT   NOT NULL PRIMARY KEY,
    site       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- SHA-256 of the whole key, in hex. The key is random: no salt is needed.
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT,
    revoked_at BIGINT
);

-- Identities of sites that let each be used once; `jti` as SHA-256 in hex, since
-- a site may write into it what it likes.
CREATE TABLE used_identity (
    site       TEXT   NOT NULL,
    jti        TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (site, jti)
);

-- Public halves of keys that no longer sign.
CREATE TABLE retired_key (
    kid        TEXT   NOT NULL PRIMARY KEY,
    public_key BLOB   NOT NULL,
    retired_at BIGINT NOT NULL
);

-- Random values of this relay that must outlive its signing keys.
CREATE TABLE relay_secret (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);

-- By site and day of the calendar (days since 1970, UTC).
CREATE TABLE spending (
    site     TEXT   NOT NULL,
    day      BIGINT NOT NULL,
    messages BIGINT NOT NULL DEFAULT 0,
    tokens   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (site, day)
);

-- Name and address of a visitor whom the site's own server named: JSON.
ALTER TABLE visitor ADD COLUMN profile TEXT;

-- Retention looks for what is old, site by site.
CREATE INDEX conversation_by_time ON conversation (site, updated_at);

CREATE INDEX visitor_by_time ON visitor (site, seen_at);
