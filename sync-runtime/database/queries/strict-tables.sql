-- The tables of the schema one is connected to, with everything that can refuse a row. Runs in the promoted database.
-- Returns name, columns [{name, type, length, required, filled, sequence}], uniques [{name, expressions, predicate,
-- nulls_distinct}], references [{columns, to, to_columns}], checks [{name, expression}], key text[]. No row: it is empty.
SELECT c.relname AS name,
  (
    SELECT json_agg(json_build_object(
      'name', a.attname,
      'type', t.typname,
      'length', CASE WHEN t.typname = 'varchar' AND a.atttypmod >= 4 THEN a.atttypmod - 4 END,
      'required', a.attnotnull,
      'filled', a.atthasdef OR a.attidentity <> '',
      'sequence', pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)
    ) ORDER BY a.attnum)
    FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  ) AS columns,
  (
    SELECT coalesce(json_agg(json_build_object(
      'name', i.relname,
      'expressions', ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, false) FROM generate_series(1, x.indnkeyatts) AS k),
      'predicate', pg_get_expr(x.indpred, x.indrelid),
      'nulls_distinct', NOT x.indnullsnotdistinct
    ) ORDER BY x.indisprimary DESC, i.relname), '[]')
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
    WHERE x.indrelid = c.oid AND x.indisunique
  ) AS uniques,
  (
    SELECT coalesce(json_agg(json_build_object(
      'columns', ARRAY(
        SELECT a.attname FROM unnest(f.conkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = k.number ORDER BY k.place
      ),
      'to', r.relname,
      'to_columns', ARRAY(
        SELECT a.attname FROM unnest(f.confkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute AS a ON a.attrelid = f.confrelid AND a.attnum = k.number ORDER BY k.place
      )
    ) ORDER BY f.conname), '[]')
    FROM pg_constraint AS f JOIN pg_class AS r ON r.oid = f.confrelid
    WHERE f.conrelid = c.oid AND f.contype = 'f'
  ) AS references,
  (
    SELECT coalesce(json_agg(json_build_object('name', k.conname, 'expression', pg_get_expr(k.conbin, k.conrelid))
      ORDER BY k.conname), '[]')
    FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'c'
  ) AS checks,
  ARRAY(
    SELECT a.attname::text FROM pg_index AS x, unnest(x.indkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute AS a ON a.attnum = k.number
    WHERE x.indrelid = c.oid AND x.indisprimary AND a.attrelid = c.oid ORDER BY k.place
  ) AS key
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
ORDER BY c.relname
