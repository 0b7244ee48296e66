-- Why: the donor registry: who gave, what is sealed, what may be found, who agreed to what.
-- Oldest daemon: 0.1.0
-- Forward only.

-- In plain stands only what lists and reports need; the rest is sealed with the donor's own key (crypto/donor_seal.h).
CREATE TABLE donor (
    id             uuid        NOT NULL,
    number         text        NOT NULL,          -- told to people: domain/donor_number.h
    birth_year     smallint,
    sex            text,
    abo            text,
    rhd            text,
    blood_evidence text,
    unit_id        text,                          -- residence, as it was told on the day
    unit_on        date,
    wrap_key_id    integer,                       -- key of the keyring around wrapped_key
    wrapped_key    bytea,                         -- the donor's own key; NULL: erased
    sealed         bytea,                         -- name, birth date, phone, address
    contact_facility boolean   NOT NULL DEFAULT false,   -- "ask the blood facility before inviting"; no reason
    registered_at  timestamptz NOT NULL DEFAULT now(),
    erased_at      timestamptz,
    version        bigint      NOT NULL DEFAULT 1,
    -- Derived from donations, deferrals, age; kept for lists. NULL: nothing in the way; infinity: no date ends it.
    last_donated_on    date,
    next_whole_blood   date,
    next_red_cells     date,
    next_platelets     date,
    next_plasma        date,
    next_granulocytes  date,
    next_stem_cells    date,
    CONSTRAINT donor_pk          PRIMARY KEY (id),
    CONSTRAINT donor_number_uk   UNIQUE (number),
    CONSTRAINT donor_unit_fk     FOREIGN KEY (unit_id) REFERENCES unit (id),
    CONSTRAINT donor_unit_ck     CHECK ((unit_id IS NULL) = (unit_on IS NULL)),
    CONSTRAINT donor_sex_ck      CHECK (sex IN ('female', 'male')),
    CONSTRAINT donor_year_ck     CHECK (birth_year BETWEEN 1900 AND 2200),
    CONSTRAINT donor_abo_ck      CHECK (abo IN ('O', 'A', 'B', 'AB')),
    CONSTRAINT donor_rhd_ck      CHECK (rhd IN ('positive', 'negative')),
    CONSTRAINT donor_evidence_ck CHECK (blood_evidence IN ('declared', 'card', 'laboratory')),
    CONSTRAINT donor_blood_ck    CHECK ((abo IS NULL AND rhd IS NULL) = (blood_evidence IS NULL)),
    CONSTRAINT donor_sealed_ck   CHECK ((wrapped_key IS NULL) = (sealed IS NULL)
                                        AND (wrapped_key IS NULL) = (wrap_key_id IS NULL)
                                        AND (wrapped_key IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX donor_unit_ix ON donor (unit_id, id);
CREATE INDEX donor_next_ix ON donor (next_whole_blood, id);
CREATE INDEX donor_last_ix ON donor (last_donated_on, id);
CREATE INDEX donor_wrap_ix ON donor (wrap_key_id);

-- A number on a paper. A person may have several, or none.
CREATE TABLE donor_identifier (
    id          uuid        NOT NULL,
    donor_id    uuid        NOT NULL,
    kind        text        NOT NULL,
    sealed      bytea       NOT NULL,             -- issuer and number, with the donor's key
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT donor_identifier_pk PRIMARY KEY (id),
    CONSTRAINT donor_identifier_donor_fk FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT donor_identifier_kind_ck CHECK (kind IN ('cccd', 'cmnd', 'passport', 'military', 'police', 'driving_licence',
                                                        'work_card', 'student_card', 'donor_card', 'local_paper'))
);
CREATE INDEX donor_identifier_donor_ix ON donor_identifier (donor_id);

/*
 * By what a donor is found: keyed digests, one for each hash key that is written (store/lookup.h).
 *   identifier  kind, issuer, number: nobody else has it
 *   paper       the same of a local paper, which is never unique
 *   phone       one number in all its spellings
 *   name        birth year and one folded word of the name
 */
CREATE TABLE donor_digest (
    digest        bytea   NOT NULL,
    use           text    NOT NULL,
    key_id        integer NOT NULL,
    donor_id      uuid    NOT NULL,
    identifier_id uuid,
    CONSTRAINT donor_digest_pk PRIMARY KEY (digest, donor_id),
    CONSTRAINT donor_digest_donor_fk FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT donor_digest_identifier_fk FOREIGN KEY (identifier_id) REFERENCES donor_identifier (id),
    CONSTRAINT donor_digest_use_ck CHECK (use IN ('identifier', 'paper', 'phone', 'name')),
    CONSTRAINT donor_digest_identifier_ck CHECK ((identifier_id IS NOT NULL) = (use IN ('identifier', 'paper')))
);
CREATE UNIQUE INDEX donor_digest_identifier_uk ON donor_digest (digest) WHERE use = 'identifier';
CREATE INDEX donor_digest_donor_ix ON donor_digest (donor_id);
CREATE INDEX donor_digest_key_ix ON donor_digest (key_id);

-- Append-only; what holds for a purpose and channel is the row with the greatest (at, id).
CREATE TABLE consent (
    id          uuid        NOT NULL,
    donor_id    uuid        NOT NULL,
    purpose     text        NOT NULL,
    channel     text        NOT NULL,
    given       boolean     NOT NULL,             -- false: withdrawn
    at          timestamptz NOT NULL,
    proof       bytea,                            -- sealed with the donor's key
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT consent_pk         PRIMARY KEY (id),
    CONSTRAINT consent_donor_fk   FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT consent_purpose_ck CHECK (purpose IN ('invitation', 'honours_publication', 'certificate_sms', 'statistics')),
    CONSTRAINT consent_channel_ck CHECK (channel IN ('paper', 'sms', 'phone', 'app', 'web', 'email'))
);
CREATE INDEX consent_donor_ix ON consent (donor_id, purpose, channel, at, id);

-- Append-only. What is over is told by `until`, or by a later row that lifts it.
CREATE TABLE deferral (
    id          uuid        NOT NULL,
    donor_id    uuid        NOT NULL,
    sealed      bytea,                            -- code, from, note, with the donor's key; NULL in rows that lift
    ends        text        NOT NULL,
    until       date,                             -- first day on which it no longer holds
    lifts       uuid,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT deferral_pk       PRIMARY KEY (id),
    CONSTRAINT deferral_donor_fk FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT deferral_lifts_fk FOREIGN KEY (lifts) REFERENCES deferral (id),
    CONSTRAINT deferral_lifts_uk UNIQUE (lifts),
    CONSTRAINT deferral_ends_ck  CHECK (ends IN ('dated', 'open', 'permanent', 'lifts')),
    CONSTRAINT deferral_until_ck CHECK ((until IS NOT NULL) = (ends = 'dated')),
    CONSTRAINT deferral_kind_ck  CHECK ((lifts IS NOT NULL) = (ends = 'lifts') AND (sealed IS NULL) = (ends = 'lifts'))
);
CREATE INDEX deferral_donor_ix ON deferral (donor_id);

-- Append-only; a correction names the row that it replaces.
CREATE TABLE donation (
    id          uuid        NOT NULL,
    donor_id    uuid        NOT NULL,
    component   text        NOT NULL,
    volume_ml   integer,
    donated_on  date        NOT NULL,
    evidence    text        NOT NULL,             -- declared: as told or on paper; confirmed: from our own rounds
    source      text        NOT NULL,
    corrects    uuid,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT donation_pk           PRIMARY KEY (id),
    CONSTRAINT donation_donor_fk     FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT donation_corrects_fk  FOREIGN KEY (corrects) REFERENCES donation (id),
    CONSTRAINT donation_corrects_uk  UNIQUE (corrects),
    CONSTRAINT donation_component_ck CHECK (component IN ('whole_blood', 'red_cells', 'platelets', 'plasma', 'granulocytes',
                                                          'stem_cells')),
    CONSTRAINT donation_volume_ck    CHECK (volume_ml BETWEEN 1 AND 1000),
    CONSTRAINT donation_evidence_ck  CHECK (evidence IN ('declared', 'confirmed'))
);
CREATE INDEX donation_donor_ix ON donation (donor_id, donated_on);

/*
 * Two records of one person: the first is an alias of the second. Never a chain: into_id is the record that stands for
 * all of them. What was merged into what is the tree of with_id; undoing cuts one edge of it, and what hangs on it
 * follows. Whoever writes here moves the versions of the records that stand, so that two of them cannot tie a knot.
 */
CREATE TABLE donor_alias (
    donor_id  uuid        NOT NULL,
    into_id   uuid        NOT NULL,
    with_id   uuid        NOT NULL,
    merged_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT donor_alias_pk       PRIMARY KEY (donor_id),
    CONSTRAINT donor_alias_donor_fk FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT donor_alias_into_fk  FOREIGN KEY (into_id) REFERENCES donor (id),
    CONSTRAINT donor_alias_with_fk  FOREIGN KEY (with_id) REFERENCES donor (id),
    CONSTRAINT donor_alias_self_ck  CHECK (donor_id <> into_id AND donor_id <> with_id)
);
CREATE INDEX donor_alias_into_ix ON donor_alias (into_id);

/*
 * Who asked for whom: a row for the look-ups that went together in one statement, three arrays side by side. Its
 * audit entry has the SHA-256 of the row, so that what the entry says of thousands is one row of the chain.
 */
CREATE TABLE donor_lookup (
    id       uuid    NOT NULL,
    key_id   integer NOT NULL,                    -- hash key of `asked`
    found    uuid[]  NOT NULL,                    -- who it was; NULL: nobody
    asked    bytea[] NOT NULL,                    -- keyed digest of what was asked, where it was nobody
    requests uuid[]  NOT NULL,
    CONSTRAINT donor_lookup_pk PRIMARY KEY (id),
    CONSTRAINT donor_lookup_ck CHECK (cardinality(found) = cardinality(asked) AND cardinality(found) = cardinality(requests))
);
-- Random bytes are not worth compressing.
ALTER TABLE donor_lookup ALTER COLUMN found SET STORAGE EXTERNAL, ALTER COLUMN asked SET STORAGE EXTERNAL,
                         ALTER COLUMN requests SET STORAGE EXTERNAL;

-- A person looked and said: not the same. They are not offered again.
CREATE TABLE donor_distinct (
    one_id uuid NOT NULL,
    two_id uuid NOT NULL,
    at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT donor_distinct_pk       PRIMARY KEY (one_id, two_id),
    CONSTRAINT donor_distinct_one_fk   FOREIGN KEY (one_id) REFERENCES donor (id),
    CONSTRAINT donor_distinct_two_fk   FOREIGN KEY (two_id) REFERENCES donor (id),
    CONSTRAINT donor_distinct_order_ck CHECK (one_id < two_id)
);

GRANT SELECT, INSERT ON donor, donor_identifier, donor_digest, consent, deferral, donation, donor_alias, donor_distinct, donor_lookup TO :app_role;
GRANT UPDATE ON donor TO :app_role;
GRANT DELETE ON donor_identifier, donor_digest, donor_alias, donor_distinct TO :app_role;
GRANT UPDATE (sealed) ON donor_identifier TO :app_role;
GRANT UPDATE (into_id) ON donor_alias TO :app_role;
