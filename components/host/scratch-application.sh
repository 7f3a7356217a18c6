#!/bin/sh
# A real Open WebUI on a copy of a tenant's data, beside what serves: restores, drills, upgrades and adoptions look at it
# before anybody's users do. It has no network, and ends by itself after $LIFE seconds, whatever became of who started it.
#   ACTION  start | ask | sign-in | remove                 STACK NAME  whose it is; one of a name at a time
# start prints {"seconds": until it answered}; it removes what an earlier one of that name left.
#   IMAGE  of Open WebUI          DATA  folder with the copy: it is written to          KEY  file of the secret key
#   MEMORY CPUS PIDS  its limits, memory in bytes          PATIENCE  seconds until it has to answer
#   DATABASE  container of a restored Postgres that it works on (scratch-database.sh), or empty: the SQLite file of the copy
#   ENVIRONMENT  file of settings that may be secret, or empty          SETTINGS  open ones, NAME=value, one a line
#   Where it fails, the file LOG, or $DATA.log, holds what it said: the next start removes it.
# ask prints {"status", "body"}: METHOD ASKED_PATH of its API, AS admin, nobody or a user's id, BODY of JSON or empty.
# sign-in signs in with a token that the secret key makes, and prints what it saw then (fleet/on-host/scratch-application.ts).
#   APPLICATION  asks this container instead: one that serves
set -eu
container=owui-$STACK-scratch-$NAME
asked=${APPLICATION:-$container}

say() { echo "$*" >&2; }
fail() {
  say "$@"
  exit 1
}

remove() { docker rm --force --volumes "${1:-$container}" >/dev/null 2>&1 || true; }

# Those of any name whose time is over: whoever was to remove them was killed.
remove_forgotten() {
  docker ps --all --filter "label=owui.stack=$STACK" --filter label=owui.scratch=1 --format '{{.ID}} {{.Label "owui.until"}}' |
    while read -r id until; do
      case $until in '' | *[!0-9]*) continue ;; esac
      if [ "$(date +%s)" -gt "$until" ]; then docker rm --force --volumes "$id" >/dev/null 2>&1 || true; fi
    done
}

uptime() { awk '{ print $1 }' /proc/uptime; }

start() {
  remove
  remove_forgotten
  log=${LOG:-${DATA%/}.log}
  rm -f "$log"
  available=$(awk '$1 == "MemAvailable:" { printf "%.0f", $2 * 1024 }' /proc/meminfo)
  # What serves uses half of its limit or less (docs/performance.md).
  if [ "$((MEMORY / 2))" -gt "$available" ]; then
    fail "This host has $((available / 1048576)) MiB of memory left, and another Open WebUI takes $((MEMORY / 2097152)). Nothing was started. Try when less runs there, or give the host more memory."
  fi
  # A copy has what its tenant had set for the world outside, where it cannot go.
  # shellcheck disable=SC2016 # for the shell inside
  inside='set -a; if [ -e /run/fleet/environment ]; then . /run/fleet/environment; fi; set +a
unset DATABASE_URL DATABASE_TYPE DATABASE_HOST REDIS_URL WEBSOCKET_MANAGER WEBSOCKET_REDIS_URL
if [ -n "${SCRATCH_DATABASE_URL:-}" ]; then export DATABASE_URL="$SCRATCH_DATABASE_URL"; fi
exec bash start.sh'
  set -- --mount "type=bind,source=$DATA,target=/app/backend/data"
  if [ -n "$KEY" ]; then set -- "$@" --mount "type=bind,source=$KEY,target=/app/backend/.webui_secret_key,readonly"; fi
  if [ -n "${ENVIRONMENT:-}" ]; then set -- "$@" --mount "type=bind,source=$ENVIRONMENT,target=/run/fleet/environment,readonly"; fi
  for setting in DATABASE_ENABLE_SQLITE_WAL=True ENABLE_OLLAMA_API=False ENABLE_OPENAI_API=False ENABLE_SIGNUP=False \
    OFFLINE_MODE=true RAG_EMBEDDING_ENGINE=openai; do
    set -- "$@" --env "$setting"
  done
  network=none
  if [ -n "${DATABASE:-}" ]; then
    network=container:$DATABASE
    # It asks for no password, and nobody else is on its loopback.
    set -- "$@" --env SCRATCH_DATABASE_URL=postgresql://owui@127.0.0.1:5432/owui
  fi
  lines=${SETTINGS:-}
  while [ -n "$lines" ]; do
    set -- "$@" --env "${lines%%
*}"
    case $lines in
      *"
