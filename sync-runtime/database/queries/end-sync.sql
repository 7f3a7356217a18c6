-- Ends the connection that works on a job, whatever it waits for; what it did is rolled back.
-- $1 application_name of the connection
SELECT count(pg_terminate_backend(a.pid))::integer AS ended FROM pg_stat_activity AS a
WHERE a.usename = session_user AND a.application_name = $1
