-- Why: what phones capture in the field: devices, items, what a person decided about them, and which donations count.
-- Locks: donation and deferral, for one scan each (their CHECKs and foreign keys); access_token, for an instant.
-- Oldest daemon: 0.1.0
-- Forward only.

-- A phone of a team. Its code enrols it once; its token can be revoked alone, and is then good for handing in only.
CREATE TABLE device (
    id          uuid        NOT NULL,
    name        text        NOT NULL,
    team_id     uuid        NOT NULL,
    code_hash   bytea,                            -- BLAKE2b-256 of the one-time code; NULL: none is open
    code_until  timestamptz,
    install     uuid,                             -- that enrolled; may repeat it until its token was used
    created_at  timestamptz NOT NULL DEFAULT now(),
    enrolled_at timestamptz,
    revoked_at  timestamptz,
    CONSTRAINT device_pk      PRIMARY KEY (id),
    CONSTRAINT device_team_fk FOREIGN KEY (team_id) REFERENCES team (id),
    CONSTRAINT device_code_uk UNIQUE (code_hash),
    CONSTRAINT device_code_ck CHECK ((code_hash IS NULL) = (code_until IS NULL)),
    CONSTRAINT device_enrolled_ck CHECK ((enrolled_at IS NULL) = (install IS NULL))
);
-- A name is freed when its device is revoked.
CREATE UNIQUE INDEX device_name_uk ON device (name) WHERE revoked_at IS NULL;

ALTER TABLE access_token ADD COLUMN device_id uuid,
    ADD CONSTRAINT access_token_device_fk FOREIGN KEY (device_id) REFERENCES device (id),
    ADD CONSTRAINT access_token_device_ck CHECK (device_id IS NULL OR role = 'team');
CREATE INDEX access_token_device_ix ON access_token (device_id) WHERE device_id IS NOT NULL;

/*
 * A fact as a phone captured it. Append-only: every content that came under an id is kept, and a correction is an item
 * of its own. What counts is derived when it is read (the views below), so that it does not depend on what came first.
 */
CREATE TABLE item (
    id           uuid        NOT NULL,            -- drawn by the phone
    content_hash bytea       NOT NULL,            -- of the canonical content, under the donor's own key: erasure closes it too
    kind         text        NOT NULL,
    install      uuid        NOT NULL,
    seq          bigint      NOT NULL,            -- counts per install
    captured_at  timestamptz NOT NULL,            -- as the phone's clock had it
    received_at  timestamptz NOT NULL DEFAULT now(),
    corrects     uuid,                            -- id of an item, which may come later
    round_id     uuid,
    donor_id     uuid        NOT NULL,            -- on whose record it lies
    registers    boolean     NOT NULL,            -- that record was made of it
    provisional_id uuid,                          -- by which phones name that donor, unless it is the id of a record from a desk
    device_id    uuid,                            -- that handed it in first
    accepts      boolean,                         -- whether it says that the donor was found fit; NULL: it says neither
    tie          text        COLLATE "C" NOT NULL DEFAULT '8',  -- order of the contents of one id and moment: store/item_store.h
    staff        boolean     NOT NULL DEFAULT false,            -- written at a desk, to correct another
    verdict      text        NOT NULL,            -- the first answer
    held         text[]      NOT NULL,            -- why a person must look, as far as the item alone tells
    sealed       bytea       NOT NULL,            -- the data, with the donor's key
    CONSTRAINT item_pk         PRIMARY KEY (id, content_hash),
    CONSTRAINT item_tie_uk     UNIQUE (id, captured_at, tie),
    CONSTRAINT item_round_fk   FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT item_donor_fk   FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT item_device_fk  FOREIGN KEY (device_id) REFERENCES device (id),
    CONSTRAINT item_hash_ck    CHECK (octet_length(content_hash) = 32),
    CONSTRAINT item_seq_ck     CHECK (seq >= 1),
    CONSTRAINT item_self_ck    CHECK (corrects <> id),
    CONSTRAINT item_staff_ck   CHECK (NOT staff OR corrects IS NOT NULL),
    CONSTRAINT item_kind_ck    CHECK (kind IN ('check_in', 'screening', 'donation', 'deferral', 'reaction', 'gift', 'note')),
    CONSTRAINT item_verdict_ck CHECK (verdict IN ('applied', 'held', 'conflict'))
);
CREATE INDEX item_install_ix ON item (install, seq);
CREATE INDEX item_corrects_ix ON item (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX item_round_ix ON item (round_id, kind);
CREATE INDEX item_donor_ix ON item (donor_id);
CREATE INDEX item_provisional_ix ON item (provisional_id) WHERE provisional_id IS NOT NULL;
CREATE INDEX item_held_ix ON item (id) WHERE held <> '{}';
COMMENT ON TABLE item IS 'What phones captured, as it came. Append-only.';

/*
 * Ids by which phones name a donor, each once, for good: of two that tell a new one in the same moment, one as the id of somebody
 * who is known and one as that of somebody new, the later one must see what the other said. item.provisional_id has the rest.
 */
CREATE TABLE donor_told (
    id uuid NOT NULL,
    CONSTRAINT donor_told_pk PRIMARY KEY (id)
);

/*
 * Somebody else may be meant: found when the item came in. Whom it is a doubt about: item_doubts().
 *   alike    likely the same person as that record
 *   differs  the item tells another name or birth date than the record that bears its number or id
 */
CREATE TABLE item_doubt (
    item_id      uuid NOT NULL,
    content_hash bytea NOT NULL,
    donor_id     uuid NOT NULL,
    reason       text NOT NULL,
    CONSTRAINT item_doubt_pk        PRIMARY KEY (item_id, content_hash, donor_id, reason),
    CONSTRAINT item_doubt_item_fk   FOREIGN KEY (item_id, content_hash) REFERENCES item (id, content_hash),
    CONSTRAINT item_doubt_donor_fk  FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT item_doubt_reason_ck CHECK (reason IN ('alike', 'differs'))
);
CREATE INDEX item_doubt_donor_ix ON item_doubt (donor_id);

/*
 * What a person decided about one content of an item; the last one holds. Append-only. The version of an item
 * (item_version) counts what came to it, so of two people who decide from the same view one finds its version taken.
 *   keep     it is right as it stands: answers what there was to look at then (answers), not what is found out later
 *   drop     it does not count
 *   correct  an item of the staff stands in its place
 */
CREATE TABLE item_decision (
    item_id         uuid        NOT NULL,
    version         bigint      NOT NULL,          -- of the item, from which it was decided
    content_hash    bytea       NOT NULL,
    verb            text        NOT NULL,
    decided_at      timestamptz NOT NULL DEFAULT now(),
    decided_by_kind text        NOT NULL,
    decided_by      text        NOT NULL,
    answers         text[]      NOT NULL DEFAULT '{}',         -- reasons, of keep
    CONSTRAINT item_decision_pk      PRIMARY KEY (item_id, version),
    CONSTRAINT item_decision_item_fk FOREIGN KEY (item_id, content_hash) REFERENCES item (id, content_hash),
    CONSTRAINT item_decision_verb_ck CHECK (verb IN ('keep', 'drop', 'correct'))
);
CREATE INDEX item_decision_item_ix ON item_decision (item_id, content_hash, version DESC);

-- What the audit has of it: nothing in it is secret, so it takes no key.
CREATE FUNCTION item_decision_digest(d item_decision) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(concat_ws(' ', d.item_id, d.version, encode(d.content_hash, 'hex'), d.verb, d.decided_by_kind, d.decided_by,
                                    array_to_string(d.answers, ',')), 'UTF8'))