"*) lines=${lines#*
} ;;
      *) lines= ;;
    esac
  done
  began=$(uptime)
  if ! why=$(docker run --detach --name "$container" \
    --label "owui.stack=$STACK" --label owui.role=scratch --label owui.scratch=1 --label "owui.until=$(($(date +%s) + LIFE))" \
    --network "$network" --cap-drop ALL --security-opt no-new-privileges --log-driver json-file --log-opt max-size=10m \
    --memory "$MEMORY" --memory-swap "$MEMORY" --cpus "$CPUS" --pids-limit "$PIDS" "$@" \
    --entrypoint timeout "$IMAGE" --kill-after=10 "$LIFE" bash -c "$inside" 2>&1 >/dev/null </dev/null); then
    remove
    fail "Open WebUI ($IMAGE) could not be started on a copy: $why"
  fi
  # By its id: where whoever began this was killed, somebody else starts one of that name meanwhile.
  id=$(docker inspect --format '{{.Id}}' "$container" 2>/dev/null) || fail "Open WebUI ($IMAGE) was removed while it started."
  until docker exec "$id" curl -fsS -m 5 -o /dev/null http://127.0.0.1:8080/health 2>/dev/null </dev/null; do
    state=$(docker inspect --format '{{.State.Running}} {{.State.ExitCode}}' "$id" 2>/dev/null) ||
      fail "Open WebUI ($IMAGE) was removed while it started."
    spent=$(awk -v began="$began" '{ printf "%d", $1 - began }' /proc/uptime)
    how=
    case $state in "false "*) how="ended with code ${state#false }" ;; esac
    if [ -z "$how" ] && [ "$spent" -ge "$PATIENCE" ]; then how="did not answer for $PATIENCE seconds"; fi
    if [ -n "$how" ]; then
      (umask 077 && docker logs --tail 300 "$id" >"$log" 2>&1) || true
      remove "$id"
      fail "Open WebUI ($IMAGE) $how on a copy of the data; $log on this host holds what it said."
    fi
    sleep 0.5
  done
  awk -v began="$began" '{ printf "{\"seconds\":%.1f}\n", $1 - began }' /proc/uptime
}

# What asks it, inside its container: no token leaves it. Its answers are a tenant's: nothing here believes more of them
# than that tenant's own data is about.
asking='
import base64, hashlib, hmac, json, os, sqlite3, sys, time, urllib.error, urllib.request, uuid

LIMIT = 16 * 2**20
DATA = os.environ.get("DATA_DIR") or "/app/backend/data"

def secret():
    said = os.environ.get("WEBUI_SECRET_KEY")
    # As start.sh reads it, without the newline at its end.
    return said.encode() if said else open("/app/backend/.webui_secret_key", "rb").read().rstrip(b"\n")

def token(user, key):
    base64url = lambda piece: base64.urlsafe_b64encode(piece).rstrip(b"=")
    now = int(time.time())
    claims = {"id": user, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 300}
    # From 0.12 on a token names the session stamp of its account, and where one is asked for, that a second factor was shown.
    if "session_stamp" in [column for (column,) in rows(columns_of, "auth")]:
        stamps = rows("SELECT session_stamp FROM auth WHERE id = ?", user)
        claims.update(typ="session", mfa_verified=True, session_stamp=stamps[0][0] if stamps else None)
    signed = b".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + base64url(hmac.new(key, signed, hashlib.sha256).digest())).decode()

def fetch(method, path, user=None, body=None, key=None):
    headers = {"Accept": "application/json"}
    if body is not None: headers["Content-Type"] = "application/json"
    if user is not None: headers["Authorization"] = "Bearer " + token(user, key or secret())
    request = urllib.request.Request("http://127.0.0.1:8080" + path, method=method, data=body, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer: return answer.status, answer.read(LIMIT)
    except urllib.error.HTTPError as error:
        return error.code, error.read(LIMIT)

def parsed(text):
    try: return json.loads(text)
    except ValueError: return text.decode("utf-8", "replace")

if os.environ.get("DATABASE_URL", "").startswith("postgres"):
    import psycopg2
    database = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=30, options="-c default_transaction_read_only=on")
    database.autocommit = True
    tables_of = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    columns_of = "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?"
    failed = psycopg2.Error
    def rows(sql, *values):
        with database.cursor() as cursor:
            cursor.execute(sql.replace("?", "%s"), values)
            return cursor.fetchall()
else:
    database = sqlite3.connect("file:" + DATA + "/webui.db?mode=ro", uri=True, timeout=30)
    tables_of = "SELECT name FROM sqlite_master WHERE type = " + chr(39) + "table" + chr(39)
    columns_of = "SELECT name FROM pragma_table_info(?)"
    failed = sqlite3.Error
    def rows(sql, *values): return database.execute(sql, values).fetchall()

def quoted(name): return chr(34) + name.replace(chr(34), 2 * chr(34)) + chr(34)

