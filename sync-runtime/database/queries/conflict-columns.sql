-- The columns of one conflict's table, as they were when it was found.
-- $1 conflict bigint
-- No row: the cluster has no such conflict.
SELECT k.of ->> 'name' AS name, sync_metadata.is_credential(c."table", k.of ->> 'name') AS hidden
FROM sync_metadata.conflict_log AS c, jsonb_array_elements(c.columns) WITH ORDINALITY AS k (of, place)
WHERE c.id = $1
ORDER BY k.place
