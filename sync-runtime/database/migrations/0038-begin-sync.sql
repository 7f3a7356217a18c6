-- What every sync begins with, in one statement: a tenant that is synced every minute costs a few of them, not a dozen.

-- Makes a tenant's schema and its row in replicas where they do not exist; of a replica that is known as not equal the tables
-- that somebody dropped are forgotten, so that they are made anew; what others wrote is taken off. Then tells what is known.
-- edits        entries taken off the list
-- resolutions  conflicts that an operator decided and no sync applied yet
-- rows         what its tables held when they were last verified
CREATE FUNCTION sync_metadata.begin_sync(
  tenant_id text, patience interval,
  OUT edits bigint, OUT resolutions bigint,
  OUT identity uuid, OUT committed_sync uuid, OUT equal boolean, OUT rows bigint,
  OUT held_id uuid, OUT held_reason text, OUT held_detail jsonb, OUT held_sync uuid, OUT held_accepted boolean
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.make_tenant_schema(tenant_id);
  PERFORM sync_metadata.forget_lost_tables(tenant_id);
  SELECT u.edits, u.resolutions INTO STRICT edits, resolutions FROM sync_metadata.undo_edits(tenant_id, patience) AS u;
  SELECT r.identity, r.committed_sync, r.equal, r.rows,
      r.held_id, r.held_reason, r.held_detail, r.held_sync, r.held_accepted_at IS NOT NULL
    INTO STRICT identity, committed_sync, equal, rows, held_id, held_reason, held_detail, held_sync, held_accepted
    FROM sync_metadata.replicas AS r WHERE r.tenant = tenant_id;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.begin_sync(text, interval) TO sync_service;
