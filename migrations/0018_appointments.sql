-- Why: who has a place in a round, who waits for one, and that no place is given twice.
-- Locks: donor, donor_alias and item_decision, for their triggers.
-- Oldest daemon: 0.1.0
-- Forward only.

/*
 * Places are counted in the rows of rounds and slots, by a trigger on appointment, and CHECKs keep the counts within
 * bounds: however many write at once, booked never exceeds capacity in any snapshot. Whoever writes an appointment
 * goes through the functions below, which take locks in one order: the donor's row, the rounds' rows in the order of their
 * ids, slots, appointments. All that follows the round's lock reads what is committed by then, since each statement of such a function
 * has a snapshot of its own.
 */
-- What the slots of a round come to together, for lists; no row: none were laid yet.
CREATE TABLE round_places (
    round_id uuid    NOT NULL,
    laid     integer NOT NULL,                        -- places of its slots
    laid_by  text    NOT NULL,                        -- what they were laid from (store/appointment_store.h)
    walk_in  integer NOT NULL,                        -- of the places, kept for those who come without a booking
    walked   integer NOT NULL DEFAULT 0,              -- of round.booked: without a booking
    bent     boolean NOT NULL DEFAULT false,          -- laid otherwise than without the people who are in the slots
    loose    boolean NOT NULL DEFAULT false,          -- and somebody left since: lay them again
    CONSTRAINT round_places_pk       PRIMARY KEY (round_id),
    CONSTRAINT round_places_round_fk FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT round_places_ck       CHECK (laid >= 0 AND walk_in BETWEEN 0 AND laid AND walked >= 0)
);
COMMENT ON COLUMN round.booked IS 'Places taken, by whomever.';

-- How places are made of a round, where it is not as configured.
CREATE TABLE slot_rules (
    round_id          uuid NOT NULL,
    beds              integer,                        -- NULL: those of its team
    minutes_per_donor integer,
    slot_minutes      integer,
    walk_in_percent   integer,
    version           bigint NOT NULL DEFAULT 2,      -- 1: no row, nobody said anything yet
    CONSTRAINT slot_rules_pk       PRIMARY KEY (round_id),
    CONSTRAINT slot_rules_round_fk FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT slot_rules_ck       CHECK (beds BETWEEN 1 AND 1000 AND minutes_per_donor BETWEEN 5 AND 240
                                          AND slot_minutes BETWEEN 5 AND 480 AND walk_in_percent BETWEEN 0 AND 100)
);

-- Never deleted: appointments of the past point here.
CREATE TABLE slot (
    id           uuid    NOT NULL,
    round_id     uuid    NOT NULL,
    start_minute integer NOT NULL,                    -- of the round's civil day
    end_minute   integer NOT NULL,
    capacity     integer NOT NULL,
    walk_in      integer NOT NULL,                    -- of the capacity, kept for those who come without a booking
    booked       integer NOT NULL DEFAULT 0,          -- taken, by whomever
    walked       integer NOT NULL DEFAULT 0,          -- of the booked: without a booking
    fair         integer NOT NULL,                    -- capacity without the people in it: what is above goes with who leaves
    room         integer NOT NULL,                    -- bookings, when nobody is in an hour that is gone or too full
    stands       boolean NOT NULL,                    -- false: the round's hours do not have it any more
    CONSTRAINT slot_pk         PRIMARY KEY (id),
    CONSTRAINT slot_round_fk   FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT slot_start_uk   UNIQUE (round_id, start_minute),
    CONSTRAINT slot_round_uk   UNIQUE (round_id, id),
    CONSTRAINT slot_time_ck    CHECK (start_minute BETWEEN 0 AND 1439 AND end_minute BETWEEN 1 AND 1440
                                      AND start_minute < end_minute),
    CONSTRAINT slot_booked_ck  CHECK (booked BETWEEN 0 AND capacity),
    -- bookings never take what is kept; who comes without one may take the place of who did not come
    CONSTRAINT slot_walk_in_ck CHECK (walked BETWEEN 0 AND booked AND walk_in BETWEEN 0 AND capacity
                                      AND booked - walked <= capacity - walk_in)
);

-- Seats that one contact holds for people who are named later, or at the door.
CREATE TABLE seat_group (
    id            uuid        NOT NULL,
    round_id      uuid        NOT NULL,
    contact_id    uuid        NOT NULL,               -- a person of the registry
    title         text        NOT NULL,               -- of the organisation or village; no person's name
    seats         integer     NOT NULL,
    release_hours integer     NOT NULL,               -- so long before its hour a seat without a name goes back; 0: when it is over
    created_at    timestamptz NOT NULL,
    CONSTRAINT seat_group_pk         PRIMARY KEY (id),
    CONSTRAINT seat_group_round_fk   FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT seat_group_round_uk   UNIQUE (round_id, id),
    CONSTRAINT seat_group_contact_fk FOREIGN KEY (contact_id) REFERENCES donor (id),
    CONSTRAINT seat_group_ck         CHECK (seats BETWEEN 1 AND 200 AND release_hours BETWEEN 0 AND 720)
);
CREATE INDEX seat_group_contact_ix ON seat_group (contact_id);

