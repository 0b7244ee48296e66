-- What counts of what phones captured, in plain words: the rule that the functions of 0017 answer by a shorter way.
CREATE SCHEMA rule;
SET search_path = rule, public;

CREATE VIEW deferral_counting AS
    SELECT f.* FROM deferral AS f
    WHERE f.item_id IS NULL
       OR EXISTS (SELECT FROM item_counting AS c WHERE c.id = f.item_id AND c.content_hash = f.content_hash);

CREATE VIEW donation_standing AS
    SELECT n.*, n.item_id IS NOT NULL AND (SELECT CASE WHEN i.held = '{}' THEN false ELSE item_quarantined(i) END FROM item AS i
                                           WHERE i.id = n.item_id AND i.content_hash = n.content_hash) AS quarantined
    FROM donation AS n
    WHERE NOT EXISTS (SELECT FROM donation AS o WHERE o.corrects = n.id)
      AND (n.item_id IS NULL
           OR EXISTS (SELECT FROM item_counting AS c WHERE c.id = n.item_id AND c.content_hash = n.content_hash));

CREATE FUNCTION item_doubts(its_donor uuid, its_provisional uuid) RETURNS SETOF text LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT DISTINCT t.reason FROM item_doubt_open AS t
    WHERE (t.provisional_id = its_provisional OR EXISTS (
               SELECT FROM unnest(item_person_records(its_donor)) AS r (id)
               WHERE r.id IN (t.on_id, t.donor_id) AND EXISTS (SELECT FROM item AS m WHERE m.donor_id = r.id AND m.registers)))
      AND (t.reason = 'alike' OR NOT EXISTS (SELECT FROM item_decision AS d WHERE d.item_id = t.item_id AND d.content_hash = t.content_hash))
      AND NOT EXISTS (SELECT FROM item AS q WHERE q.id = t.item_id AND q.content_hash = t.content_hash AND item_quarantined(q))
$$;

