-- Until the transaction ends, reads with the rights of fleet_owner, who sees every cluster's replicas.
-- No row: the role has no such rights, and goes on with its own.
SELECT set_config('role', o.rolname, true)
FROM pg_roles AS o
WHERE o.rolname = 'fleet_owner' AND pg_has_role(current_user, o.oid, 'MEMBER')
