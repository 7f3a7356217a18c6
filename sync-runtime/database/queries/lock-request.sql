-- Has everybody who sends a request with the same key wait, on either node, until this transaction has ended. Whether it was
-- answered meanwhile is for another statement to look at, which sees what the one before has done.
-- $1 subject text · $2 route text · $3 key text
SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(chr(1), sync_metadata.own_cluster(), $1::text, $2::text, $3::text), 0))
