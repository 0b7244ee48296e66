-- Why: "ask the blood facility" is said of a record and counts for the person; when a merge is undone, each record has its own again.
-- Locks: donor, for an instant (a column with a constant default), then the flagged rows.
-- Oldest daemon: 0.1.0
-- Forward only.

ALTER TABLE donor ADD COLUMN contact_own boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN donor.contact_own IS 'What was said of this record; contact_facility: of any that is one with it.';
UPDATE donor SET contact_own = true WHERE contact_facility;