CREATE TABLE appointment (
    id         uuid        NOT NULL,
    round_id   uuid        NOT NULL,
    slot_id    uuid,
    donor_id   uuid,                                  -- NULL: a seat that nobody was named for
    group_id   uuid,
    state      text        NOT NULL,
    kind       text        NOT NULL,
    code       text        NOT NULL,                  -- said at the door: domain/appointment.h
    wish       uuid,                                  -- of who waits: this slot and no other
    queue      bigint,                                -- of who waits: the order of the list
    component  text        NOT NULL,
    decision   text,                                  -- what the rules said when the place was given
    rule_set   text,
    told_day   date        NOT NULL,                  -- the round's day when the place was given
    reason     text,                                  -- why it is over
    created_at timestamptz NOT NULL,
    ended_at   timestamptz,
    version    bigint      NOT NULL DEFAULT 1,
    CONSTRAINT appointment_pk       PRIMARY KEY (id),
    CONSTRAINT appointment_round_fk FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT appointment_slot_fk  FOREIGN KEY (round_id, slot_id) REFERENCES slot (round_id, id),
    CONSTRAINT appointment_wish_fk  FOREIGN KEY (round_id, wish) REFERENCES slot (round_id, id),
    CONSTRAINT appointment_donor_fk FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT appointment_group_fk FOREIGN KEY (round_id, group_id) REFERENCES seat_group (round_id, id),
    CONSTRAINT appointment_code_uk  UNIQUE (round_id, code),
    CONSTRAINT appointment_state_ck CHECK (state IN ('waiting', 'booked', 'checked_in', 'cancelled', 'no_show', 'released')),
    CONSTRAINT appointment_kind_ck  CHECK (kind IN ('booking', 'walk_in', 'seat') AND (kind = 'seat') = (group_id IS NOT NULL)),
    CONSTRAINT appointment_slot_ck  CHECK (slot_id IS NOT NULL OR state IN ('waiting', 'cancelled')),
    CONSTRAINT appointment_queue_ck CHECK ((state = 'waiting') = (queue IS NOT NULL) AND (wish IS NULL OR state = 'waiting')
                                           AND (state <> 'waiting' OR slot_id IS NULL)),
    CONSTRAINT appointment_walk_in_ck CHECK (kind <> 'walk_in' OR state <> 'waiting'),
    CONSTRAINT appointment_donor_ck CHECK (donor_id IS NOT NULL OR kind = 'seat' AND state NOT IN ('waiting', 'checked_in')),
    CONSTRAINT appointment_judged_ck CHECK ((decision IS NULL) = (rule_set IS NULL)
                                            AND decision IN ('refused', 'incomplete', 'no_known_refusal')),
    CONSTRAINT appointment_component_ck CHECK (component IN ('whole_blood', 'red_cells', 'platelets', 'plasma',
                                                             'granulocytes', 'stem_cells'))
);
-- Of the records of one person that are merged, appointment_once() and appointment_merged() see to the same.
CREATE UNIQUE INDEX appointment_live_uk ON appointment (round_id, donor_id) WHERE state IN ('waiting', 'booked', 'checked_in');
CREATE INDEX appointment_donor_ix ON appointment (donor_id);
CREATE INDEX appointment_group_ix ON appointment (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX appointment_waiting_ix ON appointment (round_id, queue) WHERE state = 'waiting';
CREATE INDEX appointment_unnamed_ix ON appointment (round_id) WHERE donor_id IS NULL AND state = 'booked';
COMMENT ON TABLE appointment IS 'Who has a place in a round, or waits for one.';

/* Rounds whose places are others now; a job moves the version of the topic once a second and takes these away. */
CREATE TABLE places_changed (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    round_id uuid   NOT NULL,
    CONSTRAINT places_changed_pk PRIMARY KEY (id)
);

-- ---- counting ----

CREATE FUNCTION appointment_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    had  boolean := TG_OP = 'UPDATE' AND OLD.state IN ('booked', 'checked_in');
    has  boolean := NEW.state IN ('booked', 'checked_in');
    same boolean := had AND has AND OLD.round_id = NEW.round_id;
    was  slot;
    made slot;
    goes integer;
BEGIN
    IF NOT had AND NOT has OR same AND OLD.slot_id = NEW.slot_id THEN
        RETURN NULL;
    END IF;
    IF NOT same THEN
        UPDATE round SET booked = booked - 1 WHERE had AND id = OLD.round_id;
        UPDATE round SET booked = booked + 1 WHERE has AND id = NEW.round_id;
        UPDATE round_places SET walked = walked - 1 WHERE had AND OLD.kind = 'walk_in' AND round_id = OLD.round_id;
        UPDATE round_places SET walked = walked + 1 WHERE has AND NEW.kind = 'walk_in' AND round_id = NEW.round_id;
    END IF;
    IF had THEN
        -- a place that was there for this person alone goes with them; who is late may still come
        SELECT s.* INTO was FROM slot AS s WHERE s.id = OLD.slot_id;
        goes := (was.capacity > was.fair AND NEW.state <> 'no_show')::integer;
        UPDATE slot AS s SET booked = s.booked - 1, walked = s.walked - (OLD.kind = 'walk_in')::integer, capacity = s.capacity - goes,
               walk_in = least(s.walk_in, s.capacity - goes - (s.booked - 1 - (s.walked - (OLD.kind = 'walk_in')::integer)))
            WHERE s.id = OLD.slot_id RETURNING * INTO made;
        UPDATE round_places SET laid = laid - goes, walk_in = walk_in - (was.walk_in - made.walk_in), loose = bent
            WHERE round_id = OLD.round_id AND NEW.state <> 'no_show' AND (bent OR goes > 0);
    END IF;
    UPDATE slot SET booked = booked + 1, walked = walked + (NEW.kind = 'walk_in')::integer WHERE has AND id = NEW.slot_id;
    INSERT INTO places_changed (round_id) VALUES (NEW.round_id);
    IF had AND OLD.round_id <> NEW.round_id THEN
        INSERT INTO places_changed (round_id) VALUES (OLD.round_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER appointment_counted AFTER INSERT OR UPDATE OF state, slot_id, round_id ON appointment
    FOR EACH ROW EXECUTE FUNCTION appointment_counted();
-- Who came, and who had a place, is told with the round's result.
CREATE TRIGGER result_changed AFTER INSERT OR UPDATE OF state, donor_id, round_id ON appointment FOR EACH STATEMENT EXECUTE FUNCTION result_changed();

-- ---- what the steps have in common ----

-- What the audit has of a row: nothing in it is secret, so it takes no key.
CREATE FUNCTION appointment_digest(a appointment) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(array_to_string(ARRAY[a.id::text, a.round_id::text, a.slot_id::text, a.donor_id::text, a.group_id::text,
        a.state, a.kind, a.code, a.wish::text, a.queue::text, a.component, a.decision, a.rule_set,
        to_char(a.told_day, 'YYYY-MM-DD'), a.reason, a.version::text], ' ', '-'), 'UTF8'))
$$;
CREATE FUNCTION seat_group_digest(g seat_group) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(concat_ws(' ', g.id, g.round_id, g.contact_id, g.seats, g.release_hours, g.title), 'UTF8'))
$$;
CREATE FUNCTION slot_rules_digest(s slot_rules) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(array_to_string(ARRAY[s.round_id::text, s.beds::text, s.minutes_per_donor::text,
        s.slot_minutes::text, s.walk_in_percent::text], ' ', '-'), 'UTF8'))
