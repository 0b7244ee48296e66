-- Why: certificates of donations: who issues them, their numbers and keys, what was printed, redeemed, and made void.
-- Oldest daemon: 0.1.0
-- Forward only.

-- Who issues certificates, under which name from which day on: what was issued before keeps the name of its day.
CREATE TABLE issuing_body (
    code       text        NOT NULL,
    valid_from date        NOT NULL,
    name       text        NOT NULL,
    place      text        NOT NULL,              -- where it signs: "Lai Châu"
    signer     text        NOT NULL,              -- in whose office: "Trưởng ban"
    entered_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT issuing_body_pk      PRIMARY KEY (code, valid_from),
    CONSTRAINT issuing_body_code_ck CHECK (code ~ '^[A-Z]{2,4}$')
);

/*
 * The last number given of each body and year. A statement that takes numbers and fails gives them back. A restore skips as
 * many as may have been given since the backup (store/chain_store.c); issuer '': where series begin that it brought no row of.
 */
CREATE TABLE certificate_series (
    issuer text    NOT NULL,
    year   integer NOT NULL,
    last   integer NOT NULL,
    CONSTRAINT certificate_series_pk      PRIMARY KEY (issuer, year),
    CONSTRAINT certificate_series_last_ck CHECK (last BETWEEN 1 AND 9999999)
);

/*
 * Public keys, kept for as long as paper is. The greatest generation of a body and year that is not compromised is the one
 * in use. Issuer '': the key of the list of revocations. The private keys are derived (crypto/certificate_seal.h).
 */
CREATE TABLE certificate_key (
    issuer         text        NOT NULL,
    year           integer     NOT NULL,
    generation     integer     NOT NULL,
    sign_key_id    integer     NOT NULL,          -- of the keyring
    kid            bytea       NOT NULL,
    public_key     bytea       NOT NULL,
    made_at        timestamptz NOT NULL DEFAULT now(),
    compromised_at timestamptz,
    CONSTRAINT certificate_key_pk      PRIMARY KEY (issuer, year, generation),
    CONSTRAINT certificate_key_uk      UNIQUE (public_key),
    CONSTRAINT certificate_key_size_ck CHECK (octet_length(kid) = 8 AND octet_length(public_key) = 32 AND generation >= 1)
);

-- Never deleted: a number is never free again.
CREATE TABLE certificate (
    id             uuid        NOT NULL,
    issuer         text        NOT NULL,
    year           integer     NOT NULL,
    ordinal        integer     NOT NULL,
    donation_id    uuid        NOT NULL,
    donor_id       uuid        NOT NULL,          -- with whose key it is sealed: the record that stood on the day
    round_id       uuid,
    bag_code       text,
    volume_ml      integer     NOT NULL,
    component      text        NOT NULL,
    donated_on     date        NOT NULL,
    issued_on      date        NOT NULL,
    generation     integer     NOT NULL,
    code           text        NOT NULL,          -- for SMS
    revocation_id  bytea       NOT NULL,
    sealed         bytea       NOT NULL,          -- salt, name, birth date, address, and all else that is printed
    issued_at      timestamptz NOT NULL DEFAULT now(),
    -- Kept by the functions below alone: what the ledger says.
    redeemed_ml    integer     NOT NULL DEFAULT 0,
    void           boolean     NOT NULL DEFAULT false,
    CONSTRAINT certificate_pk           PRIMARY KEY (id),
    CONSTRAINT certificate_number_uk    UNIQUE (issuer, year, ordinal),
    CONSTRAINT certificate_code_uk      UNIQUE (code),
    CONSTRAINT certificate_donation_fk  FOREIGN KEY (donation_id) REFERENCES donation (id),
    CONSTRAINT certificate_donor_fk     FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT certificate_round_fk     FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT certificate_key_fk       FOREIGN KEY (issuer, year, generation) REFERENCES certificate_key (issuer, year, generation),
    CONSTRAINT certificate_volume_ck    CHECK (volume_ml BETWEEN 1 AND 1000),
    CONSTRAINT certificate_overdrawn_ck CHECK (redeemed_ml BETWEEN 0 AND volume_ml),
    CONSTRAINT certificate_redeemed_ck  CHECK (NOT void OR redeemed_ml = 0)      -- else the donation's next one spends it again
);
-- One that stands for each donation, and for each bag.
CREATE UNIQUE INDEX certificate_donation_uk ON certificate (donation_id) WHERE NOT void;
CREATE UNIQUE INDEX certificate_bag_uk ON certificate (bag_code) WHERE NOT void AND bag_code IS NOT NULL;
CREATE INDEX certificate_donor_ix ON certificate (donor_id);
CREATE INDEX certificate_round_ix ON certificate (round_id) WHERE round_id IS NOT NULL;

