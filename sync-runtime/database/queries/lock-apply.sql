-- Waits until no other program applies an intent to this database; held until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('sync_metadata.apply', 0))
