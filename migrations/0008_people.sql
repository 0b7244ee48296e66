-- Why: staff with passwords and a second factor, their sessions, and how often a password was tried in vain.
-- Locks: audit_entry, exclusively, for one scan (the CHECK).
-- Oldest daemon: 0.1.0
-- Forward only.

CREATE TABLE staff_user (
    id            uuid        NOT NULL,
    login         text        NOT NULL,      -- an account's name, never used again for another one
    name          text        NOT NULL,      -- as it is shown
    role          text        NOT NULL,
    unit_ids      text[]      NOT NULL DEFAULT '{}',   -- scope; empty: the whole province
    team_id       uuid,                      -- whose rounds are "own"
    state         text        NOT NULL DEFAULT 'active',
    password_hash text        NOT NULL,      -- Argon2id, with its salt and cost
    password_long boolean     NOT NULL,      -- long enough without a second factor
    must_change   boolean     NOT NULL,      -- somebody else chose it
    totp_sealed   bytea,                     -- secret of the second factor, sealed by a wrap key (crypto/wrap.h)
    totp_key_id   integer,
    totp_next_sealed bytea,                  -- the same, enrolled but not confirmed yet
    totp_next_key_id integer,
    totp_step     bigint,                    -- of the last code taken: none serves twice
    recovery_hashes text[]    NOT NULL DEFAULT '{}',   -- of the recovery codes that are left
    created_at    timestamptz NOT NULL DEFAULT now(),
    password_changed_at timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz,
    version       bigint      NOT NULL DEFAULT 1,
    CONSTRAINT staff_user_pk       PRIMARY KEY (id),
    CONSTRAINT staff_user_login_uk UNIQUE (login),
    CONSTRAINT staff_user_login_ck CHECK (login ~ '^[a-z][a-z0-9._-]{1,31}$'),
    CONSTRAINT staff_user_role_ck  CHECK (role IN ('team', 'hospital', 'comms', 'staff', 'auditor', 'admin')),
    CONSTRAINT staff_user_team_ck  CHECK (role <> 'team' OR team_id IS NOT NULL),
    CONSTRAINT staff_user_team_fk  FOREIGN KEY (team_id) REFERENCES team (id),
    CONSTRAINT staff_user_state_ck CHECK (state IN ('active', 'disabled')),
    CONSTRAINT staff_user_totp_ck  CHECK ((totp_sealed IS NULL) = (totp_key_id IS NULL)
                                          AND (totp_next_sealed IS NULL) = (totp_next_key_id IS NULL)
                                          AND (totp_sealed IS NOT NULL OR recovery_hashes = '{}'))
);
CREATE INDEX staff_user_totp_ix ON staff_user (totp_key_id) WHERE totp_key_id IS NOT NULL;
COMMENT ON TABLE staff_user IS 'People who work here. Never deleted: the audit names them.';

-- Ended ones are deleted; the audit remembers them.
CREATE TABLE session (
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    kind       text        NOT NULL,
    digest     bytea       NOT NULL,         -- keyed, of a text with 256 random bits
    created_t  bigint      NOT NULL,         -- in the time of session_clock
    used_t     bigint      NOT NULL,         -- the same, to the minute
    created_at timestamptz NOT NULL DEFAULT now(),     -- for people to read
    CONSTRAINT session_pk        PRIMARY KEY (id),
    CONSTRAINT session_digest_uk UNIQUE (digest),
    CONSTRAINT session_user_fk   FOREIGN KEY (user_id) REFERENCES staff_user (id),
    CONSTRAINT session_kind_ck   CHECK (kind IN ('cookie', 'bearer'))
);
CREATE INDEX session_user_ix ON session (user_id);

-- Microseconds that this service has lived, which no clock that jumps can change: include/store/session_store.h.
CREATE TABLE session_clock (
    one  boolean     NOT NULL DEFAULT true,
    t    bigint      NOT NULL,
    wall timestamptz NOT NULL DEFAULT clock_timestamp(),        -- when a daemon last said so
    CONSTRAINT session_clock_pk     PRIMARY KEY (one),
    CONSTRAINT session_clock_one_ck CHECK (one)
);
INSERT INTO session_clock (t) VALUES (0);

-- Tries in vain since the last right one, in buckets: include/domain/login.h.
CREATE TABLE login_failure (
    account  text    NOT NULL,               -- id of a user, or a keyed digest of a name that nobody has
    bucket   text    NOT NULL,               -- strangers, known, or network: and a keyed digest of it
    user_id  uuid,
    failures integer NOT NULL,
    last_t   bigint  NOT NULL,
    CONSTRAINT login_failure_pk      PRIMARY KEY (account, bucket),
    CONSTRAINT login_failure_user_fk FOREIGN KEY (user_id) REFERENCES staff_user (id)
);
CREATE INDEX login_failure_nobody_ix ON login_failure (last_t) WHERE user_id IS NULL;

-- Users act, too.
ALTER TABLE audit_entry
    DROP CONSTRAINT audit_entry_actor_ck,
    ADD CONSTRAINT audit_entry_actor_ck CHECK (actor_kind IN ('token', 'user', 'command', 'daemon', 'public'));

GRANT SELECT, INSERT ON staff_user TO :app_role;
GRANT UPDATE (name, role, unit_ids, team_id, state, password_hash, password_long, must_change, totp_sealed, totp_key_id,
              totp_next_sealed, totp_next_key_id, totp_step, recovery_hashes, password_changed_at, last_login_at, version)
    ON staff_user TO :app_role;
GRANT SELECT, INSERT, DELETE ON session TO :app_role;
GRANT UPDATE (used_t) ON session TO :app_role;
GRANT SELECT ON session_clock TO :app_role;
GRANT UPDATE (t, wall) ON session_clock TO :app_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON login_failure TO :app_role;