$$;

-- What a step changed: the audit entries that the statement around it writes.
CREATE TYPE appointment_step AS (subject text, id uuid, action text, digest_before bytea, digest_after bytea);

-- The whole is undone; the name tells why (store/failure.c).
CREATE FUNCTION appointment_refuse(why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the appointment is refused' USING ERRCODE = '23514', CONSTRAINT = why;
END $$;

-- The person is there, and no erasure or merge comes between: neither of this record nor of the one that stands for it.
CREATE FUNCTION donor_hold(who uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stood  uuid;
    stands uuid;
BEGIN
    LOOP
        stands := coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = who), who);
        EXIT WHEN stands = stood;
        PERFORM FROM (SELECT d.id FROM donor AS d WHERE d.id IN (who, stands) ORDER BY d.id FOR KEY SHARE) AS held;
        stood := stands;
    END LOOP;
    IF NOT EXISTS (SELECT FROM donor AS d WHERE d.id = who AND d.erased_at IS NULL) THEN
        PERFORM appointment_refuse('fact_donor_erased_ck');
    END IF;
END $$;

CREATE FUNCTION round_hold(rounds uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM (SELECT r.id FROM round AS r WHERE r.id = ANY (rounds) ORDER BY r.id FOR NO KEY UPDATE) AS held;
END $$;

-- Places are given in it, on that civil day.
CREATE FUNCTION round_gives(of_round uuid, today date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM round AS r WHERE r.id = of_round AND r.status IN ('open', 'running') AND r.from_day >= today;
    IF NOT FOUND THEN
        PERFORM appointment_refuse('round_gives_ck');
    END IF;
END $$;

-- All records that are one person with this one.
CREATE FUNCTION donor_records(who uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    WITH one AS (SELECT coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = who), who) AS id)
    SELECT id FROM one UNION ALL SELECT a.donor_id FROM one JOIN donor_alias AS a ON a.into_id = one.id
$$;

CREATE FUNCTION appointment_once(of_round uuid, who uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM appointment AS a WHERE a.round_id = of_round AND a.state IN ('waiting', 'booked', 'checked_in')
               AND a.donor_id IN (SELECT donor_records(who))) THEN
        PERFORM appointment_refuse('appointment_live_uk');
    END IF;
END $$;

-- Civil time in Việt Nam.
CREATE FUNCTION civil(moment timestamptz) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT moment AT TIME ZONE 'UTC' + interval '7 hours'
$$;

-- Which slot somebody waits for; NULL: any, also since the hours changed and do not have it any more.
CREATE FUNCTION slot_wish(wish uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT s.id FROM slot AS s WHERE s.id = wish AND s.stands
$$;

/*
 * The first slot with a place. A booking needs one that has not begun (`lead` before) and leaves alone what is kept for
 * those who come without one; these come into one that is not over: in what is kept, and once it has begun in whatever is free.
 * `seen`: nobody is gone past who waits for such a place and could be given it (`refill` before it begins), but for those who
 * were looked at, up to this place in the list, and may not have it, and for those from `own` on; NULL: not asked.
 * `has`: who asks has a place in the round already, and takes none more.
 */
CREATE FUNCTION slot_find(of_round uuid, wanted uuid, door boolean, moment timestamptz, lead interval, seen bigint, own bigint, refill interval,
                          has boolean DEFAULT false) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT s.id FROM slot AS s JOIN round AS r ON r.id = s.round_id
     WHERE s.round_id = of_round AND s.stands AND (wanted IS NULL OR s.id = wanted)
       AND s.booked < s.capacity AND (has OR r.booked < coalesce(r.capacity, 0))
       AND CASE WHEN door
           THEN civil(moment) < r.from_day + make_interval(mins => s.end_minute)
                AND (s.walked < s.walk_in OR civil(moment) >= r.from_day + make_interval(mins => s.start_minute))
           ELSE s.booked - s.walked < s.capacity - s.walk_in
                AND civil(moment) + lead < r.from_day + make_interval(mins => s.start_minute) END
       AND (seen IS NULL OR civil(moment) + refill >= r.from_day + make_interval(mins => s.start_minute)
            OR NOT EXISTS (SELECT FROM appointment AS w WHERE w.round_id = of_round AND w.state = 'waiting' AND w.queue > seen
                           AND (own IS NULL OR w.queue < own) AND coalesce(slot_wish(w.wish), s.id) = s.id))
     ORDER BY s.start_minute LIMIT 1
$$;

/*
 * Whether a seat without a name has gone back by its hour. Seats with 0 hours are named at the door: they go when their slot
 * is over.
 */
CREATE FUNCTION seat_due(day date, of_slot slot, hours integer, moment timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT civil(moment) >= day + make_interval(mins => CASE WHEN hours = 0 THEN of_slot.end_minute ELSE of_slot.start_minute END,
                                                hours => -hours)
$$;

-- The row as it is, held, with its rounds; NULL version: whichever.
CREATE FUNCTION appointment_hold(one uuid, of_version bigint, other_round uuid) RETURNS appointment LANGUAGE plpgsql AS $$
DECLARE
    was appointment;
BEGIN
    SELECT a.* INTO was FROM appointment AS a WHERE a.id = one;
    PERFORM round_hold(ARRAY[was.round_id, other_round]);
    SELECT a.* INTO was FROM appointment AS a WHERE a.id = one FOR UPDATE;
    IF was.version IS DISTINCT FROM coalesce(of_version, was.version) THEN
        PERFORM appointment_refuse('appointment_changed_ck');
    END IF;
    RETURN was;
END $$;

-- ---- the steps; `a` is what was asked for ----

CREATE FUNCTION appointment_book(a jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    of_round uuid := a->>'round';
    who      uuid := a->>'donor';
    wanted   uuid := a->>'slot';
    door     boolean := a->>'door';
    place    uuid;
    made     appointment;
BEGIN
    PERFORM donor_hold(who);
    PERFORM round_hold(ARRAY[of_round]);
    PERFORM round_gives(of_round, civil(moment)::date);
    PERFORM appointment_once(of_round, who);
    RETURN QUERY SELECT * FROM appointment_refill(of_round, a->'waiting', moment, make_interval(mins => (a->>'lead')::integer));
    place := slot_find(of_round, wanted, door, moment, interval '0', CASE WHEN NOT door THEN (a->>'seen')::bigint END, NULL,
                       make_interval(mins => (a->>'lead')::integer));
    IF place IS NULL AND NOT (a->>'wait')::boolean THEN
        PERFORM appointment_refuse('round_full_ck');
    END IF;
    INSERT INTO appointment (id, round_id, slot_id, donor_id, state, kind, code, wish, queue, component, decision, rule_set, told_day, created_at)
        SELECT (a->>'id')::uuid, r.id, place, who,
               -- who comes without a booking stands there already
               CASE WHEN place IS NULL THEN 'waiting' WHEN door THEN 'checked_in' ELSE 'booked' END,
               CASE WHEN door THEN 'walk_in' ELSE 'booking' END, a->>'code', CASE WHEN place IS NULL THEN wanted END,
               CASE WHEN place IS NULL THEN (SELECT coalesce(max(w.queue), 1000000) + 1 FROM appointment AS w
                                             WHERE w.round_id = of_round AND w.state = 'waiting') END,
               a->>'component', a->>'decision', a->>'rule_set', r.from_day, moment FROM round AS r WHERE r.id = of_round
        RETURNING * INTO made;
    RETURN QUERY SELECT 'appointment', made.id, CASE WHEN place IS NULL THEN 'appointment.wait' WHEN door THEN 'appointment.walk_in'
                        ELSE 'appointment.book' END, NULL::bytea, appointment_digest(made);
END $$;

/*
 * Whoever of these waits and finds a place has it, in the order of the list. Their verdicts were looked at just before and come
 * along: an id, a decision and a rule set for each.
 */
CREATE FUNCTION appointment_refill(of_round uuid, waiting jsonb, moment timestamptz, lead interval)
    RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    was   appointment;
    made  appointment;
    place uuid;
BEGIN
    IF coalesce(jsonb_array_length(waiting), 0) = 0 THEN
        RETURN;
    END IF;
    PERFORM round_hold(ARRAY[of_round]);
    IF NOT EXISTS (SELECT FROM round AS r WHERE r.id = of_round AND r.status IN ('open', 'running')) THEN
        RETURN;
    END IF;
    FOR was IN SELECT w.* FROM jsonb_to_recordset(waiting) AS n (id uuid) JOIN appointment AS w ON w.id = n.id
               WHERE w.round_id = of_round AND w.state = 'waiting' ORDER BY w.queue LOOP
        place := slot_find(of_round, slot_wish(was.wish), false, moment, lead, NULL, NULL, NULL);
        CONTINUE WHEN place IS NULL;
        UPDATE appointment AS x SET state = 'booked', slot_id = place, queue = NULL, wish = NULL, version = x.version + 1,
               decision = n.decision, rule_set = n.rule_set, told_day = r.from_day
            FROM jsonb_to_recordset(waiting) AS n (id uuid, decision text, rule_set text), round AS r
            WHERE x.id = was.id AND n.id = x.id AND r.id = of_round RETURNING x.* INTO made;
        RETURN QUERY SELECT 'appointment', made.id, 'appointment.refill', appointment_digest(was), appointment_digest(made);
    END LOOP;
END $$;

CREATE FUNCTION appointment_move(a jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    target uuid := a->>'round';
    wanted uuid := a->>'slot';
    was    appointment;
    made   appointment;
    place  uuid;
    stays  boolean;
    has    boolean;
    seen   bigint;
    own    bigint;
    lead   interval := make_interval(mins => (a->>'lead')::integer);
BEGIN
    PERFORM donor_hold(x.donor_id) FROM appointment AS x WHERE x.id = (a->>'id')::uuid AND x.donor_id IS NOT NULL;
    was := appointment_hold((a->>'id')::uuid, (a->>'version')::bigint, target);
    stays := was.round_id = target;
    has := stays AND was.state = 'booked';
    PERFORM round_gives(target, civil(moment)::date);
    IF NOT stays THEN
        PERFORM appointment_once(target, was.donor_id);
    END IF;
    -- who has a place in the round takes none from those who wait; anybody else comes after them
    IF NOT has THEN
        seen := a->>'seen';
        own := CASE WHEN stays THEN was.queue END;
        RETURN QUERY SELECT * FROM appointment_refill(target, (SELECT jsonb_agg(n) FROM jsonb_array_elements(a->'waiting') AS n
                             JOIN appointment AS w ON w.id = (n->>'id')::uuid WHERE own IS NULL OR w.queue < own), moment, lead);
    END IF;
    IF stays AND was.slot_id IS NOT NULL AND EXISTS (SELECT FROM slot AS s WHERE s.id = was.slot_id AND s.stands
                                                     AND s.id = coalesce(wanted, s.id)) THEN
        place := was.slot_id;    -- the same hour, told anew
    ELSE
        place := slot_find(target, wanted, false, moment, interval '0', seen, own, lead, has);
        IF place IS NULL AND has THEN
            -- out of an hour that is gone or too full the place goes along, to where there would be room without such hours
            UPDATE slot AS s SET capacity = s.capacity + 1 WHERE s.id = (
                SELECT t.id FROM slot AS t JOIN slot AS o ON o.id = was.slot_id JOIN round AS r ON r.id = t.round_id
                WHERE t.round_id = target AND t.stands AND (wanted IS NULL OR t.id = wanted) AND t.booked - t.walked < t.room
                  AND o.capacity > o.fair AND civil(moment) < r.from_day + make_interval(mins => t.start_minute)
                ORDER BY t.start_minute LIMIT 1) RETURNING s.id INTO place;
            UPDATE round_places SET laid = laid + 1 WHERE place IS NOT NULL AND round_id = target;
        END IF;
        IF place IS NULL THEN
            PERFORM appointment_refuse('round_full_ck');
        END IF;
        IF was.donor_id IS NULL AND EXISTS (SELECT FROM seat_group AS g, round AS r, slot AS s WHERE g.id = was.group_id
                                            AND r.id = target AND s.id = place AND seat_due(r.from_day, s, g.release_hours, moment)) THEN
            PERFORM appointment_refuse('seat_due_ck');
        END IF;
    END IF;
    UPDATE appointment AS x SET round_id = target, slot_id = place, state = 'booked', queue = NULL, wish = NULL,
           code = CASE WHEN EXISTS (SELECT FROM appointment AS o WHERE o.round_id = target AND o.code = x.code AND o.id <> x.id)
                       THEN a->>'code' ELSE x.code END,
           decision = a->>'decision', rule_set = a->>'rule_set', version = x.version + 1,
           told_day = (SELECT r.from_day FROM round AS r WHERE r.id = target) WHERE x.id = was.id RETURNING * INTO made;
    RETURN QUERY SELECT 'appointment', made.id, 'appointment.move', appointment_digest(was), appointment_digest(made);
END $$;

CREATE FUNCTION appointment_cancel(a jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    was  appointment;
    made appointment;
BEGIN
    was := appointment_hold((a->>'id')::uuid, (a->>'version')::bigint, NULL);
    UPDATE appointment AS x SET state = CASE WHEN x.donor_id IS NULL THEN 'released' ELSE 'cancelled' END, queue = NULL, wish = NULL,
           reason = a->>'reason', ended_at = moment, version = x.version + 1 WHERE x.id = was.id RETURNING * INTO made;
    RETURN QUERY SELECT 'appointment', made.id, CASE WHEN made.donor_id IS NULL THEN 'appointment.release' ELSE 'appointment.cancel' END,
                        appointment_digest(was), appointment_digest(made);
    RETURN QUERY SELECT * FROM appointment_refill(was.round_id, a->'waiting', moment, make_interval(mins => (a->>'lead')::integer));
END $$;

/*
 * For who was taken for absent and comes: an hour that is gone has nobody else's place in it, so it has theirs again, as long as
 * there is one in the round; the other slots give it when they are laid the next time.
 */
CREATE FUNCTION slot_late(of_slot uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_round uuid;
BEGIN
    UPDATE slot AS s SET capacity = s.capacity + 1 FROM round AS r, round_places AS p
        WHERE s.id = of_slot AND r.id = s.round_id AND p.round_id = s.round_id AND NOT s.stands AND s.booked = s.capacity
          AND r.booked < least(coalesce(r.capacity, 0), p.laid) RETURNING s.round_id INTO of_round;
    UPDATE round_places SET laid = laid + 1, bent = true, loose = true WHERE round_id = of_round;
END $$;

-- check_in, no_show: what happened at the door; who comes is judged anew, and nobody is sent away by it.
CREATE FUNCTION appointment_meet(a jsonb, moment timestamptz, becomes text) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    was  appointment;
    made appointment;
BEGIN
    PERFORM donor_hold(x.donor_id) FROM appointment AS x WHERE x.id = (a->>'id')::uuid AND x.state = 'no_show';
    was := appointment_hold((a->>'id')::uuid, (a->>'version')::bigint, NULL);
    IF was.state = 'no_show' THEN
        PERFORM appointment_once(was.round_id, was.donor_id);
        IF EXISTS (SELECT FROM round AS r WHERE r.id = was.round_id AND r.booked >= coalesce(r.capacity, 0)) THEN
            PERFORM appointment_refuse('slot_booked_ck');
        END IF;
        PERFORM slot_late(was.slot_id);
    END IF;
    UPDATE appointment AS x SET state = becomes, ended_at = moment, version = x.version + 1,
           decision = coalesce(a->>'decision', x.decision), rule_set = coalesce(a->>'rule_set', x.rule_set)
        WHERE x.id = was.id RETURNING * INTO made;
    RETURN QUERY SELECT 'appointment', made.id, 'appointment.' || becomes, appointment_digest(was), appointment_digest(made);
END $$;

/*
 * What phones captured at the door, many at once, for the statement that writes their items:
 *
 *     arrived AS MATERIALIZED (SELECT s.* FROM (
 *             SELECT jsonb_build_object('items', jsonb_agg(jsonb_build_object('round', i.round_id, 'donor', i.donor_id))) AS a
 *             FROM ... AS i WHERE i.kind = 'check_in') AS c
 *         CROSS JOIN LATERAL appointment_do('check_in', c.a, the daemon's time) AS s)
 *
 * and an audit entry for each row of it, as for every step. Once in a statement, after that has taken donors' rows (the order of
 * locks at the head of this file). It refuses nothing: whoever is booked in that round, by whichever record of the person, is
 * checked in, and who was taken for absent where the place is still free. An appointment that is cancelled, released,
 * checked in already, that waits, is of another round, of one that was called off or whose day has not come, or
 * none at all: no row, and nothing is done. So a repetition does nothing either. `items` may be null.
 */
CREATE FUNCTION appointment_arrive(items jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    sought uuid[] := ARRAY(SELECT DISTINCT a.id FROM jsonb_to_recordset(CASE jsonb_typeof(items) WHEN 'array' THEN items END)
                               AS i (round uuid, donor uuid)
                           CROSS JOIN LATERAL donor_records(i.donor) AS p (id)
                           JOIN appointment AS a ON a.donor_id = p.id AND a.round_id = i.round WHERE a.state IN ('booked', 'no_show'));
    was  appointment;
    made appointment;
BEGIN
    PERFORM round_hold(ARRAY(SELECT a.round_id FROM appointment AS a WHERE a.id = ANY (sought)));
    FOR was IN SELECT a.* FROM appointment AS a JOIN round AS r ON r.id = a.round_id
               WHERE a.id = ANY (sought) AND a.state IN ('booked', 'no_show')
                 AND r.status IN ('open', 'running', 'closed') AND r.from_day <= civil(moment)::date
               ORDER BY a.state = 'no_show', a.id FOR UPDATE OF a LOOP
        IF was.state = 'no_show' THEN
            CONTINUE WHEN EXISTS (SELECT FROM appointment AS o WHERE o.round_id = was.round_id AND o.state IN ('waiting', 'booked', 'checked_in')
                                  AND o.donor_id IN (SELECT donor_records(was.donor_id)));
            PERFORM slot_late(was.slot_id);
            CONTINUE WHEN NOT EXISTS (SELECT FROM round AS r JOIN slot AS s ON s.id = was.slot_id WHERE r.id = was.round_id
                                      AND r.booked < coalesce(r.capacity, 0) AND s.booked < s.capacity
                                      AND (was.kind = 'walk_in' OR s.booked - s.walked < s.capacity - s.walk_in));
        END IF;
        UPDATE appointment AS x SET state = 'checked_in', ended_at = moment, version = x.version + 1
            WHERE x.id = was.id RETURNING * INTO made;
        RETURN QUERY SELECT 'appointment', made.id, 'appointment.checked_in', appointment_digest(was), appointment_digest(made);
    END LOOP;
END $$;

CREATE FUNCTION appointment_name(a jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    who  uuid := a->>'donor';
    was  appointment;
    made appointment;
BEGIN
    PERFORM donor_hold(who);
    was := appointment_hold((a->>'id')::uuid, (a->>'version')::bigint, NULL);
    PERFORM appointment_once(was.round_id, who);
    UPDATE appointment AS x SET donor_id = who, component = a->>'component', decision = a->>'decision', rule_set = a->>'rule_set',
           version = x.version + 1 WHERE x.id = was.id RETURNING * INTO made;
    RETURN QUERY SELECT 'appointment', made.id, 'appointment.name', appointment_digest(was), appointment_digest(made);
END $$;

-- All seats or none. `seats`: an id and a code for each.
CREATE FUNCTION seat_group_book(a jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    of_round uuid := a->>'round';
    made     appointment;
    held     seat_group;
    place    uuid;
    seat     jsonb;
    lead     interval := make_interval(mins => (a->>'lead')::integer);
    hours    integer := a->>'release_hours';
BEGIN
    PERFORM donor_hold((a->>'contact')::uuid);
    PERFORM round_hold(ARRAY[of_round]);
    PERFORM round_gives(of_round, civil(moment)::date);
    RETURN QUERY SELECT * FROM appointment_refill(of_round, a->'waiting', moment, lead);
    -- the first seat is the earliest: hours that nobody asked for do not take away what is being given
    place := slot_find(of_round, (a->>'slot')::uuid, false, moment, interval '0', (a->>'seen')::bigint, NULL, lead);
    IF EXISTS (SELECT FROM round AS r, slot AS s WHERE r.id = of_round AND s.id = place AND seat_due(r.from_day, s, hours, moment)) THEN
        IF (a->>'release_asked')::boolean THEN
            PERFORM appointment_refuse('seat_group_release_ck');
        END IF;
        hours := 0;
    END IF;
    INSERT INTO seat_group (id, round_id, contact_id, title, seats, release_hours, created_at)
        VALUES ((a->>'id')::uuid, of_round, (a->>'contact')::uuid, a->>'title', jsonb_array_length(a->'seats'), hours, moment)
        RETURNING * INTO held;
    RETURN QUERY SELECT 'seat_group', held.id, 'seat_group.book', NULL::bytea, seat_group_digest(held);
    FOR seat IN SELECT jsonb_array_elements(a->'seats') LOOP
        place := slot_find(of_round, (a->>'slot')::uuid, false, moment, interval '0', (a->>'seen')::bigint, NULL, lead);
        IF place IS NULL THEN
            PERFORM appointment_refuse('group_full_ck');
        END IF;
        INSERT INTO appointment (id, round_id, slot_id, group_id, state, kind, code, component, told_day, created_at)
            SELECT (seat->>'id')::uuid, r.id, place, held.id, 'booked', 'seat', seat->>'code', 'whole_blood', r.from_day, moment
            FROM round AS r WHERE r.id = of_round RETURNING * INTO made;
        RETURN QUERY SELECT 'appointment', made.id, 'appointment.hold', NULL::bytea, appointment_digest(made);
    END LOOP;
END $$;

-- So many seats that nobody was named for go back, the latest first.
CREATE FUNCTION seat_group_release(a jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    of_round uuid := (SELECT g.round_id FROM seat_group AS g WHERE g.id = (a->>'id')::uuid);
    was      appointment;
    made     appointment;
    gone     integer := 0;
BEGIN
    PERFORM round_hold(ARRAY[of_round]);
    FOR was IN SELECT x.* FROM appointment AS x JOIN slot AS s ON s.id = x.slot_id
               WHERE x.group_id = (a->>'id')::uuid AND x.donor_id IS NULL AND x.state = 'booked'
               ORDER BY s.start_minute DESC, x.id DESC LIMIT (a->>'seats')::integer LOOP
        UPDATE appointment AS x SET state = 'released', reason = a->>'reason', ended_at = moment, version = x.version + 1
            WHERE x.id = was.id RETURNING * INTO made;
        RETURN QUERY SELECT 'appointment', made.id, 'appointment.release', appointment_digest(was), appointment_digest(made);
        gone := gone + 1;
    END LOOP;
    IF gone < (a->>'seats')::integer THEN
        PERFORM appointment_refuse('seat_group_named_ck');
    END IF;
    RETURN QUERY SELECT * FROM appointment_refill(of_round, a->'waiting', moment, make_interval(mins => (a->>'lead')::integer));
END $$;

-- Seats that nobody was named for in time. Round by round, in the order of their ids.
CREATE FUNCTION seats_release_due(moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
DECLARE
    of_round uuid;
    was      appointment;
    made     appointment;
BEGIN
    FOR of_round IN SELECT DISTINCT x.round_id FROM appointment AS x JOIN seat_group AS g ON g.id = x.group_id
                    JOIN round AS r ON r.id = x.round_id JOIN slot AS s ON s.id = x.slot_id
                    WHERE x.donor_id IS NULL AND x.state = 'booked' AND r.status IN ('open', 'running')
                      AND seat_due(r.from_day, s, g.release_hours, moment)
                    ORDER BY x.round_id LIMIT 20 LOOP
        PERFORM round_hold(ARRAY[of_round]);
        FOR was IN SELECT x.* FROM appointment AS x JOIN seat_group AS g ON g.id = x.group_id
                   JOIN round AS r ON r.id = x.round_id JOIN slot AS s ON s.id = x.slot_id
                   WHERE x.round_id = of_round AND x.donor_id IS NULL AND x.state = 'booked' AND r.status IN ('open', 'running')
                     AND seat_due(r.from_day, s, g.release_hours, moment)
                   ORDER BY x.id LOOP
            UPDATE appointment AS x SET state = 'released', reason = 'unnamed', ended_at = moment, version = x.version + 1
                WHERE x.id = was.id RETURNING * INTO made;
            RETURN QUERY SELECT 'appointment', made.id, 'appointment.release', appointment_digest(was), appointment_digest(made);
        END LOOP;
    END LOOP;
END $$;

-- The one that the statements call: it names the step.
CREATE FUNCTION appointment_do(verb text, a jsonb, moment timestamptz) RETURNS SETOF appointment_step LANGUAGE plpgsql AS $$
BEGIN
    CASE verb
        WHEN 'book' THEN RETURN QUERY SELECT * FROM appointment_book(a, moment);
        WHEN 'move' THEN RETURN QUERY SELECT * FROM appointment_move(a, moment);
        WHEN 'cancel' THEN RETURN QUERY SELECT * FROM appointment_cancel(a, moment);
        WHEN 'check_in' THEN
            IF a IS NULL OR a ? 'items' THEN
                RETURN QUERY SELECT * FROM appointment_arrive(a->'items', moment);
            ELSE
                RETURN QUERY SELECT * FROM appointment_meet(a, moment, 'checked_in');
            END IF;
        WHEN 'no_show' THEN RETURN QUERY SELECT * FROM appointment_meet(a, moment, 'no_show');
        WHEN 'name' THEN RETURN QUERY SELECT * FROM appointment_name(a, moment);
        WHEN 'group' THEN RETURN QUERY SELECT * FROM seat_group_book(a, moment);
        WHEN 'release' THEN RETURN QUERY SELECT * FROM seat_group_release(a, moment);
        WHEN 'release_due' THEN RETURN QUERY SELECT * FROM seats_release_due(moment);
        WHEN 'refill' THEN RETURN QUERY SELECT * FROM appointment_refill((a->>'round')::uuid, a->'waiting', moment,
                                                                         make_interval(mins => (a->>'lead')::integer));
    END CASE;
END $$;

/*
 * Slots as they shall be, if the round is at that version and its slots hold as many people as when that was decided;
 * false: they do not, read again. True as well where somebody was faster.
 */
CREATE FUNCTION slots_lay(of_round uuid, of_version bigint, from_what text, shall jsonb, sum_capacity integer, sum_walk_in integer,
                          is_bent boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM round_hold(ARRAY[of_round]);
    IF EXISTS (SELECT FROM round_places AS p WHERE p.round_id = of_round AND p.laid_by = from_what AND NOT p.loose) THEN
        RETURN true;
    END IF;
    IF NOT EXISTS (SELECT FROM round AS r WHERE r.id = of_round AND r.version = of_version)
       OR EXISTS (SELECT FROM (SELECT x.* FROM slot AS x WHERE x.round_id = of_round) AS s
                  FULL JOIN jsonb_to_recordset(shall) AS n (id uuid, booked integer, walked integer, fresh boolean) ON n.id = s.id
                  WHERE n.id IS NULL OR n.fresh <> (s.id IS NULL)
                     OR (n.booked, n.walked) <> (coalesce(s.booked, 0), coalesce(s.walked, 0))) THEN
        RETURN false;
    END IF;
    INSERT INTO slot AS old (id, round_id, start_minute, end_minute, capacity, walk_in, fair, room, stands)
        SELECT n.id, of_round, n.start_minute, n.end_minute, n.capacity, n.walk_in, n.fair, n.room, n.stands
        FROM jsonb_to_recordset(shall) AS n (id uuid, start_minute integer, end_minute integer, capacity integer, walk_in integer,
                                             fair integer, room integer, stands boolean)
        ON CONFLICT (id) DO UPDATE SET (end_minute, capacity, walk_in, fair, room, stands)
            = (excluded.end_minute, excluded.capacity, excluded.walk_in, excluded.fair, excluded.room, excluded.stands);
    INSERT INTO round_places AS old (round_id, laid, laid_by, walk_in, bent) VALUES (of_round, sum_capacity, from_what, sum_walk_in, is_bent)
        ON CONFLICT (round_id) DO UPDATE SET (laid, laid_by, walk_in, bent, loose)
            = (excluded.laid, excluded.laid_by, excluded.walk_in, excluded.bent, false);
    INSERT INTO places_changed (round_id) VALUES (of_round);
    RETURN true;
END $$;

-- ---- what follows from other changes ----

-- Nobody asked for it: it follows from something that was, whose own entry says by whom.
CREATE FUNCTION appointment_follow_audit(what text, was appointment, made appointment) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id, digest_before, digest_after)
        SELECT uuid7_make(), 'daemon', 'admin', what, 'appointment', made.id::text, k.id, appointment_digest(was),
               appointment_digest(made) FROM key AS k WHERE k.kind = 'hash' AND k.state = 'active';
END $$;

CREATE FUNCTION appointment_follow(was appointment, why text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made appointment;
BEGIN
    UPDATE appointment AS x SET state = 'cancelled', queue = NULL, wish = NULL, reason = why, ended_at = clock_timestamp(), version = x.version + 1
        WHERE x.id = was.id RETURNING * INTO made;
    PERFORM appointment_follow_audit('appointment.cancel', was, made);
END $$;

-- Who was erased has no place any more. The rounds of all records of the person at once, in the order of their ids.
CREATE FUNCTION appointment_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM round_hold(ARRAY(SELECT a.round_id FROM appointment AS a WHERE a.donor_id IN (SELECT donor_records(NEW.id))
                             AND a.state IN ('waiting', 'booked')));
    PERFORM appointment_follow(a, 'erased') FROM appointment AS a WHERE a.donor_id = NEW.id AND a.state IN ('waiting', 'booked');
    RETURN NULL;
END $$;
CREATE TRIGGER appointment_erased AFTER UPDATE OF erased_at ON donor FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION appointment_erased();

/*
 * Whom phones captured at the door, as appointment_arrive() takes it, or NULL: of these records, as far as it stands. What is held
 * counts, too; what a revoked phone told does when a person said that it is right.
 */
CREATE FUNCTION appointment_came(records uuid[]) RETURNS jsonb LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT jsonb_agg(DISTINCT jsonb_build_object('round', i.round_id, 'donor', i.donor_id)) FROM item_standing AS i
            WHERE i.donor_id = ANY (records) AND i.kind = 'check_in' AND i.round_id IS NOT NULL AND NOT i.quarantined);
END $$;

-- The same as if they were captured now: it became known only now who they are, or that it is right.
CREATE FUNCTION appointment_follow_came(came jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF came IS NOT NULL THEN
        INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id, digest_before, digest_after)
            SELECT uuid7_make(), 'daemon', 'admin', s.action, s.subject, s.id::text, k.id, s.digest_before, s.digest_after
            FROM appointment_arrive(came, clock_timestamp()) AS s, key AS k WHERE k.kind = 'hash' AND k.state = 'active';
    END IF;
END $$;

-- Of two places that one person has in a round since two records are one, the better stays; and who came by either has come.
CREATE FUNCTION appointment_merged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    records uuid[] := ARRAY(SELECT donor_records(NEW.into_id));
    came    jsonb  := appointment_came(records);
BEGIN
    PERFORM round_hold(ARRAY(SELECT a.round_id FROM appointment AS a WHERE a.donor_id = ANY (records)
                             AND a.state IN ('waiting', 'booked', 'checked_in') GROUP BY a.round_id HAVING count(*) > 1
                             UNION SELECT a.round_id FROM jsonb_to_recordset(came) AS i (round uuid) JOIN appointment AS a ON a.round_id = i.round
                             WHERE a.donor_id = ANY (records) AND a.state IN ('booked', 'no_show')));
    PERFORM appointment_follow(a, 'merged') FROM appointment AS a JOIN (
        SELECT x.id, row_number() OVER (PARTITION BY x.round_id
                   ORDER BY array_position('{checked_in,booked,waiting}', x.state), x.queue, x.created_at, x.id) AS n
        FROM appointment AS x WHERE x.donor_id = ANY (records) AND x.state IN ('waiting', 'booked', 'checked_in')) AS rank ON rank.id = a.id
        WHERE rank.n > 1 AND a.state <> 'checked_in';
    PERFORM appointment_follow_came(came);
    RETURN NULL;
END $$;
CREATE TRIGGER appointment_merged AFTER INSERT OR UPDATE OF into_id ON donor_alias FOR EACH ROW EXECUTE FUNCTION appointment_merged();

-- A person said that it is right.
CREATE FUNCTION appointment_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM appointment_follow_came(appointment_came(ARRAY(
        SELECT DISTINCT i.donor_id FROM fact AS f JOIN item AS i ON i.id = f.item_id AND i.content_hash = f.content_hash
        WHERE f.verb = 'keep' AND i.kind = 'check_in')));
    RETURN NULL;
END $$;
CREATE TRIGGER appointment_decided AFTER INSERT ON item_decision
    REFERENCING NEW TABLE AS fact FOR EACH STATEMENT EXECUTE FUNCTION appointment_decided();

/*
 * Two people after all: what the merge took from one of them is asked for again. Somebody else may have the place by now, so they
 * wait, before all others.
 */
CREATE FUNCTION appointment_unmerged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    records uuid[] := ARRAY(SELECT donor_records(OLD.donor_id) UNION SELECT donor_records(OLD.into_id));
    was     appointment;
    made    appointment;
BEGIN
    PERFORM round_hold(ARRAY(SELECT a.round_id FROM appointment AS a WHERE a.donor_id = ANY (records) AND a.reason = 'merged'));
    FOR was IN SELECT a.* FROM appointment AS a JOIN round AS r ON r.id = a.round_id
               WHERE a.donor_id = ANY (records) AND a.state = 'cancelled' AND a.reason = 'merged'
                 AND r.status IN ('open', 'running', 'postponed', 'moved')
               ORDER BY a.id DESC LOOP
        CONTINUE WHEN EXISTS (SELECT FROM appointment AS o WHERE o.round_id = was.round_id AND o.state IN ('waiting', 'booked', 'checked_in')
                              AND o.donor_id IN (SELECT donor_records(was.donor_id)));
        UPDATE appointment AS x SET state = 'waiting', slot_id = NULL, reason = NULL, ended_at = NULL, version = x.version + 1,
               queue = (SELECT coalesce(min(w.queue), 1000001) - 1 FROM appointment AS w WHERE w.round_id = was.round_id AND w.state = 'waiting')
            WHERE x.id = was.id RETURNING * INTO made;
        PERFORM appointment_follow_audit('appointment.wait', was, made);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER appointment_unmerged AFTER DELETE ON donor_alias FOR EACH ROW EXECUTE FUNCTION appointment_unmerged();

-- ---- for other rooms ----

-- Whom a team waits for in a round: who has a place and has not come. Of merged records the one that stands.
CREATE VIEW appointment_expected AS
    SELECT a.round_id, coalesce(m.into_id, a.donor_id) AS donor_id, a.id AS appointment_id, a.code, a.kind, a.component,
           s.start_minute, a.version
    FROM appointment AS a JOIN slot AS s ON s.id = a.slot_id LEFT JOIN donor_alias AS m ON m.donor_id = a.donor_id
    WHERE a.state = 'booked' AND a.donor_id IS NOT NULL;

GRANT SELECT ON appointment_expected TO :app_role;
GRANT SELECT, INSERT, UPDATE ON round_places, slot_rules, slot, appointment TO :app_role;
GRANT SELECT, INSERT ON seat_group TO :app_role;
GRANT SELECT, INSERT, DELETE ON places_changed TO :app_role;
