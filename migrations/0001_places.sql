-- Why: admin units with their validity, the calendar, and the versions that caches watch.
-- Oldest daemon: 0.1.0
-- Forward only.

-- What is served from memory is fresh while its topic's version stands (design: one second).
CREATE TABLE change (
    topic   text   NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT change_pk PRIMARY KEY (topic)
);
COMMENT ON TABLE change IS 'One row per cached topic; its version moves in the transaction that changes the topic.';
INSERT INTO change (topic) VALUES ('rounds'), ('units'), ('access');

-- Which reference files are loaded, so that loading again is free.
CREATE TABLE reference_file (
    name      text        NOT NULL,
    checksum  text        NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reference_file_pk PRIMARY KEY (name)
);

-- A code or a name is reused with other territory; only this id, which carries its date, is stable.
CREATE TABLE unit (
    id         text   NOT NULL,
    gso_code   text   NOT NULL,
    level      text   NOT NULL,
    type       text   NOT NULL,
    name       text   NOT NULL,
    full_name  text   NOT NULL,
    aliases    text[] NOT NULL DEFAULT '{}',
    parent_id  text,
    district_id text,
    valid_from date,
    valid_to   date,
    CONSTRAINT unit_pk        PRIMARY KEY (id),
    CONSTRAINT unit_level_ck  CHECK (level IN ('province', 'district', 'commune')),
    CONSTRAINT unit_valid_ck  CHECK (valid_to IS NULL OR valid_from IS NULL OR valid_from <= valid_to),
    CONSTRAINT unit_parent_fk   FOREIGN KEY (parent_id) REFERENCES unit (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT unit_district_fk FOREIGN KEY (district_id) REFERENCES unit (id) DEFERRABLE INITIALLY DEFERRED
);
COMMENT ON TABLE unit IS 'Admin unit on a span of dates; valid_to is its last day.';

CREATE TABLE unit_succession (
    predecessor_id text NOT NULL,
    successor_id   text NOT NULL,
    CONSTRAINT unit_succession_pk PRIMARY KEY (predecessor_id, successor_id),
    CONSTRAINT unit_succession_predecessor_fk FOREIGN KEY (predecessor_id) REFERENCES unit (id),
    CONSTRAINT unit_succession_successor_fk   FOREIGN KEY (successor_id) REFERENCES unit (id)
);

CREATE TABLE holiday (
    from_day date NOT NULL,
    to_day   date NOT NULL,
    name     text NOT NULL,
    source   text,
    evidence text,
    CONSTRAINT holiday_pk      PRIMARY KEY (from_day, name),
    CONSTRAINT holiday_span_ck CHECK (from_day <= to_day)
);

-- One row: how far the holidays are known. Nothing may be proposed beyond.
CREATE TABLE calendar (
    single            boolean NOT NULL DEFAULT true,
    holidays_known_to date    NOT NULL,
    CONSTRAINT calendar_pk        PRIMARY KEY (single),
    CONSTRAINT calendar_single_ck CHECK (single)
);

CREATE TABLE campaign (
    id         uuid   NOT NULL,
    slug       text   NOT NULL,
    name       text   NOT NULL,
    usual_from text,                 -- MM-DD, each year
    usual_to   text,
    main_day   text,
    sundays    boolean NOT NULL DEFAULT false,
    source     text,
    evidence   text,
    version    bigint NOT NULL DEFAULT 1,
    CONSTRAINT campaign_pk       PRIMARY KEY (id),
    CONSTRAINT campaign_slug_uk  UNIQUE (slug),
    CONSTRAINT campaign_usual_ck CHECK ((usual_from IS NULL) = (usual_to IS NULL)
                                        AND usual_from ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'
                                        AND usual_to ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'),
    CONSTRAINT campaign_main_ck  CHECK (main_day ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$')
);

-- A season whose dates are known; otherwise the usual dates are all there is.
CREATE TABLE campaign_window (
    campaign_id uuid NOT NULL,
    season      text NOT NULL,
    from_day    date NOT NULL,
    to_day      date NOT NULL,
    main_day    date,
    source      text,
    CONSTRAINT campaign_window_pk      PRIMARY KEY (campaign_id, season),
    CONSTRAINT campaign_window_fk      FOREIGN KEY (campaign_id) REFERENCES campaign (id),
    CONSTRAINT campaign_window_span_ck CHECK (from_day <= to_day AND main_day BETWEEN from_day AND to_day)
);

GRANT SELECT ON unit, unit_succession, holiday, calendar, campaign_window, reference_file TO :app_role;
GRANT SELECT, INSERT, UPDATE ON campaign TO :app_role;
GRANT SELECT, UPDATE ON change TO :app_role;
