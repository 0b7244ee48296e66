-- Why: the database remembers which keys it is used with and in what state, so that a wrong key is refused and all
--      daemons change together; and daemons say which keys they hold (include/crypto/keyring.h).
-- Oldest daemon: 0.1.0
-- Forward only.

-- A key's word, never its secret.
CREATE TABLE key (
    kind        text        NOT NULL,
    id          integer     NOT NULL,
    state       text        NOT NULL,
    fingerprint bytea       NOT NULL,    -- keyed digest of a fixed text: tells keys apart, and nothing of the key
    public_key  bytea,                   -- of a sign key: what signatures are checked with
    created_at  timestamptz NOT NULL DEFAULT now(),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT key_pk             PRIMARY KEY (kind, id),
    CONSTRAINT key_id_ck          CHECK (id > 0),
    CONSTRAINT key_kind_ck        CHECK (kind IN ('hash', 'wrap', 'sign', 'suppression')),
    CONSTRAINT key_state_ck       CHECK (state IN ('staged', 'dual', 'active', 'retired')),
    CONSTRAINT key_fingerprint_ck CHECK (octet_length(fingerprint) = 16),
    CONSTRAINT key_public_ck      CHECK ((kind = 'sign') = (public_key IS NOT NULL) AND octet_length(public_key) = 32),
    -- looked at when a statement ends: one row becomes active as another ceases to be
    CONSTRAINT key_one_active_ex  EXCLUDE USING btree (kind WITH =) WHERE (state = 'active') DEFERRABLE INITIALLY DEFERRED
);
COMMENT ON TABLE key IS 'Which keys this database is used with. The secrets are in the keyring, in files.';

-- Daemons of before this file say nothing here: a rotation waits for them to be upgraded.
ALTER TABLE daemon
    ADD COLUMN keys          jsonb   NOT NULL DEFAULT '[]',     -- [{kind, id, state, fingerprint}] as the daemon uses them
    ADD COLUMN keyring       text,                              -- its folder
    ADD COLUMN keyring_fixed boolean NOT NULL DEFAULT false;    -- LoadCredential=: read only when the service starts

GRANT SELECT, INSERT ON key TO :app_role;
GRANT UPDATE (state, changed_at) ON key TO :app_role;
