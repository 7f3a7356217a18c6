#!/bin/sh
# A Postgres without a network, into which the dump of a fetched backup is restored: drills and restores add it up there, and
# a real Open WebUI works on it, which joins its loopback (scratch-application.sh). It ends by itself after $LIFE seconds,
# whatever became of who started it. What the dump has run there may do nothing but own its database.
#   ACTION  start | verify | remove          STACK NAME  whose it is; one of a name at a time
#   FOLDER  the fetched backup: beside it, in $FOLDER/postgres, lies the database
# start   restores database.dump with IMAGE, of Postgres; prints nothing
# verify  adds every row up again, and holds that against manifest.json: prints one JSON text, as backup-trial.sh does
set -eu
container=owui-$STACK-scratch-$NAME-database
# What applications and programs that join its loopback find it under.
url=postgresql://owui@127.0.0.1:5432/owui
# Seconds until it has to answer: a new cluster takes two.
patience=120

fail() {
  echo "$*" >&2
  exit 1
}

remove() { docker rm --force --volumes "$container" >/dev/null 2>&1 || true; }

# It takes what the dump takes, its indexes, and a log of what is written.
require_room() {
  needed=$(($(du -k "$FOLDER/database.dump" | cut -f 1) * 3))
  free=$(df -Pk "$FOLDER" | awk 'NR == 2 { print $4 }')
  if [ "$free" -lt "$((needed + 524288))" ]; then
    fail "The disk of $FOLDER has $((free / 1024)) MiB left, and a database to try takes $((needed / 1024)) and 512 that stay free. Make room there."
  fi
}

inside() { docker exec --interactive "$container" "$@"; }
asks() { inside psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 --host 127.0.0.1 --username postgres "$@"; }

start() {
  remove
  require_room
  rm -rf "$FOLDER/postgres"
  mkdir "$FOLDER/postgres"
  # The user of the image, by Debian's and upstream's make.
  chown 999:999 "$FOLDER/postgres"
  if ! why=$(docker run --detach --name "$container" \
    --label "owui.stack=$STACK" --label owui.role=scratch --label owui.scratch=1 --label "owui.until=$(($(date +%s) + LIFE))" \
    --network none --user 999:999 --cap-drop ALL --security-opt no-new-privileges --log-driver json-file --log-opt max-size=10m \
    --memory 1g --memory-swap 1g --cpus 1 --pids-limit 128 --read-only --tmpfs /tmp --tmpfs /var/run/postgresql:uid=999,gid=999 \
    --mount "type=bind,source=$FOLDER/postgres,target=/restored" --env PGDATA=/restored/data \
    --env POSTGRES_HOST_AUTH_METHOD=trust --entrypoint timeout "$IMAGE" --kill-after=10 "$LIFE" docker-entrypoint.sh \
    postgres -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off 2>&1 >/dev/null </dev/null); then
    remove
    fail "A Postgres ($IMAGE) to restore into could not be started: $why"
  fi
  tries=0
  # Over TCP it answers only once its cluster is made.
  until docker exec "$container" pg_isready --quiet --host 127.0.0.1 2>/dev/null </dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt "$((patience * 2))" ] || [ "$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" != true ]; then
      why=$(docker logs --tail 3 "$container" 2>&1 | tr '\n' ' ')
      remove
      fail "A Postgres ($IMAGE) to restore into did not answer: $why"
    fi
    sleep 0.5
  done
  restore
}

restore() {
  errors=$(mktemp)
  trap 'rm -f "$errors"' EXIT
  # The dump makes its schema itself; where that is not public, the role looks there.
  if ! {
    asks --dbname postgres --command 'CREATE ROLE owui LOGIN' \
      --command "CREATE DATABASE owui OWNER owui TEMPLATE template0 ENCODING 'UTF8'" </dev/null &&
      asks --dbname owui --command 'DROP SCHEMA public' </dev/null &&
      inside pg_restore --host 127.0.0.1 --username owui --dbname owui --no-owner --no-privileges --exit-on-error \
        <"$FOLDER/database.dump" &&
      asks --dbname owui <<'END'
SELECT format('ALTER ROLE owui SET search_path = %I', nspname) FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
\gexec
END
  } 2>"$errors"; then
    why=$(head -c 1500 "$errors" | tr '\n' ' ')
    remove
    fail "The dump of the database could not be restored: $why"
  fi
}

verify() {
  runtime=$(docker inspect --format '{{.Image}}' "owui-$STACK-agent" 2>/dev/null </dev/null) ||
    fail "This host has no agent of stack $STACK, whose image looks at backups: bring the stack up."
  errors=$(mktemp)
  trap 'rm -f "$errors"' EXIT
  said=$(docker run --rm --network "container:$container" --read-only --user 0:0 \
    --cap-drop ALL --security-opt no-new-privileges --memory 256m --memory-swap 256m --pids-limit 64 \
    --label "owui.stack=$STACK" --label owui.role=scratch \
    --mount "type=bind,source=$FOLDER/manifest.json,target=/backup/manifest.json,readonly" \
    "$runtime" node /app/drill.mjs restored /backup "$url" 2>"$errors" </dev/null) || true
  if [ -z "$said" ]; then fail "What was restored could not be added up: $(tail -n 1 "$errors" | cut -c 1-500)"; fi
  printf '%s\n' "$said"
}

case $ACTION in
  start) start ;;
  verify) verify ;;
  remove) remove ;;
  *) fail "scratch-database: \"$ACTION\" is nothing it does" ;;
esac
