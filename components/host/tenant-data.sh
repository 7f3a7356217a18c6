#!/bin/sh
# Lets a tenant start on its own data and on no other: a directory without its database, or with another identity, is
# a volume that is not mounted or a loss, and would otherwise be started as an empty Open WebUI.
# Reads $ROOT $FLEET $TENANT $CONTAINER $IF_LOST (refuse, replica or fresh) $REPLICAS (asked, or none where there never
# was any) $NGINX $NGINX_CONTAINER $SITE and, on standard input, how the replicas' database is reached. Prints the
# identity's id, which is another one wherever a tenant starts empty. $GUARD_IMAGE is the image that looks after a loss
# where no checkout of the program lies. $ELSEWHERE is not empty where the tenant works on a Postgres.
set -eu
home=$ROOT/tenants/$TENANT
kept=$home/config/identity.json
shown=$home/data/.owui-identity.json

ROOT=$ROOT TENANT=$TENANT sh "$(dirname "$0")/tenant-arrival.sh" </dev/null

# An empty file is no database: SQLite makes one of nothing.
if [ -z "${ELSEWHERE:-}" ] && [ ! -s "$home/data/webui.db" ]; then
  running=$(docker ps --quiet --filter "name=^$CONTAINER\$")
  set -- "$home" "$FLEET" "$TENANT" "$CONTAINER" "$IF_LOST" "$REPLICAS" "${running:+running}"
  if [ -n "${GUARD_IMAGE:-}" ]; then
    docker run --rm --interactive --user 0:0 --mount "type=bind,source=$home,target=$home" "$GUARD_IMAGE" \
      node /app/guard.mjs "$@"
  else
    node sync-runtime/restore/guard.ts "$@"
  fi
  count=$(cat "$home/config/beginnings" 2>/dev/null || echo 0)
  echo "$((count + 1))" >"$home/config/beginnings.staged"
  mv -f "$home/config/beginnings.staged" "$home/config/beginnings"
  # Whoever comes first to an empty Open WebUI is its admin, so no site may lead to it.
  if [ ! -s "$home/data/webui.db" ]; then
    NGINX=$NGINX FILE=$SITE sh "$(dirname "$0")/remove-nginx-file.sh"
    NGINX=$NGINX CONTAINER=$NGINX_CONTAINER sh "$(dirname "$0")/reload-nginx.sh"
  fi
fi
# The tenant may have put a link or a FIFO there: neither is followed nor read.
if [ -L "$shown" ] || [ ! -f "$shown" ] || ! cmp -s "$kept" "$shown"; then
  echo "The data directory of tenant $TENANT is not the one this fleet made: $shown differs from $kept or is missing." >&2
  echo "Nothing was started on it and nothing in it was changed." >&2
  echo "If its volume is not mounted, mount it. If you restored the directory on purpose, copy $kept over $shown." >&2
  exit 1
fi
sed -n 's/.*"id":"\([^"]*\)".*/\1/p' "$kept"
