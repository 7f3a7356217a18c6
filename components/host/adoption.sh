#!/bin/sh
# What `fleet adopt` does on a host: looks at an Open WebUI that the fleet did not make, copies it, stops it, starts it again.
# Nothing here writes to what is adopted, and nothing in it is believed: it is read inside a container without a network that
# sees nothing else. Every action can be done again after it was done, wholly or in part.
#   ACTION   find | neighbours | image | survey | copy | key | rehearsal | stop | start | vacant | place | displace | clean | abandon
#   STACK ROOT TENANT   whose it becomes
# find prints docker's JSON of the containers KIND (container | project | folder) WANTED, then of their images.
# neighbours prints that of all containers that run with one of the MOUNTED volumes or folders, one a line.
# image prints what IMAGE knows, a fact a line; it is fetched where the host does not have it. CHANGED: a container's own changes.
# survey and copy run the runtime image's program on ASKED (sync-runtime/adopt/main.ts); MOUNTS are words for docker run.
# key takes the secret key from CONTAINER, its FILE last, or without one from the host's FILE; prints where it was, never what
# it is. rehearsal makes a copy of the copied database, since a rehearsal writes to it, and prints its folder.
# stop and start: CONTAINER; start has POLICY, as it was, and RAN, whether it is to run. LIMIT: seconds it gets to end.
# place puts the copy where the tenant's data is, displace takes it back; OPERATION names what stood there before. clean ends
# what is confirmed, abandon removes a copy that is in no place.
set -eu
home=$ROOT/tenants/$TENANT
staging=$home/adoption
agent=owui-$STACK-agent
reader=owui-$STACK-adoption-$TENANT
# Looking disturbs no copy.
case $ACTION in image | survey) reader=$reader-look ;; esac

fail() {
  echo "$*" >&2
  exit 1
}
is() { docker container inspect --format "$1" "$CONTAINER" 2>/dev/null </dev/null; }

# Sees what it is given, and has nobody to tell.
caged() {
  docker run --interactive --name "$reader" --label "owui.stack=$STACK" --label owui.role=adoption --label owui.scratch=1 \
    --network none --cap-drop ALL --security-opt no-new-privileges --read-only --memory 1g --memory-swap 1g --pids-limit 64 "$@"
}
# What a run left that was killed: it must not go on beside this one.
alone() { docker rm --force "$reader" >/dev/null 2>&1 </dev/null || true; }

# Root of nothing but what it is given: others' files are read, the copies are root's and of the agent's group.
runtime() {
  program=$(docker container inspect --format '{{.Image}}' "$agent" 2>/dev/null </dev/null) ||
    fail "This host has no agent of stack $STACK, whose image copies. Bring it up: npm run up"
  verb=$1
  to=$2
  alone
  eval "set -- $MOUNTS"
  set -- "$@" --mount "type=bind,source=$to,target=/adoption"
  printf '%s' "$ASKED" |
    caged --rm --user 0:8050 --cap-add DAC_OVERRIDE "$@" --entrypoint node "$program" /app/adopt.mjs "$verb"
}

find_containers() {
  case $KIND in
    container) ids=$(docker container inspect --format '{{.Id}}' "$WANTED" 2>/dev/null </dev/null || true) ;;
    project) ids=$(docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$WANTED" </dev/null) ;;
    folder)
      folder=$(cd "$WANTED" 2>/dev/null && pwd -P) || fail "There is no folder $WANTED on this host."
      ids=$(docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project.working_dir=$folder" </dev/null)
      ;;
    *) fail "adoption: \"$KIND\" is no kind of source" ;;
  esac
  if [ -z "$ids" ]; then
    echo '[]'
    echo '[]'
    return
  fi
  # shellcheck disable=SC2086 # one word for each id
  docker container inspect --format '{{json .}}' $ids </dev/null | one_array
  # shellcheck disable=SC2086 # one word for each id
  images=$(docker container inspect --format '{{.Image}}' $ids </dev/null | sort -u)
  # shellcheck disable=SC2086 # one word for each id
  (docker image inspect --format '{{json .}}' $images 2>/dev/null </dev/null || true) | one_array
}
one_array() { awk 'BEGIN { printf "[" } { printf "%s%s", (NR > 1 ? "," : ""), $0 } END { print "]" }'; }

neighbours() {
  ids=$(printf '%s\n' "$MOUNTED" | while read -r one; do
    if [ -n "$one" ]; then docker ps --quiet --no-trunc --filter "volume=$one" </dev/null; fi
  done | sort -u)
  if [ -z "$ids" ]; then
    echo '[]'
    return
  fi
  # shellcheck disable=SC2086 # one word for each id
  docker container inspect --format '{{json .}}' $ids </dev/null | one_array
}

