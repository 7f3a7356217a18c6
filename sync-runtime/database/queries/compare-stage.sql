-- Compares a table with its filled stage and keeps what differs.
-- $1 tenant text · $2 table text · $3 job bigint · $4 how many differences are kept at most, integer
-- Returns how many rows differ in all, by what is the matter with them.
SELECT c.altered, c.missing, c.extra, c.digest FROM sync_metadata.compare_stage($1, $2, $3, $4) AS c