$$;

ALTER TABLE donation
    ADD COLUMN round_id     uuid,
    ADD COLUMN bag_code     text,                  -- canonical: domain/bag_code.h
    ADD COLUMN outcome      text,
    ADD COLUMN item_id      uuid,
    ADD COLUMN content_hash bytea,
    ADD COLUMN captured_at  timestamptz,
    DROP CONSTRAINT donation_volume_ck,
    ADD CONSTRAINT donation_volume_ck  CHECK (volume_ml BETWEEN 1 AND 1000 OR (volume_ml = 0 AND outcome = 'stopped')),
    ADD CONSTRAINT donation_outcome_ck CHECK (outcome IN ('completed', 'stopped')),
    ADD CONSTRAINT donation_from_item_ck CHECK ((item_id IS NULL) = (content_hash IS NULL) AND (item_id IS NULL) = (captured_at IS NULL)
                                                AND (item_id IS NULL) = (outcome IS NULL)),
    ADD CONSTRAINT donation_round_fk   FOREIGN KEY (round_id) REFERENCES round (id),
    ADD CONSTRAINT donation_item_fk    FOREIGN KEY (item_id, content_hash) REFERENCES item (id, content_hash);
CREATE INDEX donation_item_ix ON donation (item_id, content_hash) WHERE item_id IS NOT NULL;
CREATE INDEX donation_bag_ix ON donation (bag_code) WHERE bag_code IS NOT NULL;
CREATE INDEX donation_round_ix ON donation (round_id) WHERE round_id IS NOT NULL;

ALTER TABLE deferral
    ADD COLUMN item_id      uuid,
    ADD COLUMN content_hash bytea,
    ADD COLUMN captured_at  timestamptz,
    ADD CONSTRAINT deferral_from_item_ck CHECK ((item_id IS NULL) = (content_hash IS NULL) AND (item_id IS NULL) = (captured_at IS NULL)),
    ADD CONSTRAINT deferral_item_fk FOREIGN KEY (item_id, content_hash) REFERENCES item (id, content_hash);
CREATE INDEX deferral_item_ix ON deferral (item_id, content_hash) WHERE item_id IS NOT NULL;

/*
 * The id of the fact that was made of an item's content: the first bytes of its hash, as a UUID of version 8. The hash is
 * made with a random key, so nobody can aim at an id.
 */
CREATE FUNCTION item_fact_id(content_hash bytea) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(set_byte(set_byte(substring(content_hash FROM 1 FOR 16), 6, (get_byte(content_hash, 6) & 15) | 128),
                           8, (get_byte(content_hash, 8) & 63) | 128), 'hex')::uuid
$$;

-- ---- what counts ----

-- What takes the place of another: what its own phone captured later, or what the staff wrote.
CREATE FUNCTION item_corrects(later item, earlier item) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT later.corrects = earlier.id AND later.kind = earlier.kind
       AND (later.staff OR (later.install = earlier.install AND later.seq > earlier.seq))
$$;

-- Whether it came from a revoked phone and nobody said that it is right. It takes the place of nothing.
CREATE FUNCTION item_quarantined(i item) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT 'device_revoked' = ANY (i.held)
       AND (SELECT d.verb FROM item_decision AS d WHERE d.item_id = i.id AND d.content_hash = i.content_hash
            ORDER BY d.version DESC LIMIT 1) IS DISTINCT FROM 'keep'
$$;

-- Contents that nobody dropped and that are not corrected.
CREATE VIEW item_standing AS
    SELECT i.*, CASE WHEN i.held = '{}' THEN false ELSE item_quarantined(i) END AS quarantined FROM item AS i
    WHERE (SELECT d.verb FROM item_decision AS d WHERE d.item_id = i.id AND d.content_hash = i.content_hash
           ORDER BY d.version DESC LIMIT 1) IS DISTINCT FROM 'drop'
      AND NOT EXISTS (SELECT FROM item AS c WHERE c.corrects = i.id AND item_corrects(c, i) AND NOT item_quarantined(c)
                      AND (SELECT d.verb FROM item_decision AS d WHERE d.item_id = c.id AND d.content_hash = c.content_hash
           ORDER BY d.version DESC LIMIT 1) IS DISTINCT FROM 'drop');

-- Items that tell the same fact as this one, since they correct one another, in whatever way.
CREATE FUNCTION item_kin(one uuid) RETURNS SETOF uuid LANGUAGE sql STABLE ROWS 2 AS $$
    WITH RECURSIVE kin AS (
        SELECT one AS id
        UNION
        SELECT x.id FROM kin JOIN item AS i ON i.id = kin.id CROSS JOIN LATERAL (
            SELECT c.id FROM item AS c WHERE c.corrects = i.id AND item_corrects(c, i)
            UNION ALL
            SELECT o.id FROM item AS o WHERE o.id = i.corrects AND item_corrects(i, o)) AS x
    ) SELECT kin.id FROM kin WHERE kin.id <> one
$$;

-- The same of one that is about to be written.
CREATE FUNCTION item_kin_to_be(one uuid, corrected uuid, its_install uuid, its_seq bigint, its_kind text, by_staff boolean)
    RETURNS SETOF uuid LANGUAGE sql STABLE ROWS 2 AS $$
    WITH next AS MATERIALIZED (
        SELECT o.id FROM item AS o WHERE o.id = corrected AND o.kind = its_kind AND (by_staff OR (o.install = its_install AND o.seq < its_seq))
        UNION
        SELECT c.id FROM item AS c WHERE c.corrects = one AND c.kind = its_kind AND (c.staff OR (c.install = its_install AND c.seq > its_seq))
    ) SELECT next.id FROM next UNION SELECT k.id FROM next CROSS JOIN LATERAL item_kin(next.id) AS k (id)
