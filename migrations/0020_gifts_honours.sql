-- Why: what donors were handed, what they are honoured with, and families that are counted together.
-- Locks: none but of its own tables.
-- Oldest daemon: 0.1.0
-- Forward only.

-- ---- gifts ----

/*
 * Something that was handed over to somebody in a round. Append-only: a correction is a row that names the one whose place
 * it takes, with 0 when nothing was handed over at all. What a phone told belongs to one content of an item.
 */
CREATE TABLE gift (
    id            uuid        NOT NULL,
    round_id      uuid        NOT NULL,
    donor_id      uuid        NOT NULL,
    kind          text        NOT NULL,
    value_vnd     bigint      NOT NULL,
    handed_on     date        NOT NULL,
    corrects      uuid,
    corrects_item uuid,                           -- the item of the row whose place it takes, where a phone told it
    item_id       uuid,
    content_hash  bytea,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT gift_pk          PRIMARY KEY (id),
    CONSTRAINT gift_round_uk    UNIQUE (id, round_id),
    CONSTRAINT gift_round_fk    FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT gift_donor_fk    FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT gift_corrects_fk FOREIGN KEY (corrects, round_id) REFERENCES gift (id, round_id),
    CONSTRAINT gift_corrects_uk UNIQUE (corrects),
    CONSTRAINT gift_corrects_item_uk UNIQUE (corrects_item),     -- one answer for all contents of an item
    CONSTRAINT gift_item_fk     FOREIGN KEY (item_id, content_hash) REFERENCES item (id, content_hash),
    CONSTRAINT gift_item_uk     UNIQUE (item_id, content_hash),
    CONSTRAINT gift_item_ck     CHECK ((item_id IS NULL) = (content_hash IS NULL) AND (item_id IS NULL OR corrects IS NULL)
                                       AND (corrects_item IS NULL OR corrects IS NOT NULL)),
    CONSTRAINT gift_kind_ck     CHECK (kind IN ('gift', 'food', 'travel')),
    CONSTRAINT gift_value_ck    CHECK (value_vnd BETWEEN 0 AND 100000000 AND (value_vnd > 0 OR corrects IS NOT NULL))
);
CREATE INDEX gift_book_ix ON gift (round_id);
CREATE INDEX gift_donor_ix ON gift (donor_id);
COMMENT ON TABLE gift IS 'What donors were handed. Append-only.';

/*
 * What was handed over as far as anybody knows now; in whatever order it became known. A correction takes the place of
 * whatever content of the item counts.
 */
CREATE VIEW gift_counting AS
    SELECT g.*, g.item_id IS NOT NULL AND EXISTS (SELECT FROM item_reason AS r WHERE r.id = g.item_id AND r.content_hash = g.content_hash)
            AS held
    FROM gift AS g
    WHERE g.value_vnd > 0 AND NOT EXISTS (SELECT FROM gift AS o WHERE o.corrects = g.id)
      AND (g.item_id IS NULL
           OR (NOT EXISTS (SELECT FROM gift AS o WHERE o.corrects_item = g.item_id)
               AND EXISTS (SELECT FROM item_counting AS c WHERE c.id = g.item_id AND c.content_hash = g.content_hash)));

-- ---- families ----

-- Who is counted together. It has no name of its own: lists name who stands for it (family_head).
CREATE TABLE family (
    id         uuid        NOT NULL,
    head_id    uuid        NOT NULL,             -- who began it
    created_at timestamptz NOT NULL DEFAULT now(),
    version    bigint      NOT NULL DEFAULT 1,
    CONSTRAINT family_pk      PRIMARY KEY (id),
    CONSTRAINT family_head_fk FOREIGN KEY (head_id) REFERENCES donor (id)
);
CREATE INDEX family_head_ix ON family (head_id);

