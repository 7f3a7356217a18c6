-- What 0.12 brought that readers are denied. Its auth.mfa showed that a new column of a table of credentials can have
-- any name, and its histories that a copy of a row holds what the row does: both are denied from now on whatever they
-- are called, unless somebody looked at them.
INSERT INTO sync_metadata.credential_columns (source, name, holds) VALUES
  ('auth', 'mfa', 'secrets of one-time passwords'),
  ('auth', 'session_stamp', 'what sessions are held against'),
  ('app', 'api_key', 'keys of connected applications'),
  ('app', 'data', 'settings of connected applications, their tokens among them'),
  ('function_history', 'snapshot', 'earlier versions of functions, whole'),
  ('tool_history', 'snapshot', 'earlier versions of tools, whole'),
  ('model_history', 'snapshot', 'earlier versions of models, whole');
INSERT INTO sync_metadata.credential_columns (source, name, denied, holds) VALUES
  ('auth', 'email', false, 'an address'),
  ('auth', 'active', false, 'whether the account may sign in'),
  ('prompt_history', 'snapshot', false, 'earlier versions of prompts'),
  ('skill_history', 'snapshot', false, 'earlier versions of skills');

CREATE OR REPLACE FUNCTION sync_metadata.is_credential(source text, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(
    (SELECT c.denied FROM sync_metadata.credential_columns AS c WHERE (c.source, c.name) = (lower($1), lower($2))),
    lower(name) ~ '(passw|pwd|secret|private_?key|mfa|totp|(^|_)otp($|_))'
    OR lower(name || '/' || source)
        ~ '(token|credential|api_?key|oauth|valve|cookie|jwt|webhook_url|vault|keys?($|[_/])|(^|[_/])auth($|[_/])|(^|_)(settings|variables|stamp)($|[_/])|snapshot/.*_history$)'
      AND lower(name) !~ '(^|_)(id|ids|at|count)$'
  )
$$;
