-- The statement that counts a replica column's values, those kept beside their rows included.
-- $1 tenant text · $2 table text · $3 column text, by the source's names
SELECT format(
  'SELECT count(*) AS n FROM %I.%I WHERE %I IS NOT NULL OR _replica_odd ? %L',
  sync_metadata.tenant_schema($1), $2::text, sync_metadata.held_name($3), $3::text
) AS statement