$$;

/*
 * Of several contents that stand under one id, or in the place of one item, the lowest (captured_at, id, tie), but what is
 * in quarantine last; all of them are open for a person.
 */
CREATE VIEW item_counting AS
    SELECT s.*,
        EXISTS (SELECT FROM item_standing AS o WHERE o.id = s.id AND o.content_hash <> s.content_hash)
        OR ((s.corrects IS NOT NULL OR EXISTS (SELECT FROM item AS c WHERE c.corrects = s.id))
            AND EXISTS (SELECT FROM item_kin(s.id) AS k (id) JOIN item_standing AS o ON o.id = k.id)) AS open
    FROM item_standing AS s
    WHERE NOT EXISTS (SELECT FROM item_standing AS o WHERE o.id = s.id AND o.content_hash <> s.content_hash
                      AND (o.quarantined, o.captured_at, o.tie) < (s.quarantined, s.captured_at, s.tie))
      AND NOT ((s.corrects IS NOT NULL OR EXISTS (SELECT FROM item AS c WHERE c.corrects = s.id))
               AND EXISTS (SELECT FROM item_kin(s.id) AS k (id) JOIN item_standing AS o ON o.id = k.id
                           WHERE (o.quarantined, o.captured_at, o.id) < (s.quarantined, s.captured_at, s.id)));

/*
 * What a few indexes tell of a record: whether anything is known of the person, whether nothing could be a reason to look
 * (one record, no doubts), whether there are waits. Of many each is asked for by itself (OFFSET 0), never all that there are.
 */
CREATE VIEW donor_glance AS
    SELECT d.id, d.birth_year IS NOT NULL OR d.erased_at IS NOT NULL AS known,
        NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.into_id = d.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM item_doubt AS t WHERE t.donor_id = d.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id WHERE o.donor_id = d.id OFFSET 0) AS plain,
        EXISTS (SELECT FROM deferral AS f WHERE f.donor_id = d.id OFFSET 0) AS waits
    FROM donor AS d;

/*
 * And of an item. Nearly all are `alone`: one content, which corrects nothing and is not corrected, and nothing was decided; and
 * `plain`: it counts, nothing at all is to be said of it, and nobody need look. What is asked for each of many is asked for
 * that first, in functions: the planner then sees the rest only when it is wanted, and each looks by an index, whatever
 * the tables looked like when it was planned. Of one of which it is not so, the long way tells.
 */
CREATE VIEW item_glance AS
    SELECT i.id, i.content_hash, i.kind, i.round_id, i.donor_id, i.accepts, i.received_at,
        i.corrects IS NULL
        AND NOT EXISTS (SELECT FROM item AS o WHERE o.id = i.id AND o.content_hash <> i.content_hash OFFSET 0)
        AND NOT EXISTS (SELECT FROM item AS c WHERE c.corrects = i.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM item_decision AS d WHERE d.item_id = i.id OFFSET 0) AS alone,
        i.held = '{}' AND i.corrects IS NULL
        AND NOT EXISTS (SELECT FROM item AS o WHERE o.id = i.id AND o.content_hash <> i.content_hash OFFSET 0)
        AND NOT EXISTS (SELECT FROM item AS c WHERE c.corrects = i.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM item_decision AS d WHERE d.item_id = i.id OFFSET 0)
        AND (SELECT g.known AND g.plain AND NOT (i.kind = 'donation' AND g.waits) FROM donor_glance AS g WHERE g.id = i.donor_id)
        AND (i.provisional_id IS NULL OR NOT EXISTS (SELECT FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id
                                                     WHERE o.provisional_id = i.provisional_id OFFSET 0))
        AND NOT EXISTS (SELECT FROM donation AS n JOIN donation AS b ON b.bag_code = n.bag_code AND b.item_id <> n.item_id
                        WHERE n.item_id = i.id AND n.content_hash = i.content_hash OFFSET 0)
        AND NOT EXISTS (SELECT FROM donation AS n JOIN donation AS o ON o.donor_id = n.donor_id AND o.donated_on = n.donated_on
                        WHERE n.item_id = i.id AND n.content_hash = i.content_hash AND o.item_id IS DISTINCT FROM i.id OFFSET 0) AS plain
    FROM item AS i;

CREATE FUNCTION item_alone(of_item uuid, of_content bytea) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT g.alone FROM item_glance AS g WHERE g.id = of_item AND g.content_hash = of_content);
END $$;

-- Whether it is in item_counting.
CREATE FUNCTION item_counts(of_item uuid, of_content bytea) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    IF item_alone(of_item, of_content) THEN
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM item_counting AS c WHERE c.id = of_item AND c.content_hash = of_content);
END $$;

-- Whether a person must choose: another content stands under its id, or in the place of one item with it.
CREATE FUNCTION item_contested(of_item uuid, of_content bytea) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN item_alone(of_item, of_content) IS NOT TRUE AND (
        EXISTS (SELECT FROM item_standing AS o WHERE o.id = of_item AND o.content_hash <> of_content)
        OR ((EXISTS (SELECT FROM item AS i WHERE i.id = of_item AND i.content_hash = of_content AND i.corrects IS NOT NULL)
             OR EXISTS (SELECT FROM item AS c WHERE c.corrects = of_item))
            AND EXISTS (SELECT FROM item_kin(of_item) AS k (id) JOIN item_standing AS o ON o.id = k.id)));
END $$;

CREATE VIEW deferral_counting AS
    SELECT f.* FROM deferral AS f WHERE f.item_id IS NULL OR item_counts(f.item_id, f.content_hash);

-- Rows of donations that stand, before one bag is asked for twice.
CREATE VIEW donation_standing AS
    SELECT n.*, n.item_id IS NOT NULL AND (SELECT CASE WHEN i.held = '{}' THEN false ELSE item_quarantined(i) END FROM item AS i
                                           WHERE i.id = n.item_id AND i.content_hash = n.content_hash) AS quarantined
    FROM donation AS n
    WHERE NOT EXISTS (SELECT FROM donation AS o WHERE o.corrects = n.id)
      AND (n.item_id IS NULL OR item_counts(n.item_id, n.content_hash));

-- All records that are one person with this one.
CREATE FUNCTION item_person_records(one uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    stands uuid := coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = one), one);
BEGIN
    RETURN stands || ARRAY(SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = stands);
END $$;

