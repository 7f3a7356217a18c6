-- The audit log also has writes that were refused for their token: from where they came, and how many equal ones a record
-- stands for. They are kept for a month, not a year: whoever has no token can make them too.

ALTER TABLE sync_metadata.audit_log
  ADD COLUMN address text CHECK (char_length(address) <= 100),
  ADD COLUMN times bigint NOT NULL DEFAULT 1 CHECK (times > 0);
GRANT INSERT (address, times) ON sync_metadata.audit_log TO sync_service;

-- Removes up to a thousand each of records older than a year, or a month where the token was refused, and of answers older
-- than a day. Returns how many went; null to whoever does not lead.
CREATE OR REPLACE FUNCTION sync_metadata.prune_api_writes(run uuid, lease_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  records bigint;
  answers bigint;
BEGIN
  IF NOT sync_metadata.leads(run, lease_epoch) THEN
    RETURN NULL;
  END IF;
  DELETE FROM sync_metadata.audit_log AS l WHERE l.id IN (
    SELECT old.id FROM sync_metadata.audit_log AS old
    WHERE old.cluster = sync_metadata.own_cluster() AND old.at < clock_timestamp()
      - CASE WHEN old.status IN (401, 403) THEN interval '30 days' ELSE interval '365 days' END
    ORDER BY old.id LIMIT 1000
  );
  GET DIAGNOSTICS records = ROW_COUNT;
  DELETE FROM sync_metadata.api_answers AS a WHERE a.ctid IN (
    SELECT old.ctid FROM sync_metadata.api_answers AS old
    WHERE old.cluster = sync_metadata.own_cluster() AND old.at < clock_timestamp() - interval '24 hours'
    LIMIT 1000
  );
  GET DIAGNOSTICS answers = ROW_COUNT;
  RETURN records + answers;
END
$$;
