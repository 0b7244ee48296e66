-- Why: how far the import of an old list has come, so that it goes on where it stopped and is never done twice.
-- Oldest daemon: 0.1.0
-- Forward only.

CREATE TABLE import_run (
    id          uuid        NOT NULL,
    file_digest bytea       NOT NULL,     -- of the file and its mapping, under key_id
    key_id      integer     NOT NULL,
    next_row    bigint      NOT NULL DEFAULT 1,
    registered  bigint      NOT NULL DEFAULT 0,
    donations   bigint      NOT NULL DEFAULT 0,
    held_rows   bigint[]    NOT NULL DEFAULT '{}',   -- left for a person: likely somebody who is known
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT import_run_pk      PRIMARY KEY (id),
    CONSTRAINT import_run_file_uk UNIQUE (file_digest)
);
COMMENT ON TABLE import_run IS 'next_row moves in the statement that writes the rows before it.';

GRANT SELECT, INSERT, UPDATE ON import_run TO :app_role;
