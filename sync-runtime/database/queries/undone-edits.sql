-- Edits about which nothing is decided, in their order, some of them at a time.
-- $1 tenant text · $2 id of the last one that was returned, 0 for the first
-- No row: there are no more.
SELECT e.id, e.source, e.key, e.columns, e.reshaped, e.base, e.met, e.remote, e.edited_at, e.conflict
FROM sync_metadata.undone_edits($1, $2) AS e
