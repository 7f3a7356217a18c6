-- Logs what was decided about edits, and marks what is to stand instead of the source's rows.
-- $1 tenant text · $2 claim epoch bigint · $3 job bigint
-- $4 json, [{"id", "type", "strategy", "winner", "why", "row"?, "stands"?}]
-- Returns the new conflicts: table, type, strategy, winner. No row: all of it was decided before.
SELECT l.source AS "table", l.type, l.strategy, l.winner FROM sync_metadata.lay_edits($1, $2, $3, $4) AS l
