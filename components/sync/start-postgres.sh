#!/bin/sh
# Runs inside the Postgres container as its user: makes the cluster once, then becomes the server with the arguments
# given. An interrupted initdb removes what it made, so the next start begins anew.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username=postgres --pwfile=/etc/fleet/superuser-password --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums
fi
exec postgres "$@"
