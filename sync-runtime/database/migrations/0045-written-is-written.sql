-- As it was, but that a row was written is a fact, whoever holds the claim by the time its node tells it: the sync that finds the
-- row may begin before. What the tenant's database refused is about a decision, and is told under its claim alone.
CREATE OR REPLACE FUNCTION sync_metadata.note_written(
  tenant_id text, run uuid, claim_epoch bigint, host text, results json
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  fresh bigint;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  IF EXISTS (SELECT FROM json_to_recordset(results) AS r (code text) WHERE r.code IS NOT NULL) THEN
    PERFORM sync_metadata.require_run(tenant_id, run, claim_epoch);
  END IF;
  UPDATE sync_metadata.conflict_log AS c SET refused_code = r.code, refused = r.message, refused_at = clock_timestamp()
    FROM json_to_recordset(results) AS r (conflict bigint, code text, message text)
    WHERE c.tenant = tenant_id AND c.id = r.conflict AND r.code IS NOT NULL;
  UPDATE sync_metadata.conflict_log AS c SET written_at = clock_timestamp(), written_by = host
    FROM json_to_recordset(results) AS r (conflict bigint, code text)
    WHERE c.tenant = tenant_id AND c.id = r.conflict AND r.code IS NULL
      AND (c.written_at >= c.resolved_at) IS NOT TRUE;
  GET DIAGNOSTICS fresh = ROW_COUNT;
  RETURN fresh;
END
$$;
