-- Makes a replica's tables or brings them to the source's shape.
-- $1 tenant text · $2 tables jsonb, [{"name", "columns": [{"name", "type"}], "key": [name] or null, "ddl": [statement]}]
-- Returns, per table, the columns in the order COPY takes them behind _replica_odd, whether it holds rows, and the
-- statement that fills it.
SELECT d.source AS name, d.columns, d.filled, d.copy FROM sync_metadata.define_tables($1, $2) AS d
