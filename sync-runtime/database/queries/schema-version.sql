-- The newest step that was applied. Null: none was.
SELECT max(m.version) AS version FROM sync_metadata.migrations AS m
