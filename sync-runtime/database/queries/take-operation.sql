-- Takes an open operation on that nobody works on.
-- $1 id bigint · $2 run uuid · $3 what people call the run text · $4 to undo it boolean · $5 who wants that text
-- Returns taken boolean.
SELECT sync_metadata.take_operation($1, $2, $3, $4, $5) AS taken
