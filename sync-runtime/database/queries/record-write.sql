-- Records a write that an operator made, or could not make; or several that were refused before they were tried.
-- $1 subject · $2 token · $3 method · $4 route · $5 path · $6 tenant or null · $7 status · $8 problem or null · $9 node
-- $10 request uuid · $11 address or null · $12 how many equal ones
INSERT INTO sync_metadata.audit_log (subject, token, method, route, path, tenant, status, problem, node, request,
  address, times)
VALUES ($1, $2, $3, $4, left($5, 1000), $6, $7, $8, $9, $10, $11, $12)
