-- A tenant that is erased leaves nothing of its contents in the fleet's own tables: the conflict log holds whole rows of it,
-- what deep verifications found its keys, and kept answers of the API edited rows. They go with the move itself. What stays
-- says that it was there and who did what: its transitions, jobs and the audit log.

CREATE FUNCTION sync_metadata.forget_erased() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM sync_metadata.conflict_log AS c WHERE c.tenant = NEW.id;
  DELETE FROM sync_metadata.replica_differences AS d WHERE d.tenant = NEW.id;
  -- They do not say whose they are, and are kept for a day at most.
  DELETE FROM sync_metadata.api_answers AS a WHERE a.cluster = NEW.cluster;
  RETURN NULL;
END
$$;

CREATE TRIGGER erased AFTER UPDATE ON sync_metadata.client_deployments
  FOR EACH ROW WHEN (NEW.state = 'erased' AND OLD.state <> 'erased')
  EXECUTE FUNCTION sync_metadata.forget_erased();