def first_admin():
    found = rows("SELECT id FROM " + quoted("user") + " WHERE role = ? ORDER BY created_at LIMIT 1", "admin")
    if not found: sys.exit("there is no admin among its users, so nobody can sign in to look")
    return found[0][0]
'
# shellcheck disable=SC2016 # Python, not this shell's
asks='
who = {"admin": first_admin, "nobody": lambda: None}.get(os.environ["AS"], lambda: os.environ["AS"])()
status, body = fetch(os.environ["METHOD"], os.environ["ASKED_PATH"], who, os.environ["BODY"].encode() or None)
print(json.dumps({"status": status, "body": parsed(body)}))
'
signs_in='
admin = first_admin()
status, body = fetch("GET", "/api/v1/auths/", admin)
session = parsed(body)
if status != 200 or session.get("id") != admin:
    sys.exit("its admin cannot sign in with the secret key that belongs to the data: it answers with %d" % status)
status, body = fetch("GET", "/api/v1/auths/", admin, key=os.urandom(32))
if status not in (401, 403): sys.exit("it lets in whoever has another secret key: it answers with %d" % status)

status, body = fetch("GET", "/api/v1/users/?page=1&order_by=created_at&direction=asc", admin)
shown = parsed(body)
if status != 200: sys.exit("it does not list its users: it answers with %d" % status)
users = shown.get("total", len(shown.get("users", []))) if isinstance(shown, dict) else None

tables = [name for (name,) in rows(tables_of)]
counts = {}
for name in tables:
    try: counts[name] = rows("SELECT count(*) FROM " + quoted(name))[0][0]
    except failed: pass

chat = None
found = rows("SELECT c.id, c.user_id FROM chat c JOIN " + quoted("user") + " u ON u.id = c.user_id WHERE u.role IN (?, ?) ORDER BY c.updated_at DESC LIMIT 1", "user", "admin")
if found:
    (chat, owner), = found
    status, body = fetch("GET", "/api/v1/chats/" + urllib.request.quote(chat), owner)
    opened = parsed(body)
    if status != 200 or not isinstance(opened, dict) or opened.get("id") != chat:
        sys.exit("its newest chat does not open for whose it is: it answers with %d" % status)

file = None
for identity, path in rows("SELECT id, path FROM file WHERE path IS NOT NULL ORDER BY created_at DESC LIMIT 20") if "path" in [column for (column,) in rows(columns_of, "file")] else []:
    if not os.path.isfile(path) or os.path.getsize(path) > LIMIT // 2: continue
    file = identity
    status, body = fetch("GET", "/api/v1/files/" + urllib.request.quote(identity) + "/content", admin)
    if status != 200 or hashlib.sha256(body).digest() != hashlib.sha256(open(path, "rb").read()).digest():
        sys.exit("its newest uploaded file is not given back as it is on the disk: it answers with %d" % status)
    break

status, body = fetch("GET", "/api/version")
version = parsed(body)
print(json.dumps({
    "version": version.get("version") if isinstance(version, dict) else None,
    "admin": admin, "users": users, "rows": counts, "chat": chat, "file": file,
}))
'

# One that serves is asked about the database that it works on, a copy about its own.
# shellcheck disable=SC2016 # for the shell inside
entering='if [ -n "$SERVES" ] && [ -r /run/fleet/environment ]; then
  DATABASE_URL=$(. /run/fleet/environment && printf %s "${DATABASE_URL:-}")
  export DATABASE_URL
elif [ -n "${SCRATCH_DATABASE_URL:-}" ]; then
  export DATABASE_URL="$SCRATCH_DATABASE_URL"
fi
exec python3 -c "$1"'
in_application() {
  docker exec --env AS="${AS:-}" --env METHOD="${METHOD:-}" --env ASKED_PATH="${ASKED_PATH:-}" --env BODY="${BODY:-}" \
    --env SERVES="${APPLICATION:+yes}" "$asked" bash -c "$entering" bash "$1" 2>"$errors" </dev/null | head -c 33554432
}

inside() {
  errors=$(mktemp)
  trap 'rm -f "$errors"' EXIT
  said=$(in_application "$1") || true
  if [ -z "$said" ]; then
    why=$(grep . "$errors" | tail -n 1 | cut -c 1-500)
    fail "Open WebUI in $asked was asked, and ${why:-did not answer}."
  fi
  printf '%s\n' "$said"
}

case $ACTION in
  start) start ;;
  ask) inside "$asking$asks" ;;
  sign-in) inside "$asking$signs_in" ;;
  remove)
    remove
    remove_forgotten
    ;;
  *) fail "scratch-application: \"$ACTION\" is nothing it does" ;;
esac
