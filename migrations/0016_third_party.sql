-- Why: what is carried out through somebody else has longer terms (Decree 356/2025/NĐ-CP, Art. 5).
-- Locks: donor_request, for an instant (a column with a constant default).
-- Oldest daemon: 0.1.0
-- Forward only.

ALTER TABLE donor_request ADD COLUMN third_party boolean NOT NULL DEFAULT false;
