-- Moves a tenant from one state to another and records who wanted it and why. An illegal move is an error.
-- $1 tenant text · $2 from text · $3 to text · $4 who text · $5 why text
-- Returns moved, the move's number; null: the tenant is not in that state any more, nothing was done.
SELECT sync_metadata.transition($1, $2, $3, $4, $5) AS moved
