-- Names this connection after the claim it writes under, bounds how long it may hold locks (ten minutes for one
-- statement, and for a silence of its node), and keeps statements over 40 small tables from being compiled each.
-- Until the transaction ends.
-- $1 application_name
SELECT set_config('application_name', $1, true), set_config('statement_timeout', '10min', true),
  set_config('idle_in_transaction_session_timeout', '10min', true), set_config('jit', 'off', true)
