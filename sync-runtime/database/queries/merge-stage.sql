-- Makes a replica table hold exactly the staged rows.
-- $1 tenant text · $2 table text
-- Returns how many rows were inserted and retired, and how many of the retired were kept as tombstones.
SELECT m.inserted, m.retired, m.tombstoned FROM sync_metadata.merge_stage($1, $2) AS m
