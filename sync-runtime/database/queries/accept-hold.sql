-- Takes an operator's word that what a replica is held for is right; the next sync goes through.
-- $1 tenant text · $2 hold uuid
-- accepted is false: the replica is not held, or is held for something else by now.
SELECT sync_metadata.accept_hold($1, $2) AS accepted
