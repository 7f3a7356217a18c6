-- Keeps an operator's word about a conflict that waits, for the next sync.
-- $1 conflict bigint · $2 accept text, source or remote · $3 edited json, columns of the remote row that are to be
-- otherwise, or null · $4 by text
-- resolved false: it does not wait, or there is no such conflict. A value that its column cannot hold is an error.
SELECT sync_metadata.resolve_conflict($1, $2, $3, $4) AS resolved
