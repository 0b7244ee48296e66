-- Why: the record of changes gets an order and a chain of hashes, so that changing, removing or reordering
--      an entry is found (include/crypto/audit_chain.h says how; deploy/README.md what it proves and what not).
-- Oldest daemon: 0.1.0
-- Forward only.

-- One row for each sealed entry. Positions are dense from 1, but for what a restart names as left out.
CREATE TABLE audit_seal (
    position  bigint      NOT NULL,
    entry_id  uuid        NOT NULL,
    hash      bytea       NOT NULL,      -- BLAKE2b-256 over the hash before, this row and its entry
    sealed_at timestamptz NOT NULL,
    CONSTRAINT audit_seal_pk          PRIMARY KEY (position),
    CONSTRAINT audit_seal_entry_uk    UNIQUE (entry_id),
    CONSTRAINT audit_seal_entry_fk    FOREIGN KEY (entry_id) REFERENCES audit_entry (id),
    CONSTRAINT audit_seal_position_ck CHECK (position > 0),
    CONSTRAINT audit_seal_hash_ck     CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE audit_seal IS 'The order of the audit entries and the chain of hashes over them. Append-only.';

-- A signed statement that the chain up to a position had this hash; each is in the log too.
CREATE TABLE audit_checkpoint (
    position  bigint      NOT NULL,
    hash      bytea       NOT NULL,
    at        timestamptz NOT NULL,
    key_id    integer     NOT NULL,      -- of the sign key
    signature bytea       NOT NULL,      -- Ed25519
    CONSTRAINT audit_checkpoint_pk           PRIMARY KEY (position),
    CONSTRAINT audit_checkpoint_seal_fk      FOREIGN KEY (position) REFERENCES audit_seal (position),
    CONSTRAINT audit_checkpoint_hash_ck      CHECK (octet_length(hash) = 32),
    CONSTRAINT audit_checkpoint_signature_ck CHECK (octet_length(signature) = 64)
);
COMMENT ON TABLE audit_checkpoint IS 'Signed positions of the audit''s chain. Append-only.';

-- The sealer walks from the last sealed entry to the end of what is surely committed.
CREATE INDEX audit_entry_xid_ix ON audit_entry (xid, id);
-- The few places where a database went on after a restore.
CREATE INDEX audit_entry_restart_ix ON audit_entry (id) WHERE action = 'audit.restart';

GRANT SELECT, INSERT ON audit_seal, audit_checkpoint TO :app_role;
