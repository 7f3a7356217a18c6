#!/bin/sh
# Looks at a backup that was fetched into a folder. What a tenant may have forged in it is opened in a container without a
# network, which sees that folder and cannot write to it (sync-runtime/drill).
#   STACK  whose image does that          TENANT  whose backup it has to be          FOLDER  with manifest.json
#   ACTION  verify   everything is computed anew          compare  $SEEN, what an application showed, with the manifest
#           room     whether its disk takes a backup as large as the latest, of which $STATUS tells, $TIMES times
#           place    the database comes into data/ as the application expects it          copy  the same, into $FOLDER/trial
# verify and compare print one JSON text, also where something is otherwise than it has to be.
set -eu
fail() {
  echo "$*" >&2
  exit 1
}

look() {
  image=$(docker inspect --format '{{.Image}}' "owui-$STACK-agent" 2>/dev/null </dev/null) ||
    fail "This host has no agent of stack $STACK, whose image looks at backups: bring the stack up."
  errors=$(mktemp)
  trap 'rm -f "$errors"' EXIT
  said=$(printf %s "${SEEN:-}" | docker run --rm --interactive --network none --read-only --user 0:0 \
    --cap-drop ALL --cap-add DAC_OVERRIDE --security-opt no-new-privileges --memory 1g --memory-swap 1g --pids-limit 64 \
    --label "owui.stack=$STACK" --label owui.role=scratch \
    --mount "type=bind,source=$FOLDER,target=/backup,readonly" "$image" node /app/drill.mjs "$@" 2>"$errors") || true
  if [ -z "$said" ]; then fail "The backup in $FOLDER could not be looked at: $(tail -n 1 "$errors" | cut -c 1-500)"; fi
  printf '%s\n' "$said"
}

# folder: its database and files as an application has them; owned by root, as who it runs. A dump is restored elsewhere.
place() {
  rm -rf "$1/data/webui.db" "$1/data/webui.db-wal" "$1/data/webui.db-shm" "$1/data/webui.db-journal"
  if [ -e "$1/webui.db" ]; then
    mv -T "$1/webui.db" "$1/data/webui.db"
    chown 0:0 "$1/data/webui.db"
  fi
  chown 0:0 "$1/data"
}

# what KiB: some stays free for those who serve meanwhile.
require() {
  above=$FOLDER
  while [ ! -d "$above" ]; do above=$(dirname "$above"); done
  free=$(df -Pk "$above" | awk 'NR == 2 { print $4 }')
  if [ "$free" -lt "$(($2 + 262144))" ]; then
    fail "The disk of $above has $((free / 1024)) MiB left, and $1 takes $(($2 / 1024)) and 256 that stay free. Nothing was begun. Make room there."
  fi
}

room() {
  bytes=$(sed -n 's/^ *"bytes": \([0-9]*\).*/\1/p' "$STATUS" 2>/dev/null | head -n 1)
  require "the backup of $TENANT" "$((${bytes:-0} * TIMES / 1024))"
}

copy() {
  rm -rf "$FOLDER/trial"
  set -- "$FOLDER/data"
  if [ -e "$FOLDER/webui.db" ]; then set -- "$@" "$FOLDER/webui.db"; fi
  require "a copy to try" "$(du -skxc "$@" | tail -n 1 | cut -f 1)"
  umask 077
  mkdir "$FOLDER/trial"
  cp -a --reflink=auto "$@" "$FOLDER/trial/"
  place "$FOLDER/trial"
}

case $ACTION in
  verify) look verify /backup "$TENANT" ;;
  compare) look compare /backup ;;
  room) room ;;
  place) place "$FOLDER" ;;
  copy) copy ;;
  *) fail "backup-trial: \"$ACTION\" is nothing it does" ;;
esac
