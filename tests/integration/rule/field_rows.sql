-- A few people, ids, phones and bags; `:wide` times as many of them for the same number of items. Nearly everything meets something else.
SET session_replication_role = replica;
TRUNCATE item, item_decision, item_doubt, donation, deferral, donor_alias, donor_distinct, donor CASCADE;
SELECT setseed(:seed);
CREATE OR REPLACE FUNCTION pg_temp.some(n integer) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT floor(random() * n)::integer';
CREATE OR REPLACE FUNCTION pg_temp.id(kind integer, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('0000000' || kind || '-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO donor (id, number, birth_year, wrap_key_id, wrapped_key, sealed, erased_at)
    SELECT pg_temp.id(1, n), 'D' || n, CASE WHEN n % 4 <> 0 OR n > 20 THEN 1990 END, CASE WHEN n % 16 <> 0 THEN 1 END, CASE WHEN n % 16 <> 0 THEN '\x00'::bytea END, CASE WHEN n % 16 <> 0 THEN '\x00'::bytea END, CASE WHEN n % 16 = 0 THEN now() END FROM generate_series(0, 20 * :wide - 1) AS n;
INSERT INTO donor_alias (donor_id, into_id, with_id) SELECT pg_temp.id(1, n), pg_temp.id(1, n % 3), pg_temp.id(1, n % 3) FROM generate_series(15, 19) AS n;
INSERT INTO donor_distinct (one_id, two_id) SELECT DISTINCT pg_temp.id(1, n), pg_temp.id(1, n + 1 + pg_temp.some(3)) FROM generate_series(0, 12, 3) AS n;
INSERT INTO item (id, content_hash, kind, install, seq, captured_at, corrects, donor_id, registers, provisional_id, tie, staff, verdict, held, sealed, round_id, accepts)
    SELECT pg_temp.id(2, CASE WHEN x.n % 3 = 0 THEN x.n ELSE x.one END), sha256(int4send(x.n)),
        CASE WHEN random() < 0.7 THEN 'donation' WHEN x.n % 8 = 1 THEN 'check_in' WHEN x.n % 8 = 2 THEN 'screening' ELSE 'deferral' END, pg_temp.id(3, pg_temp.some(2)), x.n + 1,
        '2026-11-01 08:00+07'::timestamptz + pg_temp.some(30) * interval '1 hour',
        CASE WHEN random() < 0.25 AND x.other <> CASE WHEN x.n % 3 = 0 THEN x.n ELSE x.one END THEN pg_temp.id(2, x.other) END,
        pg_temp.id(1, pg_temp.some(20 * :wide)), random() < 0.15, CASE WHEN random() < 0.2 THEN pg_temp.id(4, pg_temp.some(6)) END, 'a' || x.n, false, 'applied',
        CASE WHEN random() < 0.1 THEN '{device_revoked}'::text[] WHEN random() < 0.1 THEN '{clock_skew}' ELSE '{}' END, '\x00', CASE WHEN x.n % 7 <> 0 THEN pg_temp.id(6, x.n % 3) END,
        CASE WHEN x.n % 11 = 0 THEN false WHEN x.n % 2 = 0 THEN true END
    FROM (SELECT n, pg_temp.some(120 * :wide) AS one, pg_temp.some(120 * :wide) AS other FROM generate_series(0, 119) AS n) AS x;
UPDATE item SET staff = true WHERE corrects IS NOT NULL AND random() < 0.2;
INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, bag_code, outcome, item_id, content_hash, captured_at, round_id)
    SELECT item_fact_id(content_hash), donor_id, 'whole_blood', 350, (captured_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - pg_temp.some(2), 'confirmed', 'field',
        CASE WHEN random() < 0.3 THEN 'TWIN' || pg_temp.some(12) WHEN random() < 0.8 THEN 'B' || seq END, 'completed', id, content_hash, captured_at, round_id
    FROM item WHERE kind = 'donation';
INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, bag_code, corrects, round_id)
    SELECT gen_random_uuid(), donor_id, 'whole_blood', 250, donated_on, 'confirmed', 'desk', bag_code, id, round_id FROM donation WHERE random() < 0.05;
INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, bag_code)
    SELECT gen_random_uuid(), pg_temp.id(1, n), 'whole_blood', 250, '2026-11-01', 'declared', 'desk', 'TWIN' || n FROM generate_series(0, 5) AS n;
INSERT INTO deferral (id, donor_id, sealed, ends, until, item_id, content_hash, captured_at, recorded_at)
    SELECT item_fact_id(content_hash), donor_id, '\x00', 'dated', '2026-11-01'::date + pg_temp.some(4), id, content_hash, captured_at, captured_at
    FROM item WHERE kind = 'deferral' AND random() < 0.7;
INSERT INTO deferral (id, donor_id, sealed, ends, recorded_at, carried) SELECT pg_temp.id(5, n), pg_temp.id(1, n), CASE WHEN n > 8 THEN '\x00'::bytea END, 'open',
    '2026-11-01 08:00+07'::timestamptz + pg_temp.some(30) * interval '1 hour', n <= 8 FROM generate_series(7, 11) AS n;
INSERT INTO deferral (id, donor_id, ends, lifts) SELECT gen_random_uuid(), pg_temp.id(1, n), 'lifts', pg_temp.id(5, n) FROM generate_series(10, 11) AS n;
INSERT INTO item_doubt (item_id, content_hash, donor_id, reason)
    SELECT id, content_hash, CASE WHEN random() < 0.3 THEN donor_id ELSE pg_temp.id(1, pg_temp.some(20 * :wide)) END, (ARRAY['alike', 'differs'])[1 + pg_temp.some(2)]
    FROM item WHERE random() < 0.08;
INSERT INTO item_decision (item_id, version, content_hash, verb, decided_by_kind, decided_by, answers)
    SELECT i.id, v.n, i.content_hash, (ARRAY['keep', 'drop', 'correct'])[1 + pg_temp.some(3)], 'user', 'x',
        CASE WHEN random() < 0.5 THEN '{device_revoked,donor_unknown}'::text[] ELSE '{}' END
    FROM item AS i CROSS JOIN generate_series(1, 2) AS v (n) WHERE random() < 0.1 ON CONFLICT DO NOTHING;
SET session_replication_role = DEFAULT;
