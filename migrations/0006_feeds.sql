-- Why: portals follow the public rounds by a cursor that never misses a change, whatever order transactions end in.
-- Oldest daemon: 0.1.0
-- Forward only.

/*
 * Where each round stands in the sealed order: its newest change there. One row a round, so a reader's question
 * ("which came after my cursor?") costs what it answers, however long the audit grows.
 *
 * Not in the transaction that changes the round: positions given there would become visible in another order
 * than they were given in, and a reader between two would step over one. The sealer gives its positions after
 * the commits and one batch after the other, so what is not there yet will come behind every cursor.
 *
 * No foreign key to round: it would make the sealer wait for whoever locks a round. Rounds are never deleted.
 */
CREATE TABLE round_change (
    round_id uuid        NOT NULL,
    position bigint      NOT NULL,       -- of audit_seal; several rounds share one when a venue's name changed
    at       timestamptz NOT NULL,
    action   text        NOT NULL,       -- round.move, report.create, venue.edit
    CONSTRAINT round_change_pk PRIMARY KEY (round_id)
);
CREATE INDEX round_change_position_ix ON round_change (position, round_id);
COMMENT ON TABLE round_change IS 'The newest sealed change of each round, drafts included; follows audit_seal by a trigger.';

/*
 * What the sealed positions of a span changed. An entry counts when the image before and after differ; reading and
 * replays have none; a plan or a venue that is new changes no round that was there. A subject that is no uuid must
 * never stop the sealer, so it is looked at before the cast.
 */
CREATE FUNCTION round_change_follow(first bigint, last bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO round_change AS old (round_id, position, at, action)
    SELECT DISTINCT ON (hit.id) hit.id, change.position, change.at, change.action
      FROM (SELECT s.position, e.at, e.action, e.subject_kind AS kind,
                   CASE WHEN e.subject_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                        THEN e.subject_id::uuid END AS subject
              FROM audit_seal AS s
             CROSS JOIN LATERAL (SELECT * FROM audit_entry WHERE id = s.entry_id OFFSET 0) AS e  -- one by one, never all
             WHERE s.position BETWEEN first AND last
               AND e.subject_kind IN ('round', 'report', 'plan', 'venue', 'team', 'campaign')
               AND e.digest_after IS DISTINCT FROM e.digest_before
               AND (e.digest_before IS NOT NULL OR e.subject_kind IN ('round', 'report'))) AS change
     CROSS JOIN LATERAL (
            SELECT r.id FROM round AS r WHERE change.kind = 'round' AND r.id = change.subject
            UNION ALL
            SELECT p.round_id FROM round_report AS p WHERE change.kind = 'report' AND p.id = change.subject
            UNION ALL
            SELECT r.id FROM round AS r WHERE change.kind = 'plan' AND r.plan_id = change.subject
            UNION ALL
            SELECT r.id FROM round AS r WHERE change.kind = 'venue' AND r.venue_id = change.subject
            UNION ALL
            SELECT r.id FROM round AS r WHERE change.kind = 'team' AND r.team_id = change.subject
            UNION ALL
            SELECT c.round_id FROM round_campaign AS c WHERE change.kind = 'campaign' AND c.campaign_id = change.subject
           ) AS hit
     ORDER BY hit.id, change.position DESC
    ON CONFLICT (round_id) DO UPDATE SET (position, at, action) = (EXCLUDED.position, EXCLUDED.at, EXCLUDED.action)
     WHERE old.position < EXCLUDED.position
$$;

CREATE FUNCTION audit_seal_followed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM round_change_follow(min(position), max(position)) FROM sealed HAVING count(*) > 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_seal_followed AFTER INSERT ON audit_seal
    REFERENCING NEW TABLE AS sealed FOR EACH STATEMENT EXECUTE FUNCTION audit_seal_followed();

-- What was sealed before this migration.
SELECT round_change_follow(1, max(position)) FROM audit_seal HAVING count(*) > 0;

GRANT SELECT, INSERT, UPDATE ON round_change TO :app_role;
