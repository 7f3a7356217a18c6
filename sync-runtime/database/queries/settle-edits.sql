-- Lays what stands over the source's rows.
-- $1 tenant text · $2 claim epoch bigint · $3 job bigint
-- Returns how many rows differ from the source by decision now, and how many operators' decisions were applied.
SELECT s.decided, s.resolved FROM sync_metadata.settle_edits($1, $2, $3) AS s
