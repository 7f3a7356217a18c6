-- Makes the staging table for one replica table, instead of any before it.
-- $1 tenant text · $2 table text
SELECT sync_metadata.make_stage($1, $2)
