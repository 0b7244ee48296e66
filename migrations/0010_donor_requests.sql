-- Why: what donors ask of those who keep their data, and by when the law wants it done.
-- Oldest daemon: 0.1.0
-- Forward only.

-- The deadlines are written when the request is received: a rule that changes later changes no promise (domain/donor_request.h).
CREATE TABLE donor_request (
    id            uuid        NOT NULL,
    donor_id      uuid        NOT NULL,
    kind          text        NOT NULL,
    received_at   timestamptz NOT NULL,
    answer_by     date        NOT NULL,
    carry_out_by  date        NOT NULL,
    extended_from date,                           -- what carry_out_by was before its one extension
    answered_at   timestamptz,
    closed_at     timestamptz,
    outcome       text,
    ground        text,                           -- of a refusal
    note          bytea,                          -- what was asked, sealed with the donor's key
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    version       bigint      NOT NULL DEFAULT 1,
    CONSTRAINT donor_request_pk         PRIMARY KEY (id),
    CONSTRAINT donor_request_donor_fk   FOREIGN KEY (donor_id) REFERENCES donor (id),
    CONSTRAINT donor_request_kind_ck    CHECK (kind IN ('access', 'correction', 'withdrawal', 'restriction', 'objection', 'erasure')),
    CONSTRAINT donor_request_outcome_ck CHECK (outcome IN ('done', 'refused', 'dropped')),
    CONSTRAINT donor_request_ground_ck  CHECK (ground IN ('article_19', 'identity_unproven', 'not_held')),
    CONSTRAINT donor_request_closed_ck  CHECK ((closed_at IS NOT NULL) = (outcome IS NOT NULL)
                                               AND (closed_at IS NULL OR answered_at IS NOT NULL)),
    CONSTRAINT donor_request_refused_ck CHECK ((ground IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'refused')),
    CONSTRAINT donor_request_extended_ck CHECK (extended_from < carry_out_by)
);
CREATE INDEX donor_request_donor_ix ON donor_request (donor_id);
CREATE INDEX donor_request_open_ix ON donor_request (carry_out_by, id) WHERE closed_at IS NULL;

GRANT SELECT, INSERT ON donor_request TO :app_role;
GRANT UPDATE (carry_out_by, extended_from, answered_at, closed_at, outcome, ground, version) ON donor_request TO :app_role;
