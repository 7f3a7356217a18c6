-- What is dumped, and under which snapshot others may see the same. Runs in a tenant's Postgres, in a transaction that
-- reads one snapshot. `bytes`: what its tables take there, without indexes.
SELECT pg_export_snapshot() AS snapshot, current_schema() AS schema,
  current_setting('server_version_num')::int / 10000 AS server,
  (SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class AS c
   WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r') AS bytes