-- The first print is the original, each other one a copy. A form that was spoilt has a serial of its own.
-- What was printed together is found again by its run: a retry gets the same pages, not copies of them.
CREATE TABLE certificate_print (
    id             uuid        NOT NULL,
    certificate_id uuid        NOT NULL,
    n              integer     NOT NULL,
    form           text        NOT NULL,
    paper_serial   text,
    run_id         uuid,                          -- with which others, of a whole round
    printed_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT certificate_print_pk        PRIMARY KEY (id),
    CONSTRAINT certificate_print_n_uk      UNIQUE (certificate_id, n),
    CONSTRAINT certificate_print_serial_uk UNIQUE (paper_serial),
    CONSTRAINT certificate_print_fk        FOREIGN KEY (certificate_id) REFERENCES certificate (id),
    CONSTRAINT certificate_print_form_ck   CHECK (form IN ('whole', 'preprinted'))
);
CREATE INDEX certificate_print_run_ix ON certificate_print (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE certificate_void (
    certificate_id uuid        NOT NULL,
    n              bigint      GENERATED ALWAYS AS IDENTITY,      -- in which order
    reason         text        NOT NULL,          -- a word, nothing about a person
    voided_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT certificate_void_reason_ck CHECK (reason IN ('wrong_person', 'wrong_name', 'wrong_birth_date', 'wrong_address',
        'wrong_volume', 'wrong_date', 'duplicate', 'not_given', 'other')),
    CONSTRAINT certificate_void_pk PRIMARY KEY (certificate_id),
    CONSTRAINT certificate_void_fk FOREIGN KEY (certificate_id) REFERENCES certificate (id)
);

/*
 * The ledger. Append-only.
 *   use       counts
 *   claim     came late (offline, paper) and nothing was left for it: counts nothing until it is settled by a use that names it
 *   reversal  takes the use that it names back, or dismisses the claim
 */
CREATE TABLE redemption (
    id              uuid        NOT NULL,
    certificate_id  uuid        NOT NULL,
    kind            text        NOT NULL,
    ml              integer     NOT NULL,
    source          text        NOT NULL,
    facility        text        NOT NULL,
    used_on         date        NOT NULL,
    of_id           uuid,                         -- what it answers
    entered_at      timestamptz NOT NULL DEFAULT now(),
    entered_by_kind text        NOT NULL,
    entered_by      text        NOT NULL,
    CONSTRAINT redemption_pk        PRIMARY KEY (id),
    CONSTRAINT redemption_own_uk    UNIQUE (certificate_id, id),
    CONSTRAINT redemption_fk        FOREIGN KEY (certificate_id) REFERENCES certificate (id),
    CONSTRAINT redemption_of_fk     FOREIGN KEY (certificate_id, of_id) REFERENCES redemption (certificate_id, id),
    CONSTRAINT redemption_kind_ck   CHECK (kind IN ('use', 'claim', 'reversal')),
    CONSTRAINT redemption_source_ck CHECK (source IN ('online', 'offline', 'paper')),
    CONSTRAINT redemption_ml_ck     CHECK (ml BETWEEN 1 AND 1000),
    CONSTRAINT redemption_answer_ck CHECK ((kind <> 'reversal' OR of_id IS NOT NULL) AND (kind <> 'claim' OR of_id IS NULL))
);
CREATE INDEX redemption_of_ix ON redemption (of_id) WHERE of_id IS NOT NULL;
CREATE INDEX redemption_claim_ix ON redemption (entered_at, id) WHERE kind = 'claim';

-- Taken back, dismissed or settled; by an answer that was itself taken back nothing is.
CREATE FUNCTION redemption_answered(entry uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM redemption AS a WHERE a.of_id = entry AND NOT EXISTS (SELECT FROM redemption AS b WHERE b.of_id = a.id))
$$;

/*
 * All rows of one donation: what it corrects and what corrects it, step by step, and each content under one of its items.
 */
CREATE FUNCTION donation_kin(of uuid) RETURNS SETOF uuid LANGUAGE sql STABLE ROWS 2 AS $$
    WITH RECURSIVE kin (is_item, id) AS (
        SELECT false, of
        UNION
        SELECT e.is_item, e.id FROM kin AS k CROSS JOIN LATERAL (
            SELECT true, n.item_id FROM donation AS n WHERE NOT k.is_item AND n.id = k.id AND n.item_id IS NOT NULL
            UNION ALL SELECT false, n.corrects FROM donation AS n WHERE NOT k.is_item AND n.id = k.id AND n.corrects IS NOT NULL
            UNION ALL SELECT false, n.id FROM donation AS n WHERE NOT k.is_item AND n.corrects = k.id
            UNION ALL SELECT false, n.id FROM donation AS n WHERE k.is_item AND n.item_id = k.id
            UNION ALL SELECT true, i.id FROM item_kin(k.id) AS i (id) WHERE k.is_item
        ) AS e (is_item, id)
    ) SELECT id FROM kin WHERE NOT is_item
$$;

-- What stands of a donation, or of its bag: while there is any, no other is issued for it.
CREATE FUNCTION donation_certificates(of uuid) RETURNS SETOF certificate LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT c.* FROM donation_kin(of) AS k (id) JOIN certificate AS c ON c.donation_id = k.id WHERE NOT c.void
    UNION ALL SELECT c.* FROM donation AS n JOIN certificate AS c ON c.bag_code = n.bag_code WHERE n.id = of AND NOT c.void
$$;

-- Of two that issue for rows of one donation, in whatever programs, one sees the other's.
CREATE FUNCTION certificate_enter() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.redeemed_ml := 0;
    NEW.void := false;
    PERFORM FROM donation_kin(NEW.donation_id) AS k (id) JOIN donation AS n ON n.id = k.id ORDER BY n.id FOR NO KEY UPDATE OF n;
    IF EXISTS (SELECT FROM donation_certificates(NEW.donation_id)) THEN
        RAISE EXCEPTION 'the donation has a certificate' USING ERRCODE = '23505', CONSTRAINT = 'certificate_donation_uk';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER certificate_enter BEFORE INSERT ON certificate FOR EACH ROW EXECUTE FUNCTION certificate_enter();

-- What was stolen once is good for nothing, for ever.
CREATE FUNCTION certificate_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.compromised_at IS NOT NULL AND NEW.compromised_at IS DISTINCT FROM OLD.compromised_at THEN
        RAISE EXCEPTION 'a compromised key stays so' USING ERRCODE = '23514', CONSTRAINT = 'certificate_key_compromised_ck';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER certificate_key_change BEFORE UPDATE ON certificate_key FOR EACH ROW EXECUTE FUNCTION certificate_key_change();

/*
 * Whoever enters here holds the certificate's row: of two that want the last millilitres, in whatever programs, one
 * sees what the other took. The programs may not write the sum; these functions run with the owner's rights.
 */
CREATE FUNCTION redemption_enter() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c certificate;
    o redemption;
BEGIN
    SELECT * INTO c FROM certificate WHERE id = NEW.certificate_id FOR UPDATE;
    -- Sent twice at once: who comes second is told that, and not that nothing is left for it.
    IF EXISTS (SELECT FROM redemption WHERE id = NEW.id) THEN
        RAISE EXCEPTION 'this entry is there' USING ERRCODE = '23505', CONSTRAINT = 'redemption_pk';
    END IF;
    IF NEW.of_id IS NOT NULL THEN
        SELECT * INTO o FROM redemption WHERE id = NEW.of_id AND certificate_id = NEW.certificate_id;
        IF o.id IS NULL OR o.kind = 'reversal' OR (NEW.kind = 'use' AND o.kind <> 'claim') THEN
            RAISE EXCEPTION 'not to be answered so' USING ERRCODE = '23514', CONSTRAINT = 'redemption_answered_ck';
        END IF;
        IF redemption_answered(o.id) THEN
            RAISE EXCEPTION 'answered before' USING ERRCODE = '23505', CONSTRAINT = 'redemption_of_uk';
        END IF;
        NEW.ml := o.ml;
        NEW.source := o.source;
        NEW.used_on := o.used_on;
    ELSIF NEW.kind = 'use' AND NEW.source <> 'online' AND (c.void OR c.redeemed_ml + NEW.ml > c.volume_ml) THEN
        NEW.kind := 'claim';
    END IF;
    IF NEW.kind = 'use' AND c.void THEN
        RAISE EXCEPTION 'the certificate is void' USING ERRCODE = '23514', CONSTRAINT = 'redemption_void_ck';
    END IF;
    IF NEW.kind = 'use' OR o.kind = 'use' THEN
        UPDATE certificate SET redeemed_ml = redeemed_ml + CASE WHEN NEW.kind = 'use' THEN NEW.ml ELSE -NEW.ml END
            WHERE id = NEW.certificate_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER redemption_enter BEFORE INSERT ON redemption FOR EACH ROW EXECUTE FUNCTION redemption_enter();

-- With a claim that waits a person decides first: on a void one it could not be settled any more.
CREATE FUNCTION certificate_void_enter() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c certificate;
BEGIN
    SELECT * INTO c FROM certificate WHERE id = NEW.certificate_id FOR UPDATE;
    IF NOT c.void AND EXISTS (SELECT FROM redemption AS e WHERE e.certificate_id = c.id AND e.kind = 'claim' AND NOT redemption_answered(e.id)) THEN
        RAISE EXCEPTION 'a claim waits' USING ERRCODE = '23514', CONSTRAINT = 'certificate_redeemed_ck';
    END IF;
    UPDATE certificate SET void = true WHERE id = NEW.certificate_id AND NOT void;
    RETURN NEW;
END $$;
CREATE TRIGGER certificate_void_enter BEFORE INSERT ON certificate_void FOR EACH ROW EXECUTE FUNCTION certificate_void_enter();

CREATE FUNCTION certificate_print_enter() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c certificate;
BEGIN
    SELECT * INTO c FROM certificate WHERE id = NEW.certificate_id FOR UPDATE;
    IF c.void THEN
        RAISE EXCEPTION 'the certificate is void' USING ERRCODE = '23514', CONSTRAINT = 'certificate_print_void_ck';
    END IF;
    NEW.n := 1 + coalesce((SELECT max(p.n) FROM certificate_print AS p WHERE p.certificate_id = NEW.certificate_id), 0);
    RETURN NEW;
END $$;
CREATE TRIGGER certificate_print_enter BEFORE INSERT ON certificate_print FOR EACH ROW EXECUTE FUNCTION certificate_print_enter();

-- The certificates of a round, issued in the background.
CREATE TABLE certificate_batch (
    id         uuid        NOT NULL,
    round_id   uuid        NOT NULL,
    issuer     text        NOT NULL,
    state      text        NOT NULL DEFAULT 'running',
    total      integer     NOT NULL,              -- donations that had none when it began
    issued     integer     NOT NULL DEFAULT 0,
    left_out   uuid[]      NOT NULL DEFAULT '{}', -- donations of which nobody knows the name, or that do not open here
    problem    text,                              -- slug of what stopped it
    asked_at   timestamptz NOT NULL DEFAULT now(),
    asked_by_kind text     NOT NULL,
    asked_by   text        NOT NULL,
    ended_at   timestamptz,
    CONSTRAINT certificate_batch_pk       PRIMARY KEY (id),
    CONSTRAINT certificate_batch_round_fk FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT certificate_batch_state_ck CHECK (state IN ('running', 'done', 'failed')),
    CONSTRAINT certificate_batch_ended_ck CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE INDEX certificate_batch_running_ix ON certificate_batch (id) WHERE state = 'running';

GRANT SELECT, INSERT ON issuing_body, certificate_series, certificate_key, certificate, certificate_print, certificate_void, redemption,
    certificate_batch TO :app_role;
GRANT UPDATE (last) ON certificate_series TO :app_role;
GRANT UPDATE (compromised_at) ON certificate_key TO :app_role;
GRANT UPDATE (state, issued, left_out, problem, ended_at) ON certificate_batch TO :app_role;
