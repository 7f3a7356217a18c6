-- Ends a lease early, so that another node leads at its next beat.
-- $1 cluster text · $2 run uuid
UPDATE sync_metadata.leader_election AS l SET expires_at = clock_timestamp()
WHERE l.cluster = $1 AND l.holder = $2 AND l.expires_at > clock_timestamp()
