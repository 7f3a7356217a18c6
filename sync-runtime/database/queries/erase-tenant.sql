-- Erases what a tenant that is retired, or was erased before, has left in the database; another state is an error.
-- $1 tenant text · $2 who text · $3 why text
-- Returns found, what was there by kind.
SELECT sync_metadata.erase_tenant($1, $2, $3) AS found
