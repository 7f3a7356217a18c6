-- Makes a replica's table or brings it to the source's shape.
-- $1 tenant text · $2 table text · $3 columns jsonb, [{"name", "type"}] · $4 key text[] or null · $5 ddl text
-- Returns the columns in the order COPY takes them behind _replica_odd.
SELECT sync_metadata.define_table($1, $2, $3, $4, $5) AS columns
