-- Why: nothing is written of a donor in the moment of an erasure and missed by it; what is carried over has its audit entry.
-- Locks: donor, for its index and trigger.
-- Oldest daemon: 0.1.0
-- Forward only.

-- Whom the journal of erasures must name.
CREATE INDEX donor_erased_ix ON donor (erased_at) WHERE erased_at IS NOT NULL;

/*
 * Whoever erases holds the rows of the person's records (FOR UPDATE). The statement sees what was committed when it began,
 * these functions what is committed now: what somebody else was writing until the rows were free is there.
 */
CREATE FUNCTION donor_fact_count(ids uuid[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (SELECT count(*) FROM deferral WHERE donor_id = ANY (ids)) + (SELECT count(*) FROM donation WHERE donor_id = ANY (ids));
END $$;

-- Of an erased donor there are no digests and no numbers, whoever wrote them and when.
CREATE FUNCTION donor_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM donor_digest WHERE donor_id = NEW.id;
    DELETE FROM donor_identifier WHERE donor_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER donor_erased AFTER UPDATE OF erased_at ON donor FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION donor_erased();

/*
 * A fact comes before an erasure, and then it was counted for the wait that stays, or it is refused: nobody would meet it.
 * The lock waits for an erasure under way; OFFSET 0 keeps the plan on the primary key, one row after the other.
 */
CREATE OR REPLACE FUNCTION donor_stale_by_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT donor_id FROM fact ORDER BY donor_id) AS f CROSS JOIN LATERAL (
                   SELECT d.erased_at FROM donor AS d WHERE d.id = f.donor_id FOR KEY SHARE OFFSET 0) AS d
               WHERE d.erased_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the donor was erased' USING ERRCODE = '23514', CONSTRAINT = 'fact_donor_erased_ck';
    END IF;
    INSERT INTO donor_stale (donor_id) SELECT DISTINCT donor_id FROM fact;
    RETURN NULL;
END $$;

-- An id as the programs make them: in the order of time.
CREATE FUNCTION uuid7_make() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_byte(b.of, 6, (get_byte(b.of, 6) & 15) | 112), 'hex')::uuid FROM (SELECT overlay(
        uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6) AS of) AS b
$$;

/*
 * What a wait that was carried over is: its audit entry has this digest. Nothing in it is secret, so it takes no key.
 */
CREATE FUNCTION carried_digest(id uuid, donor_id uuid, ends text, until date) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(concat_ws(' ', id, donor_id, ends, to_char(until, 'YYYY-MM-DD')), 'UTF8'))
$$;

-- As before, with an entry in the audit: nobody entered the wait, so the actor is the daemon.
CREATE OR REPLACE FUNCTION suppression_meet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH made AS (
        INSERT INTO deferral (id, donor_id, ends, until, carried)
        SELECT uuid7_make(), NEW.donor_id, CASE WHEN s.until = 'infinity' THEN 'permanent' ELSE 'dated' END,
               nullif(s.until, 'infinity'), true
        FROM suppression AS s WHERE s.digest = NEW.digest
            AND NOT EXISTS (SELECT FROM deferral AS f WHERE f.donor_id = NEW.donor_id AND f.carried
                            AND (f.until >= s.until OR f.ends = 'permanent'))
        RETURNING *)
    INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id, digest_after)
        SELECT uuid7_make(), 'daemon', 'admin', 'deferral.carry', 'deferral', made.id::text,
               (SELECT k.id FROM key AS k WHERE k.kind = 'hash' AND k.state = 'active'), carried_digest(made.id, made.donor_id, made.ends, made.until)
        FROM made;
    RETURN NULL;
END $$;

-- Those that were carried over before.
INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id, digest_after)
    SELECT uuid7_make(), 'daemon', 'admin', 'deferral.carry', 'deferral', f.id::text,
           (SELECT k.id FROM key AS k WHERE k.kind = 'hash' AND k.state = 'active'), carried_digest(f.id, f.donor_id, f.ends, f.until)
    FROM deferral AS f WHERE f.carried;
