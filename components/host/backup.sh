#!/bin/sh
# Asks what backs a host's tenants up. Prints JSON; a refusal says why and ends with 1.
#   STACK   the fleet                     VERB  what is wanted:
#     run      backs TENANT up now, and answers when that ended: its status
#     list     what can be read back of TENANT: [{ id, time, openWebui }], the latest last
#     check    looks through TENANT's repository; DATA=yes reads all of it
#     fetch    reads SNAPSHOT (an id of 8 characters or more, or latest) of TENANT back into FOLDER, which is made or is
#              empty, and compares it with its manifest: { snapshot, verified }. Files belong to root.
#              PASSWORD_FILE: a file of root's with another passphrase, for a tenant of another host
#     stored   what a bucket or a server keeps of TENANT: { objects, bytes, versions }
#     remove   removes all of that; what is there then. Both in a container of their own where ALONE is yes: what backs up
#              goes with a host's last tenant, and what it was told, with the key, stays in ROOT/backup/config
#     database  about TENANT's Postgres, while it does not run: ACT is
#       placeable  whether what lies in FOLDER, or what restore BEFORE set aside, may take the place of what it holds
#       place      the dump in FOLDER takes it: { verified }. What was there is kept as of restore OPERATION
#       unplace    takes that back          exchange  puts what restore BEFORE set aside in place, as restore OPERATION
#       forget     removes what the restores OPERATION, with spaces between, set aside
#     drilled  keeps DRILL, what a trial restore of TENANT showed: { at, ok, snapshot, seconds, why }
set -eu
container=owui-$STACK-backup
fail() {
  for line in "$@"; do echo "$line" >&2; done
  exit 1
}
program="node /app/backup.mjs"

# The newest image of what backs up that this host has; with an ssh client where that is needed.
alone() {
  config=$ROOT/backup/config
  [ -s "$config/backup.json" ] || fail "This host has backed nobody up."
  case $(cat "$config/backup.json") in *'"kind":"sftp"'*) kind=ssh ;; *) kind=plain ;; esac
  image=$(docker images --format '{{.Repository}}:{{.Tag}}' owui-backup | grep -E -e "-$kind(-postgres[0-9]+)?\$" | head -n 1)
  [ -n "$image" ] || fail "This host has no image any more of what backs up."
  # shellcheck disable=SC2086 # two words
  exec docker run --rm --user 0:0 --read-only --cap-drop ALL --security-opt no-new-privileges --memory 512m --memory-swap 512m \
    --label "owui.stack=$STACK" --label owui.scratch=1 --tmpfs /tmp:size=16m --tmpfs /run:size=1m \
    --mount "type=bind,source=$config,target=/etc/fleet,readonly" "$image" $program "$VERB" "$TENANT"
}
if [ "${ALONE:-}" = yes ]; then alone; fi
state=$(docker inspect --format '{{.State.Status}}' "$container" 2>/dev/null) ||
  fail "Nothing is backed up on this host: there is no container $container." \
    "Write \`backups\` into the stack's config, and run \`npm run up\`."

running() {
  [ "$state" = running ] || fail "$container is $state, so that it cannot be asked; \`npm run up\` starts it."
}

# folder more... -- argv: runs the program in a container as the one that runs by schedule, which sees no folder of anybody's;
# this one is given it for as long as it takes.
beside() {
  folder=$1
  shift
  helper=$container-helper-$$
  trap 'docker rm --force "$helper" >/dev/null 2>&1 || true' EXIT
  # shellcheck disable=SC2086
  docker run --rm --name "$helper" --volumes-from "$container" \
    --network "$(docker inspect --format '{{.HostConfig.NetworkMode}}' "$container")" \
    --user 0:0 --read-only --cap-drop ALL --security-opt no-new-privileges --memory 1g --memory-swap 1g \
    --label "owui.stack=$STACK" --label owui.scratch=1 --label "owui.fetch=$folder" \
    ${ACT:+--label "owui.database=$STACK/$TENANT"} \
    --tmpfs /tmp:size=16m --tmpfs /run:size=1m ${folder:+--mount "type=bind,source=$folder,target=/fetched"} \
    ${password:+--mount "type=bind,source=$password,target=/run/passphrase,readonly"} \
    "$(docker inspect --format '{{.Config.Image}}' "$container")" \
    $program "$@" ${password:+--password /run/passphrase}
}

password=
case $VERB in
  run | list | stored | remove)
    running
    # shellcheck disable=SC2086 # two words
    exec docker exec "$container" $program "$VERB" "$TENANT"
    ;;
  check)
    running
    # shellcheck disable=SC2086
    exec docker exec "$container" $program check "$TENANT" ${DATA:+--data}
    ;;
  drilled)
    running
    # shellcheck disable=SC2086
    printf '%s' "$DRILL" | docker exec --interactive "$container" $program drilled "$TENANT"
    ;;
  fetch)
    umask 077
    # Whoever was killed while it fetched left that going on.
    docker ps --all --quiet --filter "label=owui.fetch=$FOLDER" | xargs -r docker rm --force >/dev/null
    mkdir -p "$FOLDER"
    [ -z "$(ls -A "$FOLDER")" ] || fail "$FOLDER is not empty; nothing was read back."
    password=${PASSWORD_FILE:-}
    beside "$FOLDER" fetch "$TENANT" "$SNAPSHOT" /fetched
    ;;
  database)
    # The same of what such a one did there: its transaction goes with its connection.
    docker ps --all --quiet --filter "label=owui.database=$STACK/$TENANT" | xargs -r docker rm --force >/dev/null
    set -- "$ACT" "$TENANT"
    if [ -n "${FOLDER:-}" ]; then set -- "$@" /fetched; fi
    for operation in ${OPERATION:-}; do set -- "$@" --operation "$operation"; done
    if [ -n "${BEFORE:-}" ]; then set -- "$@" --before "$BEFORE"; fi
    beside "${FOLDER:-}" "$@"
    ;;
  *)
    fail "backup: \"$VERB\" is nothing that can be asked."
    ;;
esac
