-- Why: a donor's personal data is erased by two persons, and the wait that still runs meets the person again.
-- Locks: deferral, for one scan (the CHECK).
-- Oldest daemon: 0.1.0
-- Forward only.

-- Asked for by one person; done or refused by another.
CREATE TABLE erasure (
    id              uuid        NOT NULL,
    donor_id        uuid        NOT NULL,
    state           text        NOT NULL DEFAULT 'asked',
    asked_at        timestamptz NOT NULL DEFAULT now(),
    asked_by_kind   text        NOT NULL,
    asked_by        text        NOT NULL,
    decided_at      timestamptz,
    decided_by_kind text,
    decided_by      text,
    ground          text,                         -- of a refusal
    CONSTRAINT erasure_pk         PRIMARY KEY (id),
    CONSTRAINT erasure_donor_fk   FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT erasure_state_ck   CHECK (state IN ('asked', 'done', 'refused')),
    CONSTRAINT erasure_decided_ck CHECK ((state = 'asked') = (decided_at IS NULL)),
    CONSTRAINT erasure_person_ck  CHECK (state <> 'done' OR (asked_by_kind, asked_by) <> (decided_by_kind, decided_by)),
    CONSTRAINT erasure_ground_ck  CHECK ((ground IS NOT NULL) = (state = 'refused')
                                         AND ground IN ('article_19', 'identity_unproven', 'not_held'))
);
CREATE UNIQUE INDEX erasure_open_uk ON erasure (donor_id) WHERE state = 'asked';
CREATE INDEX erasure_donor_ix ON erasure (donor_id, asked_at);

-- All that is left of an erased person while a wait still runs: who brings the same number meets it. Deleted at `until`.
CREATE TABLE suppression (
    digest bytea   NOT NULL,                      -- of a number that is one person's alone, under a suppression key
    key_id integer NOT NULL,
    until  date    NOT NULL,                      -- first day on which nothing holds any more; infinity: no day ends it
    CONSTRAINT suppression_pk PRIMARY KEY (digest)
);
CREATE INDEX suppression_until_ix ON suppression (until);

-- A wait without a reason: it was carried over from a record that was erased.
ALTER TABLE deferral ADD COLUMN carried boolean NOT NULL DEFAULT false;
ALTER TABLE deferral DROP CONSTRAINT deferral_kind_ck,
    ADD CONSTRAINT deferral_kind_ck CHECK ((lifts IS NOT NULL) = (ends = 'lifts')
                                           AND (sealed IS NULL) = (ends = 'lifts' OR carried) AND NOT (carried AND ends = 'lifts'));

/*
 * Whoever writes digests of a donor's numbers hands in those under the suppression keys too, as rows of this use. They
 * are never stored: each is held against `suppression`, with what is committed in that moment, and the wait goes on.
 */
CREATE FUNCTION suppression_meet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deferral (id, donor_id, ends, until, carried)
        SELECT gen_random_uuid(), NEW.donor_id, CASE WHEN s.until = 'infinity' THEN 'permanent' ELSE 'dated' END,
               nullif(s.until, 'infinity'), true
        FROM suppression AS s WHERE s.digest = NEW.digest
            AND NOT EXISTS (SELECT FROM deferral AS f WHERE f.donor_id = NEW.donor_id AND f.carried
                            AND (f.until >= s.until OR f.ends = 'permanent'));
    RETURN NULL;
END $$;
CREATE TRIGGER donor_digest_suppression BEFORE INSERT ON donor_digest FOR EACH ROW WHEN (NEW.use = 'suppression')
    EXECUTE FUNCTION suppression_meet();

GRANT SELECT, INSERT ON erasure, suppression TO :app_role;
GRANT UPDATE (state, decided_at, decided_by_kind, decided_by, ground) ON erasure TO :app_role;
GRANT UPDATE (until), DELETE ON suppression TO :app_role;