CREATE VIEW item_reason_ever AS
    SELECT i.id, i.content_hash, r.reason FROM item AS i CROSS JOIN LATERAL (
        SELECT coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = i.donor_id), i.donor_id) AS id
    ) AS p CROSS JOIN LATERAL (
        SELECT unnest(i.held) AS reason
        UNION ALL
        SELECT DISTINCT t.reason FROM item_doubt_open AS t WHERE t.item_id = i.id AND t.content_hash = i.content_hash
        UNION ALL
        SELECT item_doubts(i.donor_id, i.provisional_id)
        UNION ALL
        SELECT 'donor_unknown' WHERE NOT EXISTS (SELECT FROM donor AS d
            WHERE d.id = ANY (ARRAY(SELECT p.id UNION ALL SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = p.id))
              AND (d.birth_year IS NOT NULL OR d.erased_at IS NOT NULL))
        UNION ALL
        SELECT 'correction_unmatched' WHERE i.corrects IS NOT NULL
          AND NOT EXISTS (SELECT FROM item AS o WHERE o.id = i.corrects AND item_corrects(i, o))
        UNION ALL
        SELECT 'newer_deferral' FROM donation AS n
        WHERE n.item_id = i.id AND n.content_hash = i.content_hash AND EXISTS (
            SELECT FROM deferral_counting AS f
            WHERE f.donor_id = ANY (ARRAY(SELECT p.id UNION ALL SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = p.id))
              AND f.lifts IS NULL AND (f.until IS NULL OR f.until > n.donated_on)
              AND (f.carried OR coalesce(f.captured_at, f.recorded_at)
                  < CASE WHEN (n.captured_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = n.donated_on THEN n.captured_at
                         ELSE (n.donated_on + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' END)
              AND NOT EXISTS (SELECT FROM deferral AS l WHERE l.lifts = f.id))
        UNION ALL
        SELECT 'same_day' FROM donation AS n
        WHERE n.item_id = i.id AND n.content_hash = i.content_hash AND n.volume_ml > 0 AND EXISTS (
            SELECT FROM rule.donation_standing AS o
            WHERE o.donor_id = ANY (item_person_records(i.donor_id)) AND o.donated_on = n.donated_on AND o.item_id IS DISTINCT FROM i.id
              AND o.volume_ml > 0 AND o.evidence = 'confirmed' AND NOT o.quarantined
              AND (o.bag_code IS NULL OR o.bag_code IS DISTINCT FROM n.bag_code)
              AND (o.item_id IS NULL OR o.item_id NOT IN (SELECT item_kin(i.id))))
    ) AS r;

CREATE VIEW item_reason AS
    SELECT r.id, r.content_hash, r.reason FROM item_reason_ever AS r LEFT JOIN LATERAL (
        SELECT d.verb, d.answers FROM item_decision AS d WHERE d.item_id = r.id AND d.content_hash = r.content_hash ORDER BY d.version DESC LIMIT 1
    ) AS d ON true
    WHERE d.verb IS NULL OR d.verb = 'correct' OR (d.verb = 'keep' AND r.reason <> ALL (d.answers));

CREATE VIEW donation_counting AS
    SELECT n.*,
        n.item_id IS NOT NULL AND EXISTS (SELECT FROM item_reason AS r WHERE r.id = n.item_id AND r.content_hash = n.content_hash)
            AS held,
        n.item_id IS NOT NULL AND (
            (SELECT c.open FROM item_counting AS c WHERE c.id = n.item_id AND c.content_hash = n.content_hash)
            OR EXISTS (SELECT FROM donation_standing AS b WHERE b.bag_code = n.bag_code AND b.item_id <> n.item_id)) AS open
    FROM donation_standing AS n
    WHERE n.bag_code IS NULL OR n.item_id IS NULL
       OR NOT EXISTS (SELECT FROM donation_standing AS b WHERE b.bag_code = n.bag_code AND b.item_id <> n.item_id
                      AND (b.quarantined, b.captured_at, b.item_id) < (n.quarantined, n.captured_at, n.item_id));

CREATE VIEW item_state AS
    SELECT i.id, i.content_hash, CASE
        WHEN NOT EXISTS (SELECT FROM item_standing AS s WHERE s.id = i.id AND s.content_hash = i.content_hash) THEN
            CASE WHEN (SELECT d.verb FROM item_decision AS d WHERE d.item_id = i.id AND d.content_hash = i.content_hash
                       ORDER BY d.version DESC LIMIT 1) = 'drop' THEN 'dropped' ELSE 'corrected' END
        WHEN EXISTS (SELECT FROM item_standing AS s WHERE s.id = i.id AND s.content_hash <> i.content_hash)
            OR ((i.corrects IS NOT NULL OR EXISTS (SELECT FROM item AS c WHERE c.corrects = i.id))
                AND EXISTS (SELECT FROM item_kin(i.id) AS k (id) JOIN item_standing AS o ON o.id = k.id))
            OR EXISTS (SELECT FROM donation AS n JOIN donation_standing AS b ON b.bag_code = n.bag_code AND b.item_id <> n.item_id
                       WHERE n.item_id = i.id AND n.content_hash = i.content_hash) THEN 'open'
        WHEN EXISTS (SELECT FROM item_reason AS r WHERE r.id = i.id AND r.content_hash = i.content_hash) THEN 'held'
        ELSE 'counts' END AS state
    FROM item AS i;

-- What is told of a round: sums over the views above.
CREATE FUNCTION round_figures(of_round uuid, OUT registered bigint, OUT present bigint, OUT accepted bigint, OUT units bigint, OUT ml bigint,
    OUT parts text[], OUT told_at timestamptz) RETURNS SETOF record LANGUAGE sql STABLE AS $$
    WITH gave AS (
        SELECT n.component, coalesce(n.volume_ml, 0) AS ml, coalesce(n.outcome, 'completed') AS outcome, n.recorded_at AS told_at,
            coalesce(a.into_id, n.donor_id) AS who
        FROM public.donation_counting AS n LEFT JOIN donor_alias AS a ON a.donor_id = n.donor_id
        WHERE n.round_id = of_round AND n.evidence = 'confirmed'
    ), person AS (
        SELECT coalesce(a.into_id, i.donor_id) AS who, i.accepts, i.kind <> 'check_in' AS judged, i.kind = 'donation' AS gives, i.received_at AS told_at
        FROM item_counting AS i LEFT JOIN donor_alias AS a ON a.donor_id = i.donor_id
        WHERE i.round_id = of_round AND i.kind IN ('check_in', 'screening', 'donation')
        UNION ALL SELECT who, true, true, true, told_at FROM gave
    )
    SELECT count(DISTINCT who), count(DISTINCT who), CASE WHEN bool_or(judged) THEN count(DISTINCT who) FILTER (WHERE accepts) END,
        CASE WHEN bool_or(gives) THEN (SELECT count(*) FROM gave WHERE gave.ml > 0) END,
        CASE WHEN bool_or(gives) THEN (SELECT coalesce(sum(gave.ml), 0) FROM gave) END,
        ARRAY(SELECT concat_ws(' ', component, gave.ml, outcome, count(*)) FROM gave GROUP BY component, gave.ml, outcome
              ORDER BY component, gave.ml, outcome),
        max(told_at) FROM person HAVING count(*) > 0
$$;

-- The first answer to what comes in.
CREATE FUNCTION verdict(of_item uuid, its_kind text, its_install uuid, its_seq bigint, by_staff boolean, corrected uuid, its_donor uuid,
    its_provisional uuid, bag text, gave_on date, gave_ml integer, captured timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN gave_on IS NOT NULL AND EXISTS (SELECT FROM rule.donation_standing AS b WHERE b.bag_code = bag AND b.item_id <> of_item AND b.item_id NOT IN
            (SELECT item_kin_to_be(of_item, corrected, its_install, its_seq, its_kind, by_staff))) THEN 'conflict'
        WHEN (corrected IS NOT NULL AND NOT EXISTS (SELECT FROM item AS o WHERE o.id = corrected AND o.kind = its_kind
                AND (by_staff OR (o.install = its_install AND o.seq < its_seq))))
          OR (gave_on IS NOT NULL AND EXISTS (SELECT FROM rule.deferral_counting AS f
                WHERE f.donor_id = ANY (ARRAY(SELECT p.id FROM (SELECT coalesce((SELECT a.into_id FROM donor_alias AS a
                        WHERE a.donor_id = its_donor), its_donor) AS id) AS s
                    CROSS JOIN LATERAL (SELECT s.id UNION ALL SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = s.id) AS p))
                  AND f.lifts IS NULL AND (f.until IS NULL OR f.until > gave_on)
                  AND (f.carried OR coalesce(f.captured_at, f.recorded_at) < CASE WHEN (captured AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                    = gave_on THEN captured ELSE (gave_on + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' END)
                  AND NOT EXISTS (SELECT FROM deferral AS l WHERE l.lifts = f.id)))
          OR (gave_ml > 0 AND EXISTS (SELECT FROM rule.donation_standing AS o
                WHERE o.donor_id = ANY (item_person_records(its_donor)) AND o.donated_on = gave_on AND o.item_id IS DISTINCT FROM of_item
                  AND o.volume_ml > 0 AND o.evidence = 'confirmed' AND NOT o.quarantined
                  AND (o.bag_code IS NULL OR o.bag_code IS DISTINCT FROM bag)
                  AND (o.item_id IS NULL OR o.item_id NOT IN
                       (SELECT item_kin_to_be(of_item, corrected, its_install, its_seq, its_kind, by_staff)))))
          OR EXISTS (SELECT FROM rule.item_doubts(its_donor, its_provisional)) THEN 'held'
        ELSE 'applied' END
$$;

-- What the trigger answers of each content as if it came now, and what the function does. Nothing is left of it.
CREATE FUNCTION first_answers() RETURNS SETOF text[] LANGUAGE plpgsql AS $$
DECLARE
    it item;
    answers text[];
BEGIN
    SET LOCAL session_replication_role = replica;         -- the one trigger, and no keys
    ALTER TABLE item ENABLE ALWAYS TRIGGER item_first_answer;
    FOR it IN SELECT * FROM item LOOP
        BEGIN
            DELETE FROM item AS i WHERE i.id = it.id AND i.content_hash = it.content_hash;
            it.verdict := 'applied';
            SELECT ARRAY[item_verdict(it.id, it.kind, it.install, it.seq, it.staff, it.corrects, it.donor_id, it.provisional_id, n.bag_code,
                                      n.donated_on, n.volume_ml, it.captured_at)] INTO answers
                FROM (SELECT 1) AS one LEFT JOIN donation AS n ON n.item_id = it.id AND n.content_hash = it.content_hash;
            INSERT INTO item SELECT it.* RETURNING ARRAY[verdict] || answers INTO answers;
            RAISE EXCEPTION 'take it back' USING ERRCODE = 'P0001';
        EXCEPTION WHEN raise_exception THEN
            RETURN NEXT answers;
        END;
    END LOOP;
    ALTER TABLE item ENABLE TRIGGER item_first_answer;
END $$;
