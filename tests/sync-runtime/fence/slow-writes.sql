-- Some guarded writes take longer than a lease lasts: what is checked has to stay true until it is committed.
CREATE FUNCTION fence.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF random() < 0.15 THEN
    PERFORM pg_sleep(random() * 0.6);
  END IF;
  RETURN NULL;
END $$;
-- By their names they come behind the triggers that record.
CREATE TRIGGER slow AFTER INSERT ON sync_metadata.sync_jobs
  FOR EACH STATEMENT EXECUTE FUNCTION fence.dawdle();
CREATE TRIGGER slow AFTER UPDATE ON sync_metadata.replicas
  FOR EACH STATEMENT EXECUTE FUNCTION fence.dawdle();
