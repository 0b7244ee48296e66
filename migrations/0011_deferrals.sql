-- Why: deferrals that are lifted, by two persons where they are permanent; and whose next days are to be counted again.
-- Locks: donor, for an instant (a column without default); donation, deferral, donor_alias for their triggers.
-- Oldest daemon: 0.1.0
-- Forward only.

-- Somebody said that a deferral does not hold any more. A permanent one holds until another person approves.
CREATE TABLE deferral_lift (
    id              uuid        NOT NULL,
    donor_id        uuid        NOT NULL,
    deferral_id     uuid        NOT NULL,
    two_persons     boolean     NOT NULL,
    state           text        NOT NULL,
    reason          bytea       NOT NULL,         -- sealed with the donor's key
    asked_by_kind   text        NOT NULL,
    asked_by        text        NOT NULL,
    asked_at        timestamptz NOT NULL,
    decided_by_kind text,
    decided_by      text,
    decided_at      timestamptz,
    CONSTRAINT deferral_lift_pk          PRIMARY KEY (id),
    CONSTRAINT deferral_lift_donor_fk    FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT deferral_lift_deferral_fk FOREIGN KEY (deferral_id) REFERENCES deferral (id),
    CONSTRAINT deferral_lift_state_ck    CHECK (state IN ('asked', 'done', 'refused')),
    CONSTRAINT deferral_lift_decided_ck  CHECK ((state = 'asked') = (decided_at IS NULL)
                                                AND (decided_at IS NULL) = (decided_by IS NULL)
                                                AND (decided_at IS NULL) = (decided_by_kind IS NULL)),
    CONSTRAINT deferral_lift_persons_ck  CHECK (NOT two_persons OR state <> 'done'
                                                OR (asked_by_kind, asked_by) <> (decided_by_kind, decided_by)),
    CONSTRAINT deferral_lift_single_ck   CHECK (two_persons OR state = 'done')
);
-- One at a time, and none after it was done.
CREATE UNIQUE INDEX deferral_lift_live_uk ON deferral_lift (deferral_id) WHERE state <> 'refused';
CREATE INDEX deferral_lift_donor_ix ON deferral_lift (donor_id);
CREATE INDEX deferral_lift_asked_ix ON deferral_lift (id) WHERE state = 'asked';

-- The next day on which age alone changes what next_* say; NULL: none.
ALTER TABLE donor ADD COLUMN age_on date;
CREATE INDEX donor_age_ix ON donor (age_on) WHERE age_on IS NOT NULL;

/*
 * Whose next_* are to be counted again. Every fact leaves a row of its own in the transaction that writes it, and
 * nothing is updated here: writers never wait for each other, and whoever sees the row sees the fact.
 */
CREATE TABLE donor_stale (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    donor_id uuid   NOT NULL,
    CONSTRAINT donor_stale_pk PRIMARY KEY (id)
);

CREATE FUNCTION donor_stale_by_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donor_stale (donor_id) SELECT DISTINCT donor_id FROM fact;
    RETURN NULL;
END
$$;
CREATE FUNCTION donor_stale_by_donor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donor_stale (donor_id) SELECT id FROM fact;
    RETURN NULL;
END
$$;
CREATE FUNCTION donor_stale_by_alias() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donor_stale (donor_id) SELECT donor_id FROM fact UNION SELECT into_id FROM fact;
    RETURN NULL;
END
$$;
CREATE FUNCTION donor_stale_by_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donor_stale (donor_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER donor_stale AFTER INSERT ON donation
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_fact();
CREATE TRIGGER donor_stale AFTER INSERT ON deferral
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_fact();
CREATE TRIGGER donor_stale AFTER INSERT ON donor
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_donor();
CREATE TRIGGER donor_stale_made AFTER INSERT ON donor_alias
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_alias();
CREATE TRIGGER donor_stale_undone AFTER DELETE ON donor_alias
    REFERENCING OLD TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_alias();
-- The birth date is sealed: what else is sealed with it marks the donor too.
CREATE TRIGGER donor_stale_changed AFTER UPDATE OF birth_year, sex, sealed ON donor FOR EACH ROW
    WHEN ((OLD.birth_year, OLD.sex, OLD.sealed) IS DISTINCT FROM (NEW.birth_year, NEW.sex, NEW.sealed))
    EXECUTE FUNCTION donor_stale_by_change();

INSERT INTO donor_stale (donor_id) SELECT id FROM donor;

GRANT SELECT, INSERT ON deferral_lift TO :app_role;
GRANT UPDATE (state, decided_by_kind, decided_by, decided_at) ON deferral_lift TO :app_role;
GRANT SELECT, INSERT, DELETE ON donor_stale TO :app_role;
