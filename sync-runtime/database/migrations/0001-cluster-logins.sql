-- Which cluster a login role speaks for, and the rule every other table's policy is made of.
-- Written by apply.ts only. The key is session_user: the role a connection authenticated as, which neither
-- SET ROLE nor any setting changes.

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'the database is encoded in %, and row digests are defined over UTF8: create it with ENCODING UTF8',
      current_setting('server_encoding');
  END IF;
END
$$;

GRANT USAGE ON SCHEMA sync_metadata TO sync_service;
-- No function that fleet_owner makes, here or later, is anybody's unless a grant names them.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TABLE sync_metadata.cluster_logins (
  login name PRIMARY KEY,
  cluster text NOT NULL
);

-- The cluster of the connected role; null for a role that speaks for none, which then sees and may do nothing.
CREATE FUNCTION sync_metadata.own_cluster() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT l.cluster FROM sync_metadata.cluster_logins AS l WHERE l.login = session_user $$;

GRANT EXECUTE ON FUNCTION sync_metadata.own_cluster() TO sync_service;
