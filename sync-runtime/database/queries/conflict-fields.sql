-- The fields of one conflict that are not the same in every version of its row: as last verified, as the source had it,
-- as others left it, and as it was (or will be) decided. Of a row that one of them lacks, every field with a value.
-- $1 conflict bigint · $2 characters of a text that are shown · $3 characters up to which a JSON document comes whole
-- No row: no such conflict, or no field differs. A credential's values, and what stands beside a row, never leave.
WITH c AS MATERIALIZED (
  SELECT l."table", l.columns, l.before, l.source, l.remote,
    CASE coalesce(l.accepted, l.winner)
      WHEN 'pending' THEN NULL WHEN 'source' THEN l.source
      ELSE coalesce(l.accepted_row, CASE WHEN l.winner = 'pending' THEN l.remote ELSE l.result END)
    END AS result,
    -- Of these the rule for what is shown takes no notice: a result that is open is not a row that is gone.
    num_nulls(l.before, l.source, l.remote) > 0 AS lacking
  FROM sync_metadata.conflict_log AS l WHERE l.id = $1
),
base AS MATERIALIZED (SELECT e.key, e.value FROM c, json_each_text(c.before) AS e),
source AS MATERIALIZED (SELECT e.key, e.value FROM c, json_each_text(c.source) AS e),
remote AS MATERIALIZED (SELECT e.key, e.value FROM c, json_each_text(c.remote) AS e),
result AS MATERIALIZED (SELECT e.key, e.value FROM c, json_each_text(c.result) AS e),
names AS (
  SELECT n.place, n.name, n.type, n.name = '_replica_odd' OR sync_metadata.is_credential(c."table", n.name) AS hidden
  FROM c, LATERAL (
    SELECT k.place, k.of ->> 'name' AS name, k.of ->> 'type' AS type
    FROM jsonb_array_elements(c.columns) WITH ORDINALITY AS k (of, place)
    UNION ALL
    SELECT NULL, '_replica_odd', 'json'
  ) AS n
),
fields AS (
  SELECT n.place, n.name, n.type, n.hidden, c.lacking,
    greatest(char_length(b.value), char_length(s.value), char_length(r.value), char_length(d.value)) AS longest,
    b.value AS base, s.value AS source, r.value AS remote, d.value AS result,
    b.key IS NOT NULL AND s.key IS NOT NULL AND b.value IS DISTINCT FROM s.value AS by_source,
    b.key IS NOT NULL AND r.key IS NOT NULL AND b.value IS DISTINCT FROM r.value AS by_remote,
    s.key IS NOT NULL AND r.key IS NOT NULL AND s.value IS DISTINCT FROM r.value
      OR d.key IS NOT NULL AND s.key IS NOT NULL AND s.value IS DISTINCT FROM d.value AS differing
  FROM c CROSS JOIN names AS n
  LEFT JOIN base AS b ON b.key = n.name LEFT JOIN source AS s ON s.key = n.name
  LEFT JOIN remote AS r ON r.key = n.name LEFT JOIN result AS d ON d.key = n.name
)
SELECT f.name AS column, f.type, f.hidden, f.by_source, f.by_remote, f.longest <= shown.most AS whole,
  char_length(f.base) AS base_size, char_length(f.source) AS source_size,
  char_length(f.remote) AS remote_size, char_length(f.result) AS result_size,
  left(f.base, shown.most) AS base, left(f.source, shown.most) AS source,
  left(f.remote, shown.most) AS remote, left(f.result, shown.most) AS result
FROM fields AS f, LATERAL (
  SELECT CASE
    WHEN f.hidden THEN 0
    WHEN f.type = 'json' AND f.longest <= $3 THEN $3
    ELSE $2
  END AS most
) AS shown
WHERE f.by_source OR f.by_remote OR f.differing OR (f.lacking AND num_nonnulls(f.base, f.source, f.remote, f.result) > 0)
ORDER BY f.place
