-- One database.
-- $1 name text
-- No row: there is no such database.
SELECT
  d.datname AS name,
  pg_catalog.pg_get_userbyid(d.datdba) AS owner,
  pg_catalog.pg_encoding_to_char(d.encoding) AS encoding,
  d.datcollate AS lc_collate,
  d.datctype AS lc_ctype,
  t.spcname AS tablespace_name,
  d.datconnlimit AS connection_limit,
  d.datallowconn AS allow_connections,
  d.datistemplate AS is_template
FROM pg_catalog.pg_database AS d
INNER JOIN pg_catalog.pg_tablespace AS t ON d.dattablespace = t.oid
WHERE d.datname = $1;