-- Whether that bag stands in another item than this one.
CREATE FUNCTION bag_elsewhere(bag text, of_item uuid) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN EXISTS (SELECT FROM donation AS b WHERE b.bag_code = bag AND b.item_id <> of_item)
       AND EXISTS (SELECT FROM donation_standing AS b WHERE b.bag_code = bag AND b.item_id <> of_item);
END $$;

-- Whether it stands there in a row that goes before this one.
CREATE FUNCTION bag_lost(n donation_standing) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN EXISTS (SELECT FROM donation_standing AS b WHERE b.bag_code = n.bag_code AND b.item_id <> n.item_id
                   AND (b.quarantined, b.captured_at, b.item_id) < (n.quarantined, n.captured_at, n.item_id));
END $$;

-- Whether a wait of this donor was known at that moment, and held on that day.
CREATE FUNCTION wait_was_known(its_donor uuid, gave_on date, captured timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
DECLARE
    records uuid[] := item_person_records(its_donor);
BEGIN
    RETURN EXISTS (SELECT FROM deferral AS f WHERE f.donor_id = ANY (records) AND f.lifts IS NULL)
       AND EXISTS (SELECT FROM deferral_counting AS f WHERE f.donor_id = ANY (records)
                   AND f.lifts IS NULL AND (f.until IS NULL OR f.until > gave_on)
                   AND (f.carried OR coalesce(f.captured_at, f.recorded_at)
                       < CASE WHEN (captured AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = gave_on THEN captured
                              ELSE (gave_on + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' END)
                   AND NOT EXISTS (SELECT FROM deferral AS l WHERE l.lifts = f.id));
END $$;

-- Whether blood of this person was given in another row, too, on that day, whatever stands of it.
CREATE FUNCTION gave_that_day(its_donor uuid, gave_on date, of_item uuid) RETURNS boolean LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
BEGIN
    RETURN EXISTS (SELECT FROM donation AS o WHERE o.donor_id = ANY (item_person_records(its_donor)) AND o.donated_on = gave_on
                   AND o.item_id IS DISTINCT FROM of_item AND o.volume_ml > 0);
END $$;

/*
 * Whether one of them stands, and tells another fact: no interval of Article 6 is shorter than a day, so it is one donation
 * that was written twice, or two people. Of one bag a person is asked already. What a revoked phone tells puts nothing in doubt.
 */
CREATE FUNCTION gave_again(its_donor uuid, gave_on date, of_item uuid, bag text, kin uuid[]) RETURNS boolean LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
BEGIN
    RETURN EXISTS (SELECT FROM donation_standing AS o WHERE o.donor_id = ANY (item_person_records(its_donor)) AND o.donated_on = gave_on
                   AND o.item_id IS DISTINCT FROM of_item AND o.volume_ml > 0 AND o.evidence = 'confirmed' AND NOT o.quarantined
                   AND (o.bag_code IS NULL OR o.bag_code IS DISTINCT FROM bag) AND (o.item_id IS NULL OR o.item_id <> ALL (kin)));
END $$;

-- Whether no merge and no "these are two" has answered who is who. Of one and the same record nothing does.
CREATE FUNCTION item_doubt_stands(one uuid, two uuid) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    ones uuid[] := item_person_records(one);
    twos uuid[];
BEGIN
    IF one = two OR two = ANY (ones) THEN
        RETURN one = two;
    END IF;
    twos := item_person_records(two);
    RETURN NOT EXISTS (SELECT FROM donor_distinct AS x WHERE x.one_id = ANY (ones) AND x.two_id = ANY (twos))
       AND NOT EXISTS (SELECT FROM donor_distinct AS x WHERE x.one_id = ANY (twos) AND x.two_id = ANY (ones));
END $$;

-- Doubts that stand: what the item tells of the record that it lies on (on_id), or of another person's.
CREATE VIEW item_doubt_open AS
    SELECT t.*, i.donor_id AS on_id, i.provisional_id FROM item_doubt AS t
        JOIN item AS i ON i.id = t.item_id AND i.content_hash = t.content_hash
    WHERE item_doubt_stands(i.donor_id, t.donor_id);

/*
 * Doubts about others that are doubts about whatever lies on this record, or names its donor by this id: of a record that was
 * made of items nobody knows which of them told its name first, and of an id nobody knows which of them told the right
 * person. Of a record from a desk the name is known. A name that differs is answered where that item was decided. What a revoked
 * phone tells puts nothing else in doubt.
 */
CREATE FUNCTION item_doubts(its_donor uuid, its_provisional uuid) RETURNS SETOF text LANGUAGE plpgsql STABLE ROWS 1
    SET enable_seqscan = off AS $$
DECLARE
    records uuid[] := item_person_records(its_donor);
    doubted text;
BEGIN
    IF NOT EXISTS (SELECT FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id WHERE o.provisional_id = its_provisional)
       AND NOT EXISTS (SELECT FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id WHERE o.donor_id = ANY (records))
       AND NOT EXISTS (SELECT FROM item_doubt AS t WHERE t.donor_id = ANY (records)) THEN
        RETURN;
    END IF;
    records := ARRAY(SELECT r.id FROM unnest(records) AS r (id) WHERE EXISTS (SELECT FROM item AS m WHERE m.donor_id = r.id AND m.registers));
    FOREACH doubted IN ARRAY ARRAY['alike', 'differs'] LOOP
        IF EXISTS (                      -- one is enough: where many are alike, each has many
            SELECT FROM (
                SELECT t.*, o.donor_id AS on_id FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id AND t.content_hash = o.content_hash
                    WHERE o.provisional_id = its_provisional
                UNION ALL
                SELECT t.*, o.donor_id FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id AND t.content_hash = o.content_hash
                    WHERE o.donor_id = ANY (records)
                UNION ALL
                SELECT t.*, o.donor_id FROM item_doubt AS t JOIN item AS o ON o.id = t.item_id AND o.content_hash = t.content_hash
                    WHERE t.donor_id = ANY (records)
                OFFSET 0) AS t
            WHERE t.reason = doubted AND (t.reason = 'alike' OR NOT EXISTS (
                    SELECT FROM item_decision AS d WHERE d.item_id = t.item_id AND d.content_hash = t.content_hash))
              AND NOT EXISTS (SELECT FROM item AS q WHERE q.id = t.item_id AND q.content_hash = t.content_hash
                              AND q.held <> '{}' AND item_quarantined(q))
              AND item_doubt_stands(t.on_id, t.donor_id)) THEN
            RETURN NEXT doubted;
        END IF;
    END LOOP;
END $$;

/*
 * Why a person must look at an item, or had to, a row for each reason.
 *   newer_deferral        a wait was known before the donation, and held on its day; what is left of an erased record always was
 *   same_day              the person gave in another item, too, on that day
 *   donor_unknown         nothing is known of the person but perhaps a number
 *   correction_unmatched  it corrects nothing that this phone captured before it
 */
CREATE FUNCTION item_reasons_ever(of_item uuid, of_content bytea) RETURNS SETOF text LANGUAGE plpgsql STABLE ROWS 1
    SET enable_seqscan = off AS $$
DECLARE
    its record;
    doubted text;
BEGIN
    SELECT i.held, i.donor_id, i.provisional_id, i.corrects, d.birth_year IS NOT NULL OR d.erased_at IS NOT NULL AS known INTO its
        FROM item AS i JOIN donor AS d ON d.id = i.donor_id WHERE i.id = of_item AND i.content_hash = of_content;
    IF its.held <> '{}' THEN
        RETURN QUERY SELECT unnest(its.held);
    END IF;
    FOREACH doubted IN ARRAY ARRAY['alike', 'differs'] LOOP
        IF EXISTS (SELECT FROM (SELECT t.donor_id FROM item_doubt AS t WHERE t.item_id = of_item AND t.content_hash = of_content
                                AND t.reason = doubted OFFSET 0) AS t WHERE item_doubt_stands(its.donor_id, t.donor_id)) THEN
            RETURN NEXT doubted;
        END IF;
    END LOOP;
    RETURN QUERY SELECT item_doubts(its.donor_id, its.provisional_id);
    IF NOT its.known AND NOT EXISTS (SELECT FROM donor AS d WHERE d.id = ANY (item_person_records(its.donor_id))
                                     AND (d.birth_year IS NOT NULL OR d.erased_at IS NOT NULL)) THEN
        RETURN NEXT 'donor_unknown';
    END IF;
    IF its.corrects IS NOT NULL AND NOT EXISTS (SELECT FROM item AS i JOIN item AS o ON o.id = i.corrects AND item_corrects(i, o)
                                                WHERE i.id = of_item AND i.content_hash = of_content) THEN
        RETURN NEXT 'correction_unmatched';
    END IF;
    RETURN QUERY SELECT 'newer_deferral' FROM donation AS n WHERE n.item_id = of_item AND n.content_hash = of_content
        AND wait_was_known(its.donor_id, n.donated_on, n.captured_at);
    RETURN QUERY SELECT 'same_day' FROM donation AS n WHERE n.item_id = of_item AND n.content_hash = of_content AND n.volume_ml > 0
        AND gave_that_day(its.donor_id, n.donated_on, of_item)
        AND gave_again(its.donor_id, n.donated_on, of_item, n.bag_code, ARRAY(SELECT item_kin(of_item)));
END $$;

-- Whether nothing that is known of its donor could be a reason to look: one record, no doubts, no waits where blood is given.
CREATE FUNCTION item_donor_plain(its_donor uuid, its_provisional uuid, gives boolean) RETURNS boolean LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
BEGIN
    RETURN NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = its_donor)
       AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.into_id = its_donor)
       AND NOT EXISTS (SELECT FROM item_doubt AS t WHERE t.donor_id = its_donor)
       AND NOT EXISTS (SELECT FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id WHERE o.donor_id = its_donor)
       AND (its_provisional IS NULL
            OR NOT EXISTS (SELECT FROM item AS o JOIN item_doubt AS t ON t.item_id = o.id WHERE o.provisional_id = its_provisional))
       AND NOT (gives AND EXISTS (SELECT FROM deferral AS f WHERE f.donor_id = its_donor));
END $$;

/*
 * The first answer to what comes in now, as far as the database has it: whether it is about one that is there, or somebody
 * must look. Facts that were made of it may be there already: they stand when its row does.
 */
CREATE FUNCTION item_verdict(of_item uuid, its_kind text, its_install uuid, its_seq bigint, by_staff boolean, corrected uuid,
    its_donor uuid, its_provisional uuid, bag text, gave_on date, gave_ml integer, captured timestamptz) RETURNS text LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
BEGIN
    IF gave_on IS NOT NULL AND EXISTS (SELECT FROM donation AS b WHERE b.bag_code = bag AND b.item_id <> of_item)
       AND EXISTS (SELECT FROM donation_standing AS b WHERE b.bag_code = bag AND b.item_id <> of_item AND b.item_id NOT IN (
                   SELECT item_kin_to_be(of_item, corrected, its_install, its_seq, its_kind, by_staff))) THEN
        RETURN 'conflict';
    END IF;
    IF corrected IS NOT NULL AND NOT EXISTS (SELECT FROM item AS o WHERE o.id = corrected AND o.kind = its_kind
                                             AND (by_staff OR (o.install = its_install AND o.seq < its_seq))) THEN
        RETURN 'held';
    END IF;
    IF gave_ml > 0 AND gave_that_day(its_donor, gave_on, of_item) AND gave_again(its_donor, gave_on, of_item, bag,
            ARRAY(SELECT item_kin_to_be(of_item, corrected, its_install, its_seq, its_kind, by_staff))) THEN
        RETURN 'held';
    END IF;
    IF item_donor_plain(its_donor, its_provisional, gave_on IS NOT NULL) THEN
        RETURN 'applied';
    END IF;
    IF gave_on IS NOT NULL AND wait_was_known(its_donor, gave_on, captured) THEN
        RETURN 'held';
    END IF;
    RETURN CASE WHEN EXISTS (SELECT FROM item_doubts(its_donor, its_provisional)) THEN 'held' ELSE 'applied' END;
END $$;

/*
 * Of many that are written at once each is answered as if it had come alone, after those before it: a trigger sees the rows
 * that its own statement has written so far. Who writes them names what is known of each by itself, in the order in which
 * they came, when the facts and doubts that were made of all of them are there.
 */
CREATE FUNCTION item_first_answer() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    answer text;
    bag text;
    gave_on date;
    gave_ml integer;
    plain boolean;
BEGIN
    SELECT n.bag_code, n.donated_on, n.volume_ml,
        NEW.corrects IS NULL AND NEW.provisional_id IS NULL
        AND NOT EXISTS (SELECT FROM donation AS b WHERE b.bag_code = n.bag_code AND b.item_id <> NEW.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM donation AS o WHERE o.donor_id = n.donor_id AND o.donated_on = n.donated_on
                        AND o.item_id IS DISTINCT FROM NEW.id OFFSET 0)
        AND (SELECT g.plain AND NOT (n.donated_on IS NOT NULL AND g.waits) FROM donor_glance AS g WHERE g.id = NEW.donor_id)
        INTO bag, gave_on, gave_ml, plain
        FROM (SELECT 1) AS one LEFT JOIN donation AS n ON NEW.kind = 'donation' AND n.item_id = NEW.id AND n.content_hash = NEW.content_hash;
    IF plain THEN
        RETURN NEW;             -- nearly all; the function would say 'applied'
    END IF;
    answer := item_verdict(NEW.id, NEW.kind, NEW.install, NEW.seq, NEW.staff, NEW.corrects, NEW.donor_id, NEW.provisional_id,
                           bag, gave_on, gave_ml, NEW.captured_at);
    IF answer <> 'applied' THEN
        NEW.verdict := answer;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER item_first_answer BEFORE INSERT ON item FOR EACH ROW WHEN (NEW.verdict <> 'conflict') EXECUTE FUNCTION item_first_answer();

CREATE FUNCTION item_plain(of_item uuid, of_content bytea) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT g.plain FROM item_glance AS g WHERE g.id = of_item AND g.content_hash = of_content);
END $$;

CREATE VIEW item_reason_ever AS
    SELECT i.id, i.content_hash, r.reason FROM item AS i CROSS JOIN LATERAL item_reasons_ever(i.id, i.content_hash) AS r (reason);

-- Those that no decision has answered.
CREATE FUNCTION item_reasons(of_item uuid, of_content bytea) RETURNS SETOF text LANGUAGE plpgsql STABLE ROWS 1
    SET enable_seqscan = off AS $$
BEGIN
    IF item_plain(of_item, of_content) THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT r.reason FROM item_reasons_ever(of_item, of_content) AS r (reason) LEFT JOIN LATERAL (
        SELECT d.verb, d.answers FROM item_decision AS d WHERE d.item_id = of_item AND d.content_hash = of_content ORDER BY d.version DESC LIMIT 1
    ) AS d ON true
    WHERE d.verb IS NULL OR d.verb = 'correct' OR (d.verb = 'keep' AND r.reason <> ALL (d.answers));
END $$;
CREATE VIEW item_reason AS
    SELECT i.id, i.content_hash, r.reason FROM item AS i CROSS JOIN LATERAL item_reasons(i.id, i.content_hash) AS r (reason);

/*
 * Donations that count. `held`: a person must look; `open`: several contents stand under its item, or one bag in several
 * items, and the lowest (captured_at, id, hash) is shown. Who reads counts alone does not pay for either.
 */
CREATE VIEW donation_counting AS
    SELECT n.*,
        n.item_id IS NOT NULL AND EXISTS (SELECT FROM item_reasons(n.item_id, n.content_hash)) AS held,
        n.item_id IS NOT NULL AND (item_contested(n.item_id, n.content_hash) OR bag_elsewhere(n.bag_code, n.item_id)) AS open
    FROM donation_standing AS n
    WHERE n.bag_code IS NULL OR n.item_id IS NULL
       OR NOT EXISTS (SELECT FROM donation AS b WHERE b.bag_code = n.bag_code AND b.item_id <> n.item_id)
       OR NOT bag_lost(n);

-- How a content stands: counts, held, open, corrected, dropped.
CREATE FUNCTION item_stands(of_item uuid, of_content bytea) RETURNS text LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    IF item_plain(of_item, of_content) THEN
        RETURN 'counts';
    END IF;
    IF NOT EXISTS (SELECT FROM item_standing AS s WHERE s.id = of_item AND s.content_hash = of_content) THEN
        RETURN CASE WHEN (SELECT d.verb FROM item_decision AS d WHERE d.item_id = of_item AND d.content_hash = of_content
                          ORDER BY d.version DESC LIMIT 1) = 'drop' THEN 'dropped' ELSE 'corrected' END;
    END IF;
    RETURN CASE WHEN item_contested(of_item, of_content)
                     OR EXISTS (SELECT FROM donation AS n WHERE n.item_id = of_item AND n.content_hash = of_content
                                AND bag_elsewhere(n.bag_code, of_item)) THEN 'open'
                WHEN EXISTS (SELECT FROM item_reasons(of_item, of_content)) THEN 'held'
                ELSE 'counts' END;
END $$;
CREATE VIEW item_state AS
    SELECT i.id, i.content_hash, item_stands(i.id, i.content_hash) AS state FROM item AS i;

-- The same of many, side by side, and why a person must look.
CREATE FUNCTION item_receipt(items uuid[], contents bytea[]) RETURNS TABLE (n bigint, state text, reasons text[]) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT k.n, s.state, CASE WHEN s.state = 'counts' THEN '{}' ELSE ARRAY(
            SELECT DISTINCT r.reason FROM item_reasons(k.id, k.content_hash) AS r (reason) ORDER BY 1) END
        FROM unnest(items, contents) WITH ORDINALITY AS k (id, content_hash, n) CROSS JOIN LATERAL (
            SELECT CASE WHEN (SELECT g.plain FROM item_glance AS g WHERE g.id = k.id AND g.content_hash = k.content_hash) THEN 'counts'
                        ELSE item_stands(k.id, k.content_hash) END AS state OFFSET 0) AS s;
END $$;

-- What came of these phones, in runs without a gap.
CREATE FUNCTION item_runs(installs uuid[]) RETURNS TABLE (install uuid, first bigint, last bigint) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT k.install, r.first, r.last FROM unnest(installs) AS k (install) CROSS JOIN LATERAL (
        SELECT min(s.seq) AS first, max(s.seq) AS last FROM (
            SELECT i.seq, i.seq - dense_rank() OVER (ORDER BY i.seq) AS run FROM item AS i WHERE i.install = k.install) AS s
        GROUP BY s.run) AS r;
END $$;

-- ---- what a person decides about ----

/*
 * Whose work it is to look: the staff of its round. What names no round (a deferral need not) is looked at where its phone
 * was that day: in the rounds of which it captured something, else in those of its team. None: the province's.
 */
CREATE FUNCTION item_rounds(of_round uuid, of_install uuid, of_device uuid, captured timestamptz) RETURNS SETOF uuid LANGUAGE plpgsql STABLE
    ROWS 1 SET enable_seqscan = off AS $$
DECLARE
    on_day date := (captured AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
BEGIN
    IF of_round IS NOT NULL THEN
        RETURN NEXT of_round;
        RETURN;
    END IF;
    RETURN QUERY SELECT DISTINCT o.round_id FROM item AS o WHERE o.install = of_install AND o.round_id IS NOT NULL
        AND o.device_id IS NOT DISTINCT FROM of_device AND (o.captured_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = on_day;
    IF NOT FOUND THEN
        RETURN QUERY SELECT r.id FROM device AS d JOIN round AS r ON r.team_id = d.team_id
            WHERE d.id = of_device AND on_day BETWEEN r.from_day AND r.to_day AND r.status <> 'cancelled';
    END IF;
END $$;

-- Grows with everything that comes to an item: contents, decisions, what corrects it.
CREATE FUNCTION item_version(of_item uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM item AS i WHERE i.id = of_item) + (SELECT count(*) FROM item_decision AS d WHERE d.item_id = of_item)
         + (SELECT count(*) FROM item AS c WHERE c.corrects = of_item)
$$;

-- Items that are decided together with this one: it, what corrects it or is corrected, and all that name the same bag.
CREATE FUNCTION item_case(of_item uuid) RETURNS SETOF uuid LANGUAGE sql STABLE ROWS 2 AS $$
    WITH kin AS MATERIALIZED (SELECT of_item AS id UNION ALL SELECT item_kin(of_item))
    SELECT kin.id FROM kin
    UNION SELECT b.item_id FROM kin JOIN donation AS n ON n.item_id = kin.id JOIN donation AS b ON b.bag_code = n.bag_code AND b.item_id IS NOT NULL
$$;
-- And what a person must see beside it: what else was given by that person on that day. Each of these is decided by itself.
CREATE FUNCTION item_beside(of_item uuid) RETURNS SETOF uuid LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT c FROM item_case(of_item) AS c
    UNION SELECT b.item_id FROM donation AS n JOIN donation AS b ON b.donor_id = ANY (item_person_records(n.donor_id)) AND b.donated_on = n.donated_on
        WHERE n.item_id = of_item AND b.item_id IS NOT NULL
$$;
-- With the reasons, below: who has not seen one does not answer it, though as many as before may be there.
CREATE FUNCTION item_case_version(of_item uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH those AS MATERIALIZED (SELECT c AS id FROM item_case(of_item) AS c),
    told AS MATERIALIZED (SELECT DISTINCT concat_ws(' ', r.id, r.content_hash, r.reason) AS line
        FROM those CROSS JOIN LATERAL (SELECT e.id, e.content_hash, e.reason FROM item_reason_ever AS e WHERE e.id = those.id) AS r)
    SELECT ((SELECT sum(item_version(those.id)) FROM those)::bigint << 40)
         + ('x' || substr(encode(sha256(convert_to((SELECT coalesce(string_agg(told.line, ',' ORDER BY told.line), '') FROM told),
                                                   'UTF8')), 'hex'), 1, 10))::bit(40)::bigint
$$;

-- ---- the result of a round ----

/*
 * Sums over what counts, live: what is held counts, too. No row: nothing was captured. A figure is NULL where no item of a kind
 * that tells it is there.
 *   registered  who came, or had a place under a name (0018)          present   who came: by an item, or checked in at the desk
 *   accepted    who was found fit, or gave
 *   units       donations with blood in the bag         parts  "component volume outcome how_many"
 */
CREATE FUNCTION round_figures(of_round uuid) RETURNS TABLE (registered bigint, present bigint, accepted bigint, units bigint, ml bigint,
    parts text[], told_at timestamptz) LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM item AS i WHERE i.round_id = of_round) AND NOT EXISTS (SELECT FROM donation AS n WHERE n.round_id = of_round) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH seen AS MATERIALIZED (
        SELECT i.kind, i.accepts, i.received_at AS told_at,
            coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = i.donor_id), i.donor_id) AS who
        FROM item_glance AS i
        WHERE i.round_id = of_round AND i.kind IN ('check_in', 'screening', 'donation')
          AND CASE WHEN i.alone THEN true ELSE item_counts(i.id, i.content_hash) END
    ), gave AS MATERIALIZED (
        SELECT n.component, coalesce(n.volume_ml, 0) AS ml, coalesce(n.outcome, 'completed') AS outcome, n.recorded_at AS told_at,
            coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = n.donor_id), n.donor_id) AS who
        FROM donation AS n
        WHERE n.round_id = of_round AND n.evidence = 'confirmed'
          AND CASE WHEN NOT EXISTS (SELECT FROM donation AS o WHERE o.corrects = n.id OFFSET 0)
                    AND (SELECT i.alone FROM item_glance AS i WHERE i.id = n.item_id AND i.content_hash = n.content_hash)
                    AND NOT EXISTS (SELECT FROM donation AS b WHERE b.bag_code = n.bag_code AND b.item_id <> n.item_id OFFSET 0) THEN true
                   ELSE EXISTS (SELECT FROM donation_counting AS c WHERE c.id = n.id OFFSET 0) END
    ), person AS (
        SELECT who, true AS came, accepts, kind <> 'check_in' AS judged, kind = 'donation' AS gives, seen.told_at FROM seen
        UNION ALL SELECT who, true, true, true, true, gave.told_at FROM gave
        UNION ALL SELECT coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = p.donor_id), p.donor_id), p.state = 'checked_in',
            false, false, false, CASE WHEN p.state = 'checked_in' THEN coalesce(p.ended_at, p.created_at) END
        FROM appointment AS p WHERE p.round_id = of_round AND p.donor_id IS NOT NULL AND p.state IN ('booked', 'checked_in', 'no_show')
    ), part AS (
        SELECT component, gave.ml, outcome, count(*) AS n FROM gave GROUP BY 1, 2, 3
    )
    SELECT count(DISTINCT who), count(DISTINCT who) FILTER (WHERE came),
        CASE WHEN bool_or(judged) THEN count(DISTINCT who) FILTER (WHERE accepts) END,
        CASE WHEN bool_or(gives) THEN (SELECT count(*) FROM gave WHERE gave.ml > 0) END,
        CASE WHEN bool_or(gives) THEN (SELECT coalesce(sum(gave.ml), 0) FROM gave) END,
        ARRAY(SELECT concat_ws(' ', component, part.ml, outcome, n) FROM part ORDER BY component, part.ml, outcome),
        max(person.told_at)
    FROM person HAVING bool_or(came);
