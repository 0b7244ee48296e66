-- Why: the annual plan, its rounds, and what was reported of them.
-- Oldest daemon: 0.1.0
-- Forward only.

CREATE TABLE venue (
    id       uuid    NOT NULL,
    name     text    NOT NULL,
    unit_id  text    NOT NULL,
    address  text,
    capacity integer,                    -- donors in one round
    active   boolean NOT NULL DEFAULT true,
    version  bigint  NOT NULL DEFAULT 1,
    CONSTRAINT venue_pk          PRIMARY KEY (id),
    CONSTRAINT venue_unit_fk     FOREIGN KEY (unit_id) REFERENCES unit (id),
    CONSTRAINT venue_capacity_ck CHECK (capacity BETWEEN 1 AND 100000),
    CONSTRAINT venue_name_uk     UNIQUE (unit_id, name)
);

CREATE TABLE team (
    id           uuid    NOT NULL,
    code         text    NOT NULL,
    name         text    NOT NULL,
    organisation text,
    beds         integer,
    active       boolean NOT NULL DEFAULT true,
    version      bigint  NOT NULL DEFAULT 1,
    CONSTRAINT team_pk      PRIMARY KEY (id),
    CONSTRAINT team_code_uk UNIQUE (code),
    CONSTRAINT team_beds_ck CHECK (beds BETWEEN 1 AND 1000)
);
ALTER TABLE access_token ADD CONSTRAINT access_token_team_fk FOREIGN KEY (team_id) REFERENCES team (id);

CREATE TABLE plan (
    id          uuid    NOT NULL,
    number      text    NOT NULL,
    slug        text    NOT NULL,
    code_prefix text    NOT NULL,
    title       text    NOT NULL,
    issued_on   date,
    issuer      text,
    legal_basis text[]  NOT NULL DEFAULT '{}',
    from_day    date    NOT NULL,
    to_day      date    NOT NULL,
    demo        boolean NOT NULL DEFAULT false,
    version     bigint  NOT NULL DEFAULT 1,
    CONSTRAINT plan_pk        PRIMARY KEY (id),
    CONSTRAINT plan_number_uk UNIQUE (number),
    CONSTRAINT plan_slug_uk   UNIQUE (slug),
    CONSTRAINT plan_prefix_uk UNIQUE (code_prefix),
    CONSTRAINT plan_span_ck   CHECK (from_day <= to_day)
);
COMMENT ON COLUMN plan.demo IS 'Demonstration data; every reader is told.';

CREATE TABLE plan_campaign (
    plan_id     uuid NOT NULL,
    campaign_id uuid NOT NULL,
    CONSTRAINT plan_campaign_pk PRIMARY KEY (plan_id, campaign_id),
    CONSTRAINT plan_campaign_plan_fk     FOREIGN KEY (plan_id) REFERENCES plan (id),
    CONSTRAINT plan_campaign_campaign_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id)
);

CREATE TABLE round (
    id            uuid     NOT NULL,
    code          text     NOT NULL,
    plan_id       uuid,
    ordinal       integer,
    title         text     NOT NULL,
    -- one civil day in Asia/Ho_Chi_Minh, or the month or year that is all that is known
    from_day      date     NOT NULL,
    to_day        date     NOT NULL,
    precision     text     NOT NULL,
    start_minute  integer,               -- of the civil day
    end_minute    integer,
    date_status   text     NOT NULL,
    time_status   text     NOT NULL,
    place_status  text     NOT NULL,
    status        text     NOT NULL,
    status_reason text,
    document      text,
    venue_id      uuid,
    team_id       uuid,
    organiser     text,
    target_units  integer,
    capacity      integer,
    booked        integer  NOT NULL DEFAULT 0,
    moved_from    date,
    never_public  boolean  NOT NULL DEFAULT false,   -- cancelled as a draft
    note          text,
    version       bigint   NOT NULL DEFAULT 1,
    CONSTRAINT round_pk        PRIMARY KEY (id),
    CONSTRAINT round_plan_fk   FOREIGN KEY (plan_id) REFERENCES plan (id),
    CONSTRAINT round_venue_fk  FOREIGN KEY (venue_id) REFERENCES venue (id),
    CONSTRAINT round_team_fk   FOREIGN KEY (team_id) REFERENCES team (id),
    -- before round_code_uk, so that a number taken is told as such
    CONSTRAINT round_ordinal_uk UNIQUE (plan_id, ordinal),
    CONSTRAINT round_code_uk   UNIQUE (code),
    CONSTRAINT round_ordinal_ck CHECK ((plan_id IS NULL) = (ordinal IS NULL) AND ordinal BETWEEN 1 AND 366),
    CONSTRAINT round_span_ck   CHECK (from_day <= to_day AND to_day - from_day <= 366   -- lists rely on it
                                      AND (precision <> 'day' OR from_day = to_day)),
    CONSTRAINT round_precision_ck CHECK (precision IN ('day', 'month', 'year')),
    CONSTRAINT round_time_ck   CHECK (start_minute BETWEEN 0 AND 1439 AND end_minute BETWEEN 1 AND 1440
                                      AND start_minute < end_minute
                                      AND (precision = 'day' OR start_minute IS NULL)),
    CONSTRAINT round_facts_ck  CHECK (date_status IN ('official', 'proposed', 'reported', 'unknown')
                                      AND time_status IN ('official', 'proposed', 'reported', 'unknown')
                                      AND place_status IN ('official', 'proposed', 'reported', 'unknown')),
    CONSTRAINT round_status_ck CHECK (status IN ('draft', 'announced', 'open', 'running', 'closed',
                                                 'postponed', 'moved', 'cancelled')),
    CONSTRAINT round_booked_ck CHECK (booked >= 0 AND (capacity IS NULL OR booked <= capacity)),
    CONSTRAINT round_capacity_ck CHECK (capacity BETWEEN 1 AND 100000 AND target_units BETWEEN 0 AND 100000)
);
-- A team and a venue serve one round a day; a round that does not take place frees both.
CREATE UNIQUE INDEX round_team_day_uk ON round (team_id, from_day)
    WHERE precision = 'day' AND status NOT IN ('cancelled', 'postponed');
