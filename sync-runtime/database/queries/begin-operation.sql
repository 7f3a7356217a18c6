-- Begins a long operation on a tenant.
-- $1 tenant text · $2 kind text · $3 request jsonb · $4 names of its steps text[] · $5 up to how many done steps it can be
-- aborted · $6 who wants it text · $7 run of who works on it uuid · $8 what people call that text
-- Returns operation; null: another one is open for the tenant, nothing was begun.
SELECT sync_metadata.begin_operation($1, $2, $3, $4, $5, $6, $7, $8) AS operation
