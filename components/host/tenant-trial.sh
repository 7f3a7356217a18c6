#!/bin/sh
# Tries what a tenant's container is to become, beside the one that serves and on a copy of its database, before that one
# is replaced: what does not start here leaves everything as it is. Nothing is tried where nothing serves, or where what
# serves has this image and these settings already, or these settings and `fleet upgrade` has rehearsed the image.
#   ROOT TENANT CONTAINER NETWORK  as the tenant has them      IMAGE  id of the image that it is to have
#   LABEL      fingerprint of its secret settings              START  its command, a line for bash
#   MEMORY CPUS PIDS  its limits, memory in bytes              PATIENCE  seconds until it has to answer
# Standard input: its open settings, NAME=value, one a line.
set -eu
home=$ROOT/tenants/$TENANT
trial=$CONTAINER-trial
scratch=$home/trial
log=$home/trial.log
umask 077
settings=$(cat)

clean() {
  docker rm --force "$trial" >/dev/null 2>&1 || true
  rm -rf "$scratch"
}
# What a run left that was killed.
clean
is() { docker inspect --format "$1" "$CONTAINER" 2>/dev/null || true; }
if [ "$(is '{{.State.Running}}')" != true ]; then exit 0; fi
rehearsed() { [ -f "$home/config/switch" ] && grep -Fqx -e "image=$IMAGE" "$home/config/switch"; }
unchanged() {
  { [ "$(is '{{.Image}}')" = "$IMAGE" ] || rehearsed; } && [ "$(is '{{index .Config.Labels "owui.environment"}}')" = "$LABEL" ] || return 1
  has=$(is '{{range .Config.Env}}{{println .}}{{end}}')
  printf '%s\n' "$settings" | while read -r setting; do
    printf '%s\n' "$has" | grep -Fqx -e "$setting" || return 1
  done
}
if unchanged; then exit 0; fi

# One at a time on a host: what is tried needs as much memory as what serves.
exec 9>"$ROOT/trial.lock"
flock 9

trap clean EXIT
mkdir -p "$scratch"
printf '%s\n' "$settings" >"$scratch/settings"
mkdir "$scratch/data"
say() { echo "tenant $TENANT: $*" >&2; }

# The tenant owns what is copied: it is read inside a container that sees nothing else, and has nobody to tell.
copy='
import sqlite3
def copy(how):
    source = sqlite3.connect("file:/source/webui.db?" + how, uri=True)
    source.backup(sqlite3.connect("/copy/webui.db"))
try:
    copy("mode=ro")
except sqlite3.OperationalError:
    copy("immutable=1")
'
caged() { docker run --cap-drop ALL --security-opt no-new-privileges --memory "$MEMORY" --memory-swap "$MEMORY" --pids-limit "$PIDS" "$@"; }
room() { [ "$(df -Pk "$scratch" | awk 'NR == 2 { print $4 }')" -gt "$((2 * $(stat -c %s "$home/data/webui.db" 2>/dev/null || echo 0) / 1024))" ]; }
on="a copy of its database"
if ! room; then
  on="an empty database"
  say "WARNING: its disk has no room for a copy of its database; what it is to become is tried on an empty one"
elif ! caged --rm --name "$trial" --network none \
  --mount "type=bind,source=$home/data,target=/source,readonly" --mount "type=bind,source=$scratch/data,target=/copy" \
  --entrypoint timeout "$IMAGE" 300 python3 -c "$copy" >"$log" 2>&1; then
  say "WARNING: its database could not be copied ($log says why); what it is to become is tried on an empty one"
  on="an empty database"
  rm -rf "$scratch/data"
  mkdir "$scratch/data"
fi

say "what it is to become is tried beside what serves"
failed() {
  docker logs --tail 300 "$trial" >"$log" 2>&1 || true
  say "it was not changed, and what served it goes on: what it was to become $1, tried on $on."
  say "$log on its host holds what that said. Correct its version, image or environment, then run \`up\` again."
  exit 1
}
caged --detach --name "$trial" --network "$NETWORK" --cpus "$CPUS" --env-file "$scratch/settings" \
  --mount "type=bind,source=$scratch/data,target=/app/backend/data" \
  --mount "type=bind,source=$home/config/webui_secret_key,target=/app/backend/.webui_secret_key,readonly" \
  --mount "type=bind,source=$home/config/environment,target=/run/fleet/environment,readonly" \
  "$IMAGE" bash -c "$START" >/dev/null || failed "could not be started"
began=$(date +%s)
until docker exec "$trial" curl -fsS -m 5 -o /dev/null http://127.0.0.1:8080/health 2>/dev/null; do
  state=$(docker inspect --format '{{.State.Running}} {{.State.ExitCode}}' "$trial")
  case $state in "false "*) failed "ended with code ${state#false }" ;; esac
  if [ "$(($(date +%s) - began))" -ge "$PATIENCE" ]; then failed "did not answer for $PATIENCE seconds"; fi
  sleep 1
done
rm -f "$log"