END $$;

/*
 * Results are others now. A job moves the version of the rounds once a second and takes these rows away: public answers
 * are kept in memory until it moves.
 */
CREATE TABLE result_changed (
    id bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT result_changed_pk PRIMARY KEY (id)
);
CREATE FUNCTION result_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO result_changed DEFAULT VALUES;
    RETURN NULL;
END $$;
CREATE TRIGGER result_changed AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION result_changed();
CREATE TRIGGER result_changed AFTER INSERT ON item_decision FOR EACH STATEMENT EXECUTE FUNCTION result_changed();
CREATE TRIGGER result_changed AFTER INSERT ON donation FOR EACH STATEMENT EXECUTE FUNCTION result_changed();
CREATE TRIGGER result_changed AFTER INSERT OR UPDATE OR DELETE ON donor_alias FOR EACH STATEMENT EXECUTE FUNCTION result_changed();

-- ---- whose next days are to be counted again ----

-- As in 0014, and for those whose donation is corrected, or loses its bag to a lower one.
CREATE FUNCTION donor_stale_by_donation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT donor_id FROM fact ORDER BY donor_id) AS f CROSS JOIN LATERAL (
                   SELECT d.erased_at FROM donor AS d WHERE d.id = f.donor_id FOR KEY SHARE OFFSET 0) AS d
               WHERE d.erased_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the donor was erased' USING ERRCODE = '23514', CONSTRAINT = 'fact_donor_erased_ck';
    END IF;
    INSERT INTO donor_stale (donor_id)
        SELECT donor_id FROM fact
        UNION SELECT o.donor_id FROM fact AS f JOIN donation AS o ON o.id = f.corrects
        UNION SELECT o.donor_id FROM fact AS f JOIN donation AS o ON o.bag_code = f.bag_code;
    RETURN NULL;
