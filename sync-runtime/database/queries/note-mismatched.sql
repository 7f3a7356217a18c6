-- Notes, until the transaction ends, which rows of a table have a wrong stored digest.
-- $1 tenant text · $2 table text
SELECT sync_metadata.note_mismatched($1, $2)
