#!/bin/sh
# What the change of a tenant's version takes on its host, around the `up` that makes it (tenant-switch.sh): one action a
# run, each safe to run again. Prints one JSON value, or nothing.
#   ROOT STACK TENANT  whose it is                         ACTION  what
# fetch    the engine has IMAGE from then on; prints {"id"}
# copy     copies database and vectors, while the tenant serves, to rehearsal/data; prints {"bytes", "seconds", "rows"}
#          IMAGE  whose Python reads them      MEMORY PIDS  its limits, memory in bytes
# rows     the same count of the database that ASIDE holds; prints {"rows"}
# schema   prints {"is", "head"} of what runs in CONTAINER: its database's revision, and the newest that its version knows
# written  prints {table: rows} of what was written in the tenant's database behind SINCE, seconds since 1970
# clean    removes the copy, the note, and what was put ready
# prepare  writes the note for IMAGE and ASIDE; PUT, a folder that was set aside, is put ready: proven to be what it was, and
#          copied, or with TAKE renamed
# state    prints what the container does, and which of the folders ASIDE and FAILED are there
# stopped  keeps what the container said in upgrade.log, and removes it where it has IMAGE
# started  starts the container where it stands still
# keep     proves what ASIDE holds for later, notes RECORD there; drops the notes and FORGET, older folders, one a line
# list     prints the folders that hold what was set aside, and their records
set -eu
export LC_ALL=C
home=$ROOT/tenants/$TENANT
container=owui-$STACK-tenant-$TENANT
note=$home/config/switch
scratch=$home/rehearsal
umask 077

