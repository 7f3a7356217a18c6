-- Writes down what became of rows that the writer was sent.
-- $1 tenant text · $2 run uuid · $3 claim epoch bigint · $4 the writer's host text
-- $5 json, [{"conflict", "code" and "message" where the tenant's database will not have the row}]
-- Returns for how many conflicts it is the first time that their row was written.
SELECT sync_metadata.note_written($1, $2, $3, $4, $5) AS fresh
