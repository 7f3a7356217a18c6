-- Who used the fleet within the last 30 days: clause 4 of Open WebUI's licence lets an operator with no more than 50 such
-- persons, over everything they run, show a look of their own. Taken from each replica in the very sync that changes its
-- users, so that whoever is deleted afterwards is still counted. A person is known by the hash of their address and a salt
-- that nobody but fleet_owner reads: who uses several tenants counts once, and nobody can be read from it.

CREATE TABLE sync_metadata.person_salt (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  salt bytea NOT NULL CHECK (octet_length(salt) = 32)
);
INSERT INTO sync_metadata.person_salt (salt)
  VALUES (sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), 'UTF8')));

CREATE TABLE sync_metadata.active_users (
  tenant text NOT NULL REFERENCES sync_metadata.client_deployments (id),
  person bytea NOT NULL CHECK (octet_length(person) = 32),
  -- The last time; never in the future.
  active_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, person)
);
ALTER TABLE sync_metadata.person_salt ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_metadata.active_users ENABLE ROW LEVEL SECURITY;

-- The moment that a number means: Open WebUI writes seconds, and only one unit makes a moment between 1973 and 5138 of it.
-- Null: it means none.
CREATE FUNCTION sync_metadata.moment_of(stamp text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT to_timestamp((
    CASE WHEN n <= 0 THEN NULL WHEN n < 1e11 THEN n WHEN n < 1e14 THEN n / 1e3 WHEN n < 1e17 THEN n / 1e6 ELSE n / 1e9 END
  )::double precision)
  FROM (SELECT CASE WHEN stamp ~ '^[0-9]{1,19}([.][0-9]{1,9})?$' THEN stamp::numeric END AS n) AS number
$$;

-- Notes whom a replica has as active. Whatever a tenant makes of its table of users, it ends in a count and in no error.
CREATE FUNCTION sync_metadata.note_active_users(tenant_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  held text[] := ARRAY(
    SELECT c ->> 'name' FROM sync_metadata.replica_tables AS t, jsonb_array_elements(t.columns) AS c
    WHERE t.tenant = tenant_id AND t.name = 'user'
  );
  -- What tells persons apart, the first that is there.
  named text := (
    SELECT string_agg(format('u.%I::text', n.name), ', ' ORDER BY n.at)
    FROM unnest(ARRAY['email', 'id']) WITH ORDINALITY AS n (name, at) WHERE n.name = ANY (held)
  );
BEGIN
  IF named IS NULL OR NOT 'last_active_at' = ANY (held) THEN
    RETURN;
  END IF;
  EXECUTE format(
    'INSERT INTO sync_metadata.active_users AS a (tenant, person, active_at)
     SELECT $1, sha256(s.salt || convert_to(lower(btrim(p.name)), ''UTF8'')), max(least(p.at, clock_timestamp()))
     FROM sync_metadata.person_salt AS s, (
       SELECT coalesce(%s) AS name, sync_metadata.moment_of(u.last_active_at::text) AS at
       FROM %I."user" AS u WHERE %s
     ) AS p
     WHERE p.name <> '''' AND p.at > clock_timestamp() - interval ''30 days''
     GROUP BY 1, 2
     ON CONFLICT (tenant, person) DO UPDATE SET active_at = greatest(a.active_at, excluded.active_at)
     WHERE a.active_at < excluded.active_at',
    named, sync_metadata.tenant_schema(tenant_id),
    -- Who waits for approval has no access.
    CASE WHEN 'role' = ANY (held) THEN 'u.role::text IS DISTINCT FROM ''pending''' ELSE 'true' END
  ) USING tenant_id;
END
$$;

CREATE FUNCTION sync_metadata.users_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.note_active_users(NEW.tenant);
  RETURN NULL;
END
$$;

-- record-sync.sql writes a sum where a verified sync changed the table, in that sync's transaction.
CREATE TRIGGER users_changed AFTER UPDATE ON sync_metadata.replica_tables
  FOR EACH ROW WHEN (NEW.name = 'user' AND NEW.sum IS NOT NULL AND NEW.sum IS DISTINCT FROM OLD.sum)
  EXECUTE FUNCTION sync_metadata.users_changed();

-- Persons who were active within 30 days: of each tenant of the own cluster, and (tenant null) of all that the database
-- knows, whatever their cluster: it is one operator's.
CREATE FUNCTION sync_metadata.count_active_users() RETURNS TABLE (tenant text, users bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT d.id, count(a.person)
  FROM sync_metadata.client_deployments AS d
  LEFT JOIN sync_metadata.active_users AS a
    ON a.tenant = d.id AND a.active_at > statement_timestamp() - interval '30 days'
  WHERE d.cluster = sync_metadata.own_cluster() AND d.state NOT IN ('retired', 'erased')
  GROUP BY d.id
  UNION ALL
  SELECT NULL, count(DISTINCT a.person) FROM sync_metadata.active_users AS a
  WHERE a.active_at > statement_timestamp() - interval '30 days' AND sync_metadata.own_cluster() IS NOT NULL
$$;

-- Removes up to a thousand who were not active for 30 days. Returns how many went; null to whoever does not lead.
CREATE FUNCTION sync_metadata.prune_active_users(run uuid, lease_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF NOT sync_metadata.leads(run, lease_epoch) THEN
    RETURN NULL;
  END IF;
  DELETE FROM sync_metadata.active_users AS a WHERE a.ctid IN (
    SELECT o.ctid FROM sync_metadata.active_users AS o JOIN sync_metadata.client_deployments AS d ON d.id = o.tenant
    WHERE d.cluster = sync_metadata.own_cluster() AND o.active_at < clock_timestamp() - interval '30 days'
    LIMIT 1000
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.count_active_users(), sync_metadata.prune_active_users(uuid, bigint)
  TO sync_service;

DO $$ BEGIN PERFORM sync_metadata.note_active_users(r.tenant) FROM sync_metadata.replicas AS r; END $$;