fail() {
  echo "tenant $TENANT: $*" >&2
  exit 1
}
uptime() { cut -d ' ' -f 1 /proc/uptime; }
is() { docker container inspect --format "$1" "$container" 2>/dev/null </dev/null || true; }
folder() {
  number=${1#data.before-}
  number=${number#data.failed-}
  case $number in
    *[!0-9]* | "" | "$1") fail "\"$1\" is no folder of something set aside" ;;
  esac
  printf %s "$home/$1"
}
kib() { du -skc "$@" 2>/dev/null | tail -n 1 | cut -f 1; }
# $1 KiB have to be free below the tenant's home.
room() {
  free=$(df -Pk "$home" | awk 'NR == 2 { print $4 }')
  if [ "$free" -lt "$1" ]; then
    fail "its disk has $((free / 1024)) MiB free, and $(($1 / 1024 + 1)) are needed for $2. Nothing was changed. Make room, or give its host a larger volume."
  fi
}

# The tenant owns what is read: it is read inside a container that sees nothing else, and has nobody to tell.
caged() {
  name=owui-$STACK-reading-$TENANT
  docker rm --force "$name" >/dev/null 2>&1 </dev/null || true
  docker run --rm --name "$name" --label "owui.stack=$STACK" --label owui.scratch=1 --network none --cap-drop ALL \
    --security-opt no-new-privileges --memory "$MEMORY" --memory-swap "$MEMORY" --pids-limit "$PIDS" "$@" </dev/null
}
counting='
import json, sqlite3, sys
def quoted(name): return chr(34) + name.replace(chr(34), 2 * chr(34)) + chr(34)
def rows(database):
    found = {}
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = ? LIMIT 2000", ("table",)).fetchall():
        try: found[name] = database.execute("SELECT count(*) FROM " + quoted(name)).fetchone()[0]
        except sqlite3.Error: pass
    return found
'
copying='
import os, shutil, stat
def copy(name, how):
    source = sqlite3.connect("file:/source/" + name + "?" + how, uri=True, timeout=60)
    target = sqlite3.connect("/copy/" + name)
    source.backup(target)
    return target
def database(name):
    try: return copy(name, "mode=ro")
    except sqlite3.OperationalError: return copy(name, "immutable=1")
def vectors():
    for folder, folders, files in os.walk("/source/vector_db"):
        here = "/copy/" + os.path.relpath(folder, "/source")
        os.makedirs(here, exist_ok=True)
        for file in files:
            path = os.path.join(folder, file)
            if not stat.S_ISREG(os.lstat(path).st_mode): continue
            if file == "chroma.sqlite3": database(os.path.relpath(path, "/source"))
            elif not file.endswith(("-wal", "-shm", "-journal")): shutil.copyfile(path, os.path.join(here, file))
found = rows(database("webui.db"))
if os.path.isdir("/source/vector_db") and not os.path.islink("/source/vector_db"): vectors()
print(json.dumps(found))
'

fetch() {
  docker image inspect "$IMAGE" >/dev/null 2>&1 </dev/null || docker pull --quiet "$IMAGE" >/dev/null </dev/null ||
    fail "its host has no image $IMAGE, and no registry gives it one. Nothing was changed."
  docker image inspect --format '{"id":"{{.Id}}"}' "$IMAGE" </dev/null
}

clean() {
  docker rm --force "owui-$STACK-reading-$TENANT" >/dev/null 2>&1 </dev/null || true
  rm -rf "$scratch" "$home/next"
  rm -f "$note"
}

copy() {
  clean
  if [ -L "$home/data/webui.db" ] || [ ! -f "$home/data/webui.db" ]; then fail "it has no database in $home/data. Nothing was changed."; fi
  size=$(kib "$home/data/webui.db" "$home/data/webui.db-wal" "$home/data/vector_db")
  # A migration may write every table anew, beside the old one.
  room "$((2 * size + 65536))" "a rehearsal on a copy of its database"
  mkdir -p "$scratch/data"
  began=$(uptime)
  if ! found=$(caged --mount "type=bind,source=$home/data,target=/source,readonly" \
    --mount "type=bind,source=$scratch/data,target=/copy" --entrypoint timeout "$IMAGE" 1800 python3 -c "$counting$copying" 2>"$home/upgrade.log"); then
    clean
    fail "its database could not be copied; $home/upgrade.log on its host says why. Nothing was changed."
  fi
  rm -f "$home/upgrade.log"
  awk -v began="$began" -v bytes="$(kib "$scratch/data")" -v rows="$found" \
    '{ printf "{\"bytes\":%.0f,\"seconds\":%.1f,\"rows\":%s}\n", bytes * 1024, $1 - began, rows }' /proc/uptime
}

rows() {
  from=$(folder "$ASIDE")
  # Opening it may leave files beside it: it is only read, as it lies there.
  found=$(caged --mount "type=bind,source=$from,target=/source,readonly" --entrypoint timeout "$IMAGE" 600 python3 -c "$counting
try:
    database = sqlite3.connect('file:/source/webui.db?mode=ro', uri=True)
    found = rows(database)
except sqlite3.OperationalError:
    found = rows(sqlite3.connect('file:/source/webui.db?immutable=1', uri=True))
print(json.dumps(found))") || fail "what was set aside in $from could not be read"
  printf '{"rows":%s}\n' "$found"
}

inside() { docker exec --env "SINCE=${SINCE:-0}" "${CONTAINER:-$container}" timeout 300 python3 -c "$1" </dev/null | head -c 4194304; }

schema() {
  inside '
import glob, json, re, sqlite3
known, earlier = set(), set()
for file in glob.glob("/app/backend/open_webui/migrations/versions/*.py"):
    text = open(file, encoding="utf-8").read()
    known.update(re.findall(r"^revision(?:\s*:[^=]*)?\s*=\s*[\x22\x27](\w+)", text, re.M))
    for line in re.findall(r"^down_revision(?:\s*:[^=]*)?\s*=\s*(.*)", text, re.M): earlier.update(re.findall(r"[\x22\x27](\w+)", line))
database = sqlite3.connect("file:/app/backend/data/webui.db?mode=ro", uri=True, timeout=30)
found = [name for (name,) in database.execute("SELECT version_num FROM alembic_version").fetchall()]
print(json.dumps({"is": sorted(found), "head": sorted(known - earlier)}))'
}

written() {
  inside '
import json, os, sqlite3
since = int(os.environ["SINCE"])
database = sqlite3.connect("file:/app/backend/data/webui.db?mode=ro", uri=True, timeout=30)
def quoted(name): return chr(34) + name.replace(chr(34), 2 * chr(34)) + chr(34)
found = {}
for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = ? LIMIT 2000", ("table",)).fetchall():
    times = [name for (_, name, *_) in database.execute("PRAGMA table_info(" + quoted(table) + ")") if name in ("created_at", "updated_at")]
    if not times: continue
    # Seconds, or nanoseconds in the younger tables.
    behind = " OR ".join("(CASE WHEN {0} > 100000000000000 THEN {0} / 1000000000 ELSE {0} END) > ?".format(name) for name in times)
    try: count = database.execute("SELECT count(*) FROM " + quoted(table) + " WHERE " + behind, [since] * len(times)).fetchone()[0]
    except sqlite3.Error: continue
    if count: found[table] = count
print(json.dumps(found))'
}

prove() { (cd "$1" && sha256sum --quiet --check sums >/dev/null 2>&1); }

prepare() {
  if [ -n "$PUT" ]; then
    from=$(folder "$PUT")
    if [ ! -e "$from/complete" ]; then fail "$from holds no whole database. Nothing was changed."; fi
    if [ -n "${TAKE:-}" ]; then
      # A disk that is full keeps nobody from going back: what is put ready is the only copy from then on.
      mkdir -p "$home/next"
      bring="mv -T"
    else
      rm -rf "$home/next"
      if [ -e "$from/sums" ] && ! prove "$from"; then fail "$from is not what was set aside: a sum differs. Nothing was changed."; fi
      room "$(($(kib "$from") + 65536))" "the database that comes back"
      mkdir "$home/next"
      bring="cp -a --reflink=auto"
    fi
    # What a killed application had not yet written into its database lies beside it.
    for part in webui.db-wal webui.db-journal vector_db webui.db; do
      if [ -e "$from/$part" ]; then $bring "$from/$part" "$home/next/$part"; fi
    done
  else
    room "$(($(kib "$home/data/webui.db" "$home/data/webui.db-wal" "$home/data/vector_db") + 65536))" "a copy of its database to go back to"
  fi
  # The folder's name is checked, whatever becomes of it.
  folder "$ASIDE" >/dev/null
  printf 'image=%s\naside=%s\nput=%s\n' "$IMAGE" "$ASIDE" "${PUT:+1}" >"$note.staged"
  mv -f "$note.staged" "$note"
}

state() {
  whole() { if [ -e "$(folder "$1")/complete" ]; then printf true; else printf false; fi; }
  begun() { if [ -e "$(folder "$1")" ]; then printf true; else printf false; fi; }
  runs=$(is '{{.Image}}')
  printf '{"image":"%s","running":%s,"restarts":%s,"code":%s,"health":"%s","begun":%s,"aside":%s,"failed":%s}\n' \
    "$runs" "$(is '{{.State.Running}}' | grep . || echo false)" "$(is '{{.RestartCount}}' | grep . || echo 0)" \
    "$(is '{{.State.ExitCode}}' | grep . || echo 0)" "$(is '{{if .State.Health}}{{.State.Health.Status}}{{end}}')" \
    "$(begun "$ASIDE")" "$(whole "$ASIDE")" "$(whole "$FAILED")"
}

stopped() {
  if [ "$(is '{{.Image}}')" = "$IMAGE" ]; then
    docker logs --tail 300 "$container" >"$home/upgrade.log" 2>&1 </dev/null || true
    docker rm --force "$container" >/dev/null </dev/null
  fi
}

started() { if [ -n "$(is '{{.Id}}')" ]; then docker start "$container" >/dev/null </dev/null; fi; }

keep() {
  at=$(folder "$ASIDE")
  if [ -e "$at/complete" ]; then
    (cd "$at" && find . -type f ! -name sums ! -name record ! -name complete -print0 | sort -z | xargs -0 -r sha256sum) >"$at.sums"
    mv -f "$at.sums" "$at/sums"
    printf '%s\n' "$RECORD" >"$at/record"
  fi
  rm -f "$note"
  rm -rf "$home/next"
  printf '%s\n' "$FORGET" | while read -r old; do
    if [ -n "$old" ]; then rm -rf "$(folder "$old")"; fi
  done
}

list() {
  printf '['
  comma=
  for at in "$home"/data.before-* "$home"/data.failed-*; do
    if [ ! -e "$at/complete" ]; then continue; fi
    noted=$(cat "$at/record" 2>/dev/null || echo null)
    printf '%s{"folder":"%s","at":%s,"bytes":%s,"record":%s}' "$comma" "$(basename "$at")" \
      "$(stat -c %Y "$at/complete")" "$(($(kib "$at") * 1024))" "$noted"
    comma=,
  done
  printf ']\n'
}

case $ACTION in
  fetch | copy | rows | schema | written | clean | prepare | state | stopped | started | keep | list) "$ACTION" ;;
  *) fail "\"$ACTION\" is nothing that is done here" ;;
esac