# Asked inside of the image itself, as it may be anybody's. Paths are upstream's.
# shellcheck disable=SC2016 # that shell's, not this one's
knows='
sed -n "s/.*\"version\": *\"\([0-9A-Za-z.+-]*\)\".*/version \1/p" /app/package.json 2>/dev/null | head -n 1
cd /app/backend/open_webui 2>/dev/null || exit 0
cat migrations/versions/*.py 2>/dev/null | tr "\047" "\042" | sed -nE "s/^revision(: *str)? *= *\"([0-9A-Za-z_]+)\".*/revision \2/p"
cat models/*.py internal/*.py internal/migrations/*.py 2>/dev/null | tr "\047" "\042" | sed -nE "s/^ +(__tablename__|table_name)(: *str)? *= *\"([0-9A-Za-z_]+)\".*/table \3/p"
cat migrations/versions/*_init.py 2>/dev/null | tr "\047" "\042" | sed -nE "s/^ +\"([0-9A-Za-z_]+)\",$/table \1/p"
cat migrations/versions/*.py 2>/dev/null | tr "\n\047" " \042" | grep -oE "create_table\( *\"[0-9A-Za-z_]+" | sed -E "s/.*\"/table /"
cat migrations/versions/*.py 2>/dev/null | tr "\n\047" " \042" | grep -oE "rename_table\( *\"[0-9A-Za-z_]+\", *\"[0-9A-Za-z_]+" | sed -E "s/.*\"/table /"
sha256sum /app/build/favicon.png /app/build/static/* 2>/dev/null | sed -nE "s/^([0-9a-f]{64})  (.*)/static \1 \2/p"
'
look_at_image() {
  if ! docker image inspect "$IMAGE" >/dev/null 2>&1 </dev/null; then
    why=$(docker pull --quiet "$IMAGE" 2>&1 >/dev/null </dev/null) || fail "The image $IMAGE is not on this host, and cannot be fetched: $why"
  fi
  alone
  caged --rm --user 65534:65534 --entrypoint timeout "$IMAGE" 60 sh -c "$knows" </dev/null | head -c 1048576
  if [ -n "${CHANGED:-}" ]; then
    docker diff "$CHANGED" </dev/null | sed -n 's/^[AC] \(\/app\/build\/.*\)/changed \1/p' | head -n 200
  fi
  echo "end ok"
}

survey() {
  # The tenant may not be there yet.
  mkdir -p "$ROOT"
  scratch=$(mktemp -d "$ROOT/adoption.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  runtime survey "$scratch"
}

copy() {
  mkdir -p "$staging"
  chmod 0700 "$staging"
  runtime copy "$staging"
}

# As upstream's start.sh finds it. A link is no key.
key() {
  umask 077
  mkdir -p "$staging"
  origin=none
  : >"$staging/key.staged"
  if [ -n "$CONTAINER" ]; then
    variables=$(is '{{range .Config.Env}}{{println .}}{{end}}') || fail "There is no container $CONTAINER on this host any more."
    for name in WEBUI_SECRET_KEY WEBUI_JWT_SECRET_KEY; do
      if [ -s "$staging/key.staged" ]; then continue; fi
      printf '%s\n' "$variables" | sed -n "s/^$name=//p" | head -n 1 | tr -d '\n' >"$staging/key.staged"
      if [ -s "$staging/key.staged" ]; then origin=$name; fi
    done
    file=$(printf '%s\n' "$variables" | sed -n 's/^WEBUI_SECRET_KEY_FILE=//p' | head -n 1)
    file=${file:-.webui_secret_key}
    case $file in /*) ;; *) file=/app/backend/$file ;; esac
    for file in "$file" "$FILE"; do
      if [ -s "$staging/key.staged" ]; then continue; fi
      (docker cp "$CONTAINER:$file" - 2>/dev/null </dev/null || true) | (tar -xO 2>/dev/null || true) | head -c 4096 >"$staging/key.staged"
      if [ -s "$staging/key.staged" ]; then origin="file $file"; fi
    done
  fi
  if [ ! -s "$staging/key.staged" ] && [ -z "$CONTAINER" ] && [ -n "$FILE" ] && [ -f "$FILE" ] && [ ! -L "$FILE" ]; then
    head -c 4096 "$FILE" >"$staging/key.staged"
    origin="file $FILE"
  fi
  if [ ! -s "$staging/key.staged" ]; then
    rm -f "$staging/key.staged" "$staging/key"
    echo none
    return
  fi
  mv -f "$staging/key.staged" "$staging/key"
  echo "$origin"
}

rehearsal() {
  umask 027
  rm -rf "$home/rehearsal" "$home/rehearsal.log"
  mkdir -m 0700 "$home/rehearsal"
  cp --reflink=auto "$staging/data/webui.db" "$home/rehearsal/webui.db"
  echo "$home/rehearsal"
}

# An engine that starts again starts what it is told to keep running: two on two copies would part.
stop() {
  state=$(is '{{.State.Running}}') || fail "There is no container $CONTAINER on this host any more."
  docker update --restart=no "$CONTAINER" >/dev/null </dev/null
  if [ "$state" = true ]; then docker stop --time "$LIMIT" "$CONTAINER" >/dev/null </dev/null; fi
  if [ "$(is '{{.State.Running}}')" != false ]; then fail "Container $CONTAINER goes on although it was stopped."; fi
}

start() {
  is '{{.Id}}' >/dev/null || fail "There is no container $CONTAINER on this host any more; what it was started with is in its compose file, or with whoever started it. Its data was not touched."
  docker update --restart="$POLICY" "$CONTAINER" >/dev/null </dev/null
  if [ "$RAN" != true ]; then return; fi
  docker start "$CONTAINER" >/dev/null </dev/null
  waited=0
  while :; do
    case $(is '{{.State.Running}} {{if .State.Health}}{{.State.Health.Status}}{{end}}') in
      "true " | "true healthy") break ;;
      false*) fail "Container $CONTAINER was started and has ended. See what it says: docker logs $CONTAINER" ;;
    esac
    if [ "$waited" -ge "$LIMIT" ]; then
      echo "Container $CONTAINER runs, and does not call itself healthy yet." >&2
      break
    fi
    waited=$((waited + 1))
    sleep 1
  done
}

# Its own data, which an adoption would put aside.
vacant() {
  if [ -s "$home/data/webui.db" ]; then echo no; else echo yes; fi
}

before=$home/data.before-${OPERATION:-}
adopted=$home/data.adopted-${OPERATION:-}
key_file=$home/config/webui_secret_key

# The mark comes last into the copy, and the copy by one rename in the place of what stood there: whatever ends this, what is
# there is a tenant's data with the tenant's mark, or nothing.
place() {
  if [ -d "$staging/data" ]; then
    cp --remove-destination -p "$home/config/identity.json" "$staging/data/.owui-identity.json"
    chown 0:8050 "$staging/data"
    chmod 2750 "$staging/data"
    sync -f "$staging/data"
    if [ ! -d "$before" ]; then
      if [ -s "$home/data/webui.db" ]; then fail "Tenant $TENANT has data of its own: $home/data. Nothing was changed."; fi
      mv -T "$home/data" "$before"
    fi
    # An `up` in between makes an empty one.
    rmdir "$home/data" 2>/dev/null || true
    if [ -e "$home/data" ]; then fail "$home/data and $before are both there: whatever made the former is not part of this. Nothing was changed."; fi
    mv -T "$staging/data" "$home/data"
  fi
  if [ ! -d "$before" ] || [ ! -s "$home/data/webui.db" ]; then fail "There is no copy in $staging to be put in place."; fi
  if [ -s "$staging/key" ]; then
    if [ ! -e "$key_file.before-$OPERATION" ]; then cp -p "$key_file" "$key_file.before-$OPERATION"; fi
    chown 0:0 "$staging/key"
    chmod 0600 "$staging/key"
    mv -f "$staging/key" "$key_file"
  fi
}

displace() {
  if [ -d "$before" ]; then
    if [ -d "$home/data" ]; then mv -T "$home/data" "$adopted"; fi
    mv -T "$before" "$home/data"
  fi
  if [ -e "$key_file.before-$OPERATION" ]; then mv -f "$key_file.before-$OPERATION" "$key_file"; fi
  if [ -d "$adopted" ]; then echo "$adopted"; fi
}

clean() {
  alone
  rm -rf "$staging" "$home/rehearsal"
  # What it takes the place of was empty but for the mark.
  rm -f "$before/.owui-identity.json"
  rmdir "$before" 2>/dev/null || true
  rm -f "$key_file.before-$OPERATION"
}

# A run that was killed may have left its script at work on this host: it ends before this one begins.
case $ACTION in
  copy | key | rehearsal | stop | start | place | displace | clean | abandon)
    case $ACTION in copy | clean | abandon) alone ;; esac
    if [ ! -d "$home/config" ]; then fail "Tenant $TENANT has no directory on this host yet. Bring it up: npm run up"; fi
    exec 9>"$home/config/adoption.lock"
    flock 9
    ;;
esac

case $ACTION in
  find) find_containers ;;
  neighbours) neighbours ;;
  image) look_at_image ;;
  survey) survey ;;
  copy) copy ;;
  key) key ;;
  rehearsal) rehearsal ;;
  stop) stop ;;
  start) start ;;
  vacant) vacant ;;
  place) place ;;
  displace) displace ;;
  clean) clean ;;
  abandon)
    alone
    # What a rehearsal said stays, beside: rehearsal.log.
    rm -rf "$staging" "$home/rehearsal"
    ;;
  *) fail "adoption: \"$ACTION\" is nothing it does" ;;
esac
