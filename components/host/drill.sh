#!/bin/sh
# Restores tenants' latest backups for a trial: each is fetched into a folder of its own, everything in it is computed anew
# (the dump of a Postgres where that was restored), a real Open WebUI starts on it, its admin signs in, and what it shows is held against the manifest. Nothing that serves is
# touched, and nothing stays but what is noted in backup/status. Run by a timer, by `fleet drill`, by anybody twice.
#   ROOT STACK  of the host and its stack          DUE  1: only those whose last good one is older than their interval
#   TENANTS  ids with spaces between, or empty for all that $ROOT/backup/drills names, a line each:
#            tenant image memory cpus pids interval postgres  (bytes, seconds; the image that restores dumps)
# Prints a JSON text a line, {"tenant", "drill": {"at", "ok", "snapshot", "seconds", "why"}}; one that was not good is no failure of this.
set -eu
here=${SCRIPTS:-$(dirname "$0")}
work=$ROOT/backup/drill
umask 077
mkdir -p "$work"

# One at a time on a host: what is tried needs as much memory as a tenant that serves.
exec 9>"$ROOT/trial.lock"
flock 9
# What a killed run left.
rm -rf "${work:?}"/*

image=$(docker inspect --format '{{.Image}}' "owui-$STACK-agent" 2>/dev/null </dev/null) || {
  echo "This host has no agent of stack $STACK: bring the stack up." >&2
  exit 1
}
uptime() { awk '{ print int($1) }' /proc/uptime; }

# What a program of the image says of files that it sees, and of no others.
image_says() {
  mounted=$1
  shift
  docker run --rm --interactive --network none --read-only --user 0:0 --cap-drop ALL --cap-add DAC_OVERRIDE \
    --security-opt no-new-privileges --memory 256m --pids-limit 64 --label "owui.stack=$STACK" --label owui.role=scratch \
    --mount "type=bind,source=$mounted,target=/shown,readonly" "$image" node /app/drill.mjs "$@"
}

# The program that backs up keeps it: it alone writes to its files.
note() {
  tail -c 4000 "$work/$tenant.why" | image_says "$work" outcome "$ok" "$snapshot" "$seconds" >"$work/$tenant.outcome"
  docker exec --interactive "owui-$STACK-backup" node /app/backup.mjs drilled "$tenant" <"$work/$tenant.outcome" >/dev/null ||
    echo "WARNING: how the trial restore of $tenant went could not be kept." >&2
  printf '{"tenant":"%s","drill":%s}\n' "$tenant" "$(cat "$work/$tenant.outcome")"
}

due() { image_says "$ROOT/backup/status" due "/shown/$1.json" "$2" </dev/null; }

scratch() { ACTION=$1 STACK=$STACK NAME=drill-$tenant sh "$here/scratch-application.sh" </dev/null; }
base() { ACTION=$1 STACK=$STACK NAME=drill-$tenant FOLDER=$folder IMAGE=$postgres LIFE=1800 sh "$here/scratch-database.sh" </dev/null; }
trial() { ACTION=$1 STACK=$STACK TENANT=$tenant FOLDER=$folder sh "$here/backup-trial.sh" </dev/null; }
# What a program printed that is no more than {"problems": [...]}.
well() { case $1 in '{"problems":'*) printf '%s\n' "$1" >&2 && return 1 ;; esac; }

clean() {
  scratch remove
  base remove
  rm -rf "$folder" "$folder.log"
}

# The latest, by its id; a tenant that has none says why on standard error.
latest() {
  VERB=list STACK=$STACK TENANT=$tenant sh "$here/backup.sh" </dev/null | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' | grep .
}

# Everything between the fetch and the comparison; what it says on standard error is why it failed.
attempt() {
  latest >"$work/$tenant.snapshot" || return 1
  mkdir "$folder"
  TIMES=1 STATUS=$ROOT/backup/status/$tenant.json trial room || return 1
  if ! VERB=fetch STACK=$STACK TENANT=$tenant SNAPSHOT=$(cat "$work/$tenant.snapshot") FOLDER=$folder \
    sh "$here/backup.sh" </dev/null; then
    # It was compared as it came, up to the first difference: here all are named.
    if [ -e "$folder/manifest.json" ]; then well "$(trial verify)" || return 1; fi
    return 1
  fi
  verdict=$(trial verify) || return 1
  well "$verdict" || return 1
  trial place || return 1
  database=
  if [ -e "$folder/database.dump" ]; then
    base start || return 1
    database=owui-$STACK-scratch-drill-$tenant-database
    verdict=$(base verify) || return 1
    well "$verdict" || return 1
  fi
  ACTION=start STACK=$STACK NAME=drill-$tenant IMAGE=$application DATA=$folder/data KEY=$folder/config/webui_secret_key DATABASE=$database \
    ENVIRONMENT='' SETTINGS='' MEMORY=$memory CPUS=$cpus PIDS=$pids PATIENCE=600 LIFE=1800 \
    sh "$here/scratch-application.sh" </dev/null || return 1
  seen=$(scratch sign-in) || return 1
  verdict=$(SEEN=$seen trial compare) || return 1
  well "$verdict"
}

while read -r tenant application memory cpus pids interval postgres <&3; do
  case " ${TENANTS:-$tenant} " in *" $tenant "*) ;; *) continue ;; esac
  if [ "${DUE:-}" = 1 ] && [ "$(due "$tenant" "$interval")" != due ]; then continue; fi
  folder=$work/$tenant
  clean
  began=$(uptime)
  ok=true
  attempt 2>"$work/$tenant.why" >/dev/null || ok=false
  seconds=$(($(uptime) - began))
  snapshot=$(cat "$work/$tenant.snapshot" 2>/dev/null || true)
  clean
  note
  rm -f "$work/$tenant".*
done 3<"$ROOT/backup/drills"