-- Nobody is counted with others who did not agree to it.
CREATE TABLE family_member (
    id              uuid        NOT NULL,
    family_id       uuid        NOT NULL,
    donor_id        uuid        NOT NULL,
    joined_on       date        NOT NULL,
    left_on         date,                         -- first day on which no longer
    consent_on      date,                         -- NULL: has not been asked, or did not agree
    consent_channel text,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT family_member_pk         PRIMARY KEY (id),
    CONSTRAINT family_member_family_fk  FOREIGN KEY (family_id) REFERENCES family (id),
    CONSTRAINT family_member_donor_fk   FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT family_member_span_ck    CHECK (left_on >= joined_on),
    CONSTRAINT family_member_consent_ck CHECK ((consent_on IS NULL) = (consent_channel IS NULL)),
    CONSTRAINT family_member_channel_ck CHECK (consent_channel IN ('paper', 'sms', 'phone', 'app', 'web', 'email'))
);
-- One family at a time (also of days that are over, and on other records of the person: family_meets).
CREATE UNIQUE INDEX family_member_one_uk ON family_member (donor_id) WHERE left_on IS NULL;
CREATE INDEX family_member_family_ix ON family_member (family_id);
CREATE INDEX family_member_donor_ix ON family_member (donor_id);

-- ---- honours ----

-- One honour of one person or family, from the candidate to the day on which it is handed over.
CREATE TABLE honour (
    id          uuid        NOT NULL,
    donor_id    uuid,
    family_id   uuid,
    ladder      text        NOT NULL,
    step        text        NOT NULL,             -- of the file of ladders: domain/honour.h
    bar         integer     NOT NULL,             -- with so many donations
    as_of       date        NOT NULL,
    reached_on  date        NOT NULL,
    donations   uuid[]      NOT NULL,             -- that were counted then
    rules       text        NOT NULL,             -- edition of the file
    state       text        NOT NULL DEFAULT 'candidate',
    reason      text,                             -- why it was set back or refused last; a word, nothing about a person
    document    text,                             -- number of the decision that approved it
    approved_on date,
    handed_on   date,
    given_by    text,                             -- who gave it
    created_at  timestamptz NOT NULL DEFAULT now(),
    version     bigint      NOT NULL DEFAULT 1,
    CONSTRAINT honour_pk         PRIMARY KEY (id),
    CONSTRAINT honour_donor_fk   FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT honour_family_fk  FOREIGN KEY (family_id) REFERENCES family (id),
    CONSTRAINT honour_whose_ck   CHECK ((donor_id IS NULL) <> (family_id IS NULL) AND (family_id IS NOT NULL) = (ladder = 'family')),
    CONSTRAINT honour_ladder_ck  CHECK (ladder IN ('first', 'individual', 'family')),
    CONSTRAINT honour_state_ck   CHECK (state IN ('candidate', 'checked', 'proposed', 'approved', 'handed_over', 'refused')),
    CONSTRAINT honour_handed_ck  CHECK ((state = 'handed_over') = (handed_on IS NOT NULL)
                                        AND (state NOT IN ('approved', 'handed_over') OR approved_on IS NOT NULL)),
    CONSTRAINT honour_bar_ck     CHECK (bar >= 1 AND cardinality(donations) = bar)
);
-- Never twice; what was refused may come again.
CREATE UNIQUE INDEX honour_donor_step_uk ON honour (donor_id, step) WHERE state <> 'refused';
CREATE UNIQUE INDEX honour_family_step_uk ON honour (family_id, step) WHERE state <> 'refused';
CREATE INDEX honour_state_ix ON honour (state, id);
CREATE INDEX honour_donor_ix ON honour (donor_id) WHERE donor_id IS NOT NULL;
CREATE INDEX honour_family_ix ON honour (family_id) WHERE family_id IS NOT NULL;
CREATE INDEX honour_family_donations_ix ON honour USING gin (donations) WHERE family_id IS NOT NULL;

