-- Why: which rules a daemon counts with is known; what is permanent is lifted by two persons, whoever writes the row.
-- Locks: daemon, deferral and deferral_lift, for an instant (a column without default; their triggers).
-- Oldest daemon: 0.1.0
-- Forward only.

-- The rule set that it counts donors' next days with: its id and a mark of the file's bytes. NULL: it does not say.
ALTER TABLE daemon ADD COLUMN rules text;

/*
 * A row that lifts is of the same record as the deferral that it lifts; and of a permanent one, two persons have
 * said so. After the statement, which may bring both.
 */
CREATE FUNCTION deferral_lift_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM deferral AS f WHERE f.id = NEW.lifts AND f.donor_id = NEW.donor_id AND f.ends <> 'lifts'
                   AND (f.ends <> 'permanent' OR EXISTS (SELECT FROM deferral_lift AS l WHERE l.deferral_id = f.id
                                                         AND l.two_persons AND l.state = 'done')))
    THEN
        RAISE check_violation USING CONSTRAINT = 'deferral_lifted_ck', TABLE = 'deferral',
            MESSAGE = 'a deferral is lifted on its own record, and a permanent one by two persons';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER deferral_lifted AFTER INSERT ON deferral FOR EACH ROW WHEN (NEW.lifts IS NOT NULL)
    EXECUTE FUNCTION deferral_lift_allowed();

-- What was decided stays decided.
CREATE FUNCTION deferral_lift_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING CONSTRAINT = 'deferral_lift_final_ck', TABLE = 'deferral_lift',
        MESSAGE = 'what was decided about a deferral is not changed: ask again';
END
$$;
CREATE TRIGGER deferral_lift_final BEFORE UPDATE ON deferral_lift FOR EACH ROW WHEN (OLD.state <> 'asked')
    EXECUTE FUNCTION deferral_lift_decided();