END $$;
DROP TRIGGER donor_stale ON donation;
CREATE TRIGGER donor_stale AFTER INSERT ON donation
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_donation();

-- Whose facts were made of these items, or of others that name the same bag.
CREATE FUNCTION fact_donors(items uuid[]) RETURNS TABLE (donor_id uuid) LANGUAGE plpgsql STABLE AS $$
DECLARE
    item uuid;
BEGIN
    FOREACH item IN ARRAY items LOOP     -- one by one: each by its index, whatever the tables looked like when it was planned
        RETURN QUERY SELECT n.donor_id FROM donation AS n WHERE n.item_id = item
            UNION SELECT b.donor_id FROM donation AS n JOIN donation AS b ON b.bag_code = n.bag_code WHERE n.item_id = item
            UNION SELECT f.donor_id FROM deferral AS f WHERE f.item_id = item;
    END LOOP;
END $$;

-- Another content under an id, a correction, or a decision changes what counts of facts that are there.
CREATE FUNCTION donor_stale_by_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donor_stale (donor_id)
        SELECT DISTINCT d.donor_id FROM fact_donors(ARRAY(
            SELECT f.id FROM fact AS f JOIN item AS o ON o.id = f.id AND o.content_hash <> f.content_hash
            UNION SELECT x.id FROM (SELECT f.id FROM fact AS f WHERE f.corrects IS NOT NULL
                                    UNION SELECT f.id FROM fact AS f JOIN item AS c ON c.corrects = f.id OFFSET 0) AS f
                CROSS JOIN LATERAL (SELECT f.id UNION ALL SELECT item_kin(f.id)) AS x (id))) AS d;
    RETURN NULL;