-- Every step of the work. Append-only.
CREATE TABLE honour_event (
    id         uuid        NOT NULL,
    honour_id  uuid        NOT NULL,
    version    bigint      NOT NULL,              -- that it made
    verb       text        NOT NULL,
    state      text        NOT NULL,              -- after it
    reason     text,
    at         timestamptz NOT NULL,
    actor_kind text        NOT NULL,
    actor_id   text        NOT NULL,
    CONSTRAINT honour_event_pk        PRIMARY KEY (id),
    CONSTRAINT honour_event_uk        UNIQUE (honour_id, version),
    CONSTRAINT honour_event_honour_fk FOREIGN KEY (honour_id) REFERENCES honour (id),
    CONSTRAINT honour_event_verb_ck   CHECK (verb IN ('nominate', 'check', 'propose', 'approve', 'hand_over', 'set_back', 'refuse'))
);

-- The records that are one person.
CREATE FUNCTION person_records(person uuid) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT array_prepend(person, ARRAY(SELECT a.donor_id FROM donor_alias AS a WHERE a.into_id = person))
$$;

/*
 * Whether somebody has one of these honours, or it is in work. Asked by who holds the person's or family's row: a statement
 * sees what was committed when it began, this function what is committed now.
 */
CREATE FUNCTION honour_taken(person uuid, family uuid, steps text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM honour AS h WHERE h.state <> 'refused' AND h.step = ANY (steps)
                   AND (h.family_id = family OR h.donor_id = ANY (person_records(person))));
END $$;

/*
 * Whether somebody has one of these honours beside this one, or it is in work: records that were merged may each have it.
 * Asked as above; `person` may have been merged into another one while its row was waited for.
 */
CREATE FUNCTION honour_twice(own uuid, person uuid, steps text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM honour AS h WHERE h.id <> own AND h.state <> 'refused' AND h.step = ANY (steps)
                   AND h.donor_id = ANY (person_records(coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = person), person))));
END $$;

/*
 * What the same person has for the same step, on another record: each was entered before the records were one. `steps` and `was`,
 * side by side: a step, and one of an earlier file that it replaces.
 */
CREATE FUNCTION honour_twins(h honour, person uuid, steps text[], was text[]) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT o.id FROM honour AS o WHERE h.donor_id IS NOT NULL AND h.state <> 'refused' AND o.state <> 'refused' AND o.id <> h.id
                 AND o.donor_id = ANY (person_records(person))
                 AND (o.step = h.step OR EXISTS (SELECT FROM unnest(steps, was) AS p (step, was)
                                                 WHERE (p.step, p.was) IN ((h.step, o.step), (o.step, h.step))))
                 ORDER BY o.id)
$$;

-- Whether one of these donations was honoured in another family, or that is in work. Asked by who holds the rows of their donors.
CREATE FUNCTION family_used(own uuid, donated uuid[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM honour AS h WHERE h.family_id <> own AND h.state <> 'refused' AND h.donations && donated);
END $$;

-- Whether somebody was a member of a family in these days, on whatever record, but for one row. Asked by who holds the person's row.
CREATE FUNCTION family_meets(person uuid, own uuid, since date, until date) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM family_member AS m WHERE m.donor_id = ANY (person_records(person)) AND m.id IS DISTINCT FROM own
                   AND daterange(m.joined_on, m.left_on) && daterange(since, until));
END $$;

-- Who stands for a family: who began it, as long as they are a member and not erased; then who joined first.
CREATE FUNCTION family_head(of_family uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT s.id FROM family AS f JOIN family_member AS m ON m.family_id = f.id LEFT JOIN donor_alias AS a ON a.donor_id = m.donor_id
     JOIN donor AS s ON s.id = coalesce(a.into_id, m.donor_id) WHERE f.id = of_family
     ORDER BY s.erased_at IS NOT NULL, m.left_on IS NOT NULL, m.donor_id <> f.head_id, m.joined_on, m.id LIMIT 1
$$;

GRANT SELECT, INSERT ON gift, family, family_member, honour, honour_event TO :app_role;
GRANT UPDATE (version) ON family TO :app_role;
GRANT UPDATE (left_on, consent_on, consent_channel) ON family_member TO :app_role;
GRANT UPDATE (state, reason, document, approved_on, handed_on, given_by, version) ON honour TO :app_role;
GRANT SELECT ON gift_counting TO :app_role;
