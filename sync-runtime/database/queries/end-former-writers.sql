-- Ends connections that still write a tenant's replica under an older claim and would block the new one. What they did
-- is rolled back. (One that is out of reach is refused at its lock-claim.)
-- $1 prefix of the tenant's connections' application_name · $2 the name that is to stay
-- Returns how many there were.
SELECT count(pg_terminate_backend(a.pid)) AS ended FROM pg_stat_activity AS a
WHERE a.usename = session_user AND starts_with(a.application_name, $1) AND a.application_name <> $2