END $$;
CREATE TRIGGER donor_stale AFTER INSERT ON item
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_item();
CREATE FUNCTION donor_stale_by_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donor_stale (donor_id)
        SELECT DISTINCT d.donor_id FROM fact_donors(ARRAY(SELECT item_id FROM fact UNION SELECT item_kin(item_id) FROM fact)) AS d;
    RETURN NULL;
END $$;
CREATE TRIGGER donor_stale AFTER INSERT ON item_decision
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION donor_stale_by_decision();

GRANT SELECT, INSERT ON device, item, item_doubt, item_decision, donor_told TO :app_role;
GRANT SELECT, INSERT, DELETE ON result_changed TO :app_role;
GRANT UPDATE (code_hash, code_until, install, enrolled_at, revoked_at) ON device TO :app_role;
GRANT SELECT ON item_standing, item_counting, item_state, item_reason_ever, item_reason, item_doubt_open, donor_glance, item_glance, deferral_counting, donation_standing, donation_counting TO :app_role;

-- ---- round packs ----

/*
 * What a phone holds of a round, so that it can be told next time what came to it and what left it: digests under the
 * pack's own key, which is made of `origin` and a key of the keyring, and codes of appointments. Nothing else is kept here, and
 * only until it expires: the job that forgets deletes it then, and older states of a phone before.
 */