CREATE UNIQUE INDEX round_venue_day_uk ON round (venue_id, from_day)
    WHERE precision = 'day' AND status NOT IN ('cancelled', 'postponed');
CREATE INDEX round_day_ix ON round (from_day, id);

CREATE TABLE round_unit (
    round_id uuid    NOT NULL,
    unit_id  text    NOT NULL,
    position integer NOT NULL,
    CONSTRAINT round_unit_pk       PRIMARY KEY (round_id, position),
    CONSTRAINT round_unit_uk       UNIQUE (round_id, unit_id)    -- deferred: positions may swap
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT round_unit_round_fk FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT round_unit_unit_fk  FOREIGN KEY (unit_id) REFERENCES unit (id)
);
CREATE INDEX round_unit_unit_ix ON round_unit (unit_id, round_id);

CREATE TABLE round_campaign (
    round_id    uuid    NOT NULL,
    campaign_id uuid    NOT NULL,
    position    integer NOT NULL,
    CONSTRAINT round_campaign_pk PRIMARY KEY (round_id, position),
    CONSTRAINT round_campaign_uk UNIQUE (round_id, campaign_id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT round_campaign_round_fk    FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT round_campaign_campaign_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id)
);
CREATE INDEX round_campaign_campaign_ix ON round_campaign (campaign_id, round_id);

-- Append-only totals; a correction is a new row that names the old one.
CREATE TABLE round_report (
    id          uuid        NOT NULL,
    round_id    uuid        NOT NULL,
    source      text        NOT NULL,
    source_url  text,
    reported_on date        NOT NULL,
    registered  bigint, registered_qualifier text,
    present     bigint, present_qualifier    text,
    accepted    bigint, accepted_qualifier   text,
    units       bigint, units_qualifier      text,
    ml          bigint, ml_qualifier         text,
    note        text,
    corrects    uuid,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT round_report_pk        PRIMARY KEY (id),
    CONSTRAINT round_report_round_fk  FOREIGN KEY (round_id) REFERENCES round (id),
    CONSTRAINT round_report_same_round_uk UNIQUE (round_id, id),
    CONSTRAINT round_report_corrects_fk FOREIGN KEY (round_id, corrects) REFERENCES round_report (round_id, id),
    CONSTRAINT round_report_corrects_uk UNIQUE (corrects),
    CONSTRAINT round_report_source_ck CHECK (source IN ('press', 'team', 'items')),
    CONSTRAINT round_report_figures_ck CHECK (
        registered >= 0 AND present >= 0 AND accepted >= 0 AND units >= 0 AND ml >= 0
        AND (registered IS NULL) = (registered_qualifier IS NULL)
        AND (present IS NULL) = (present_qualifier IS NULL)
        AND (accepted IS NULL) = (accepted_qualifier IS NULL)
        AND (units IS NULL) = (units_qualifier IS NULL)
        AND (ml IS NULL) = (ml_qualifier IS NULL)),
    CONSTRAINT round_report_qualifier_ck CHECK (
        registered_qualifier IN ('exact', 'at_least', 'about') AND present_qualifier IN ('exact', 'at_least', 'about')
        AND accepted_qualifier IN ('exact', 'at_least', 'about') AND units_qualifier IN ('exact', 'at_least', 'about')
        AND ml_qualifier IN ('exact', 'at_least', 'about'))
);
COMMENT ON TABLE round_report IS 'A round''s totals as one source gives them. Append-only.';

GRANT SELECT, INSERT, UPDATE ON venue, team, plan, round TO :app_role;
GRANT SELECT, INSERT ON round_report TO :app_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON plan_campaign, round_unit, round_campaign TO :app_role;
