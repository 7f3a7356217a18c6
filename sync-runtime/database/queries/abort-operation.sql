-- Asks whoever runs an operation to take it back.
-- $1 id bigint · $2 who text
-- Returns asked boolean; false: it has ended, or is past where it can be undone.
SELECT sync_metadata.abort_operation($1, $2) AS asked
