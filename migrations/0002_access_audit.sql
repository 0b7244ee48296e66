-- Why: tokens kept as hashes, and an append-only record of every change.
-- Oldest daemon: 0.1.0
-- Forward only.

CREATE TABLE access_token (
    id         uuid        NOT NULL,
    name       text        NOT NULL,
    hash       bytea       NOT NULL,     -- BLAKE2b-256 of the text, which has 256 random bits
    role       text        NOT NULL,
    unit_ids   text[]      NOT NULL DEFAULT '{}',   -- scope; empty: the whole province
    team_id    uuid,                     -- whose rounds are "own"
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,            -- to the minute
    CONSTRAINT access_token_pk      PRIMARY KEY (id),
    CONSTRAINT access_token_hash_uk UNIQUE (hash),
    CONSTRAINT access_token_role_ck CHECK (role IN ('gateway', 'team', 'hospital', 'comms', 'staff', 'auditor', 'admin')),
    CONSTRAINT access_token_team_ck CHECK (role <> 'team' OR team_id IS NOT NULL)
);
-- A name is freed when its token is revoked.
CREATE UNIQUE INDEX access_token_name_uk ON access_token (name) WHERE revoked_at IS NULL;

CREATE TABLE audit_entry (
    id            uuid        NOT NULL,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid           xid8        NOT NULL DEFAULT pg_current_xact_id(),   -- for the sealer: which are committed
    actor_kind    text        NOT NULL,      -- token, command, daemon, public
    actor_id      text,
    actor_role    text        NOT NULL,
    action        text        NOT NULL,      -- round.move
    subject_kind  text        NOT NULL,      -- round
    subject_id    text        NOT NULL,
    request_id    text,
    key_id        integer     NOT NULL,      -- of the hash key under both digests
    digest_before bytea,                     -- NULL: there was nothing
    digest_after  bytea,                     -- NULL: nothing is left
    CONSTRAINT audit_entry_pk PRIMARY KEY (id),
    CONSTRAINT audit_entry_actor_ck CHECK (actor_kind IN ('token', 'command', 'daemon', 'public'))
);
CREATE INDEX audit_entry_subject_ix ON audit_entry (subject_kind, subject_id, id);
COMMENT ON TABLE audit_entry IS 'Who changed what, when, with keyed digests of the image before and after. Append-only.';

-- A POST that creates, by its key: what it made, so that a retry gives the same answer.
CREATE TABLE idempotency (
    principal   text        NOT NULL,
    route       text        NOT NULL,
    key_digest  bytea       NOT NULL,
    key_id      integer     NOT NULL,
    body_digest bytea       NOT NULL,
    status      integer     NOT NULL,
    resource_id text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_pk PRIMARY KEY (principal, route, key_digest)
);

-- Which daemons run, on which keys.
CREATE TABLE daemon (
    id         uuid        NOT NULL,
    version    text        NOT NULL,
    host       text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    key_ids    integer[]   NOT NULL,         -- active id of each kind: hash, wrap, sign, suppression
    CONSTRAINT daemon_pk PRIMARY KEY (id)
);

-- At most one help text an hour per number; a retry of the same message gets it again.
CREATE TABLE sms_help (
    number_digest bytea       NOT NULL,      -- keyed; the number itself is not kept
    message_digest bytea      NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sms_help_pk PRIMARY KEY (number_digest)
);
CREATE INDEX sms_help_at_ix ON sms_help (at);

GRANT SELECT, INSERT ON audit_entry, idempotency TO :app_role;
GRANT SELECT, INSERT ON access_token TO :app_role;
GRANT UPDATE (revoked_at, last_used_at) ON access_token TO :app_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON daemon, sms_help TO :app_role;