CREATE TABLE pack (
    id         uuid        NOT NULL,            -- what the phone brings next time
    origin     uuid        NOT NULL,            -- of the whole pack that it goes back to
    round_id   uuid        NOT NULL,
    holder     text        NOT NULL,            -- "device <id>", "token <id>", "user <id>"
    key_id     integer     NOT NULL,
    rule_set   text        NOT NULL,
    state      bytea       NOT NULL,            -- of what it holds: of its SHA-256, under the pack's key
    held       bytea       NOT NULL,            -- domain/pack.h
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pack_pk       PRIMARY KEY (id),
    CONSTRAINT pack_round_fk FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT pack_state_ck CHECK (octet_length(state) = 32)
);
-- Digests are not worth compressing.
ALTER TABLE pack ALTER COLUMN held SET STORAGE EXTERNAL;
CREATE INDEX pack_expires_ix ON pack (expires_at);
CREATE INDEX pack_origin_ix ON pack (origin, made_at DESC);

/*
 * An erasure ends all packs: their digests are of the erased person too. Who writes one holds this row and must have read
 * the people in the same epoch, so that none comes to be while an erasure is under way. Phones then take a new one.
 */
CREATE TABLE pack_epoch (
    one boolean NOT NULL DEFAULT true,
    n   bigint  NOT NULL,
    CONSTRAINT pack_epoch_pk     PRIMARY KEY (one),
    CONSTRAINT pack_epoch_one_ck CHECK (one)
);
INSERT INTO pack_epoch (n) VALUES (1);
CREATE FUNCTION pack_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pack_epoch SET n = n + 1;
    DELETE FROM pack;                           -- what was written before this row was ours
    RETURN NULL;
END $$;
CREATE TRIGGER pack_end AFTER UPDATE OF erased_at ON donor FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION pack_end();

-- Who is kept from giving by a wait that no day ends.
CREATE INDEX deferral_endless_ix ON deferral (donor_id) WHERE ends IN ('open', 'permanent');

GRANT SELECT, INSERT, DELETE ON pack TO :app_role;
GRANT UPDATE (expires_at) ON pack TO :app_role;
GRANT SELECT ON pack_epoch TO :app_role;
GRANT UPDATE (n) ON pack_epoch TO :app_role;
