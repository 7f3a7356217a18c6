-- Ends the writing of decided rows into a tenant's own database.
-- $1 tenant text · $2 run uuid · $3 claim epoch bigint · $4 whether every request was answered boolean
-- $5 code text and $6 message text: why not all of it was written; null: it was
SELECT sync_metadata.end_write($1, $2, $3, $4, $5, $6)
