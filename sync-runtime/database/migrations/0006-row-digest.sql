-- The row digest of protocol/row-digest.ts, in Postgres. Every function here is IMMUTABLE in fact, which a stored
-- generated column needs. convert_to and textsend are only STABLE (somebody could replace the conversion, or set
-- another client_encoding); of a UTF8 database's text convert_to(…, 'UTF8') is the bytes themselves, so that
-- promise is kept here. Bodies name pg_catalog or are parsed at creation, so no search_path reaches into them.

-- An integer as canonical value; NULL stays NULL, which the digest expression turns into N.
CREATE FUNCTION sync_metadata.canonical(value bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '\x49'::bytea || int8send(value);

CREATE FUNCTION sync_metadata.canonical(value boolean) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '\x49'::bytea || int8send(value::integer::bigint);

CREATE FUNCTION sync_metadata.canonical(value double precision) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '\x52'::bytea || float8send(value);

CREATE FUNCTION sync_metadata.canonical(value bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '\x42'::bytea || int4send(octet_length(value)) || value;

-- plpgsql, not sql: a function that calls a STABLE one is not inlined, and plpgsql's call is the cheaper.
CREATE FUNCTION sync_metadata.canonical(value text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
  RETURN '\x54'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.int4send(pg_catalog.octet_length(value))
    OPERATOR(pg_catalog.||) pg_catalog.convert_to(value, 'UTF8');
END
$$;

-- json keeps its text as it was written, so this is the text's canonical value.
CREATE FUNCTION sync_metadata.canonical(value json) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN sync_metadata.canonical(value::text);

-- A string with its length before it: u32be bytes, then UTF-8.
CREATE FUNCTION sync_metadata.length_prefixed(value text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN int4send(octet_length(value)) || convert_to(value, 'UTF8');

-- Joins SQL expressions by ||, as a balanced tree: a large value in an early column is then copied log2(n) times
-- on its way into the row's bytes instead of once per column behind it.
CREATE FUNCTION sync_metadata.concatenation(parts text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
AS $$
BEGIN
  WHILE pg_catalog.cardinality(parts) > 1 LOOP
    parts := ARRAY(
      SELECT CASE WHEN parts[i + 1] IS NULL THEN parts[i] ELSE '(' || parts[i] || ' || ' || parts[i + 1] || ')' END
      FROM pg_catalog.generate_series(1, pg_catalog.cardinality(parts), 2) AS i
      ORDER BY i
    );
  END LOOP;
  RETURN parts[1];
END
$$;

-- The expression of _replica_digest for one table: sha256 over the row's bytes, each value taken from _replica_odd
-- where that has an entry, else from the column.
-- columns [{"name", "type"}]; source and names are the source's own and go in as quoted literals and identifiers.
CREATE FUNCTION sync_metadata.digest_expression(source text, columns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(
    'sha256(%L::bytea || %s)',
    '\x6f7775692d726f772d3100'::bytea || sync_metadata.length_prefixed(source), -- "owui-row-1" 0x00, table
    sync_metadata.concatenation(array_agg(
      format(
        '%L::bytea || coalesce(decode(_replica_odd ->> %L, ''hex''), sync_metadata.canonical(%I), ''\x4e''::bytea)',
        sync_metadata.length_prefixed(c.name), c.name, c.name
      )
      ORDER BY convert_to(c.name, 'UTF8')
    ))
  )
  FROM jsonb_to_recordset(columns) AS c (name text)
$$;

-- One 64-bit lane of a table's sum as 16 hex digits. lane: the signed 64-bit lanes added up without overflow; signed
-- or not makes no difference mod 2^64.
CREATE FUNCTION sync_metadata.lane_hex(lane numeric) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lpad(
  to_hex((mod(mod(lane, 18446744073709551616) + 27670116110564327424, 18446744073709551616)
    - 9223372036854775808)::bigint),
  16, '0'
);

-- Whoever inserts a row computes its digest.
GRANT EXECUTE ON FUNCTION
  sync_metadata.canonical(bigint), sync_metadata.canonical(boolean), sync_metadata.canonical(double precision),
  sync_metadata.canonical(bytea), sync_metadata.canonical(text), sync_metadata.canonical(json),
  sync_metadata.lane_hex(numeric)
TO sync_service;
