-- Records the word of an operation's runner, and holds it for longer.
-- $1 id bigint · $2 run uuid · $3 how many steps are done integer, null: as before · $4 what was found jsonb, null: nothing
-- $5 outcome (stopped | done | aborted), null: it goes on · $6 why it stopped text, null
-- Returns abort: who wants it aborted, empty where nobody does; null: it is not the run's any more, nothing was recorded.
SELECT sync_metadata.report_operation($1, $2, $3, $4, $5, $6) AS abort
