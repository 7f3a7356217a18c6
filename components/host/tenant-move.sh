#!/bin/sh
# What a tenant's move to another host takes on either of the two: one action a run, each safe to run again.
#   ROOT STACK TENANT  whose it is          OPERATION  number of the move          ACTION  what
# Data comes as a stream, over ssh; sync-runtime/move says what is in it. Nothing of it is in a command line.
#   look     prints what there is: whether the tenant has data here, its bytes, what is free, whether IMAGE is there
#   have     (target) what has arrived, by digests          send  (source) what the target, on standard input, does not have
#   receive  (target) takes that, into a folder that nothing runs on; STILL: the source has to stand still by now
#   pack     (source) its keys, password, mark and certificates, as a tar          unpack  (target) takes them
#   open     (target) its site is there, as standard input says, before anything answers behind it: users wait for no more then
#   fetch    (target) the engine has IMAGE from then on
#   expect   (target) `up` waits for the data from then on (tenant-arrival.sh)          beat  it may go on waiting
#   state    prints whether something waits, whether it has arrived, and what the tenant's container does
#   arrive   (target) the data is in its place, and what waits goes on
#   abandon  (target) nothing waits any more; what the container said is kept in move.log, and it is removed
#   forget   (source) removes the stopped container and its network, which `up` then makes anew
#   depart   (source) the data becomes data.moved-OPERATION, which nothing starts on          remain  the other way round
#   base     (target) what was left there as data.moved-OPERATION is what a stream is compared with
#   forward  (source) keeps the tenant's site beside and puts standard input in its place          unforward  gives it back,
#            unless `up` has made it anew; TRUST: file of authorities below ROOT that nginx is to believe about the other host
#   drop     (source) removes what forward kept
set -eu
export LC_ALL=C
umask 077
home=$ROOT/tenants/$TENANT
staging=$home/arriving
note=$home/config/arrival
arrived=$home/config/arrived
moved=$home/data.moved-$OPERATION
container=owui-$STACK-tenant-$TENANT
reader=owui-$STACK-move-$TENANT
nginx=$ROOT/nginx
front=owui-$STACK-nginx
site=sites/$TENANT.conf

fail() {
  echo "tenant $TENANT: $*" >&2
  exit 1
}
is() { docker container inspect --format "$1" "$container" 2>/dev/null </dev/null || true; }
yes_if() { if "$@" >/dev/null 2>&1; then printf true; else printf false; fi; }
has_arrived() { [ "$(cat "$arrived" 2>/dev/null)" = "$OPERATION" ]; }
rename() { mv -T "$1" "$2" || fail "$1 could not be renamed to $2: if it is a volume of its own, mount the volume one level higher."; }

# The tenant owns what is read: it is read inside a container that sees nothing else, and has nobody to tell.
# verb tree ledger words for docker run...
runtime() {
  verb=$1
  tree=$2
  ledger=$3
  shift 3
  program=$(docker container inspect --format '{{.Image}}' "owui-$STACK-agent" 2>/dev/null </dev/null) ||
    fail "this host has no agent of stack $STACK, whose image copies. Bring it up: npm run up"
  mkdir -p "$ledger"
  docker run --rm --interactive --name "$reader-$verb" --label "owui.stack=$STACK" --label owui.role=move --label owui.scratch=1 \
    --network none --security-opt no-new-privileges --read-only --memory 1g --memory-swap 1g --pids-limit 64 \
    --cap-drop ALL --cap-add DAC_OVERRIDE --user 0:8050 "$@" --mount "type=bind,source=$ledger,target=/ledger" \
    --entrypoint node "$program" /app/move.mjs "$verb" /tree /ledger/"$tree"
}

look() {
  data=$home/data
  bytes=$(du -sk "$data" 2>/dev/null | cut -f 1)
  # The volume may be mounted at the data root, which is there before any tenant is.
  free=$(df -Pk "$ROOT" | awk 'NR == 2 { print $4 }')
  printf '{"data":%s,"bytes":%s,"free":%s,"image":%s,"agent":%s,"aside":%s}\n' \
    "$(yes_if test -s "$data/webui.db")" "$((${bytes:-0} * 1024))" "$((free * 1024))" \
    "$(yes_if docker image inspect "$IMAGE")" \
    "$(yes_if docker container inspect "owui-$STACK-agent")" \
    "$(yes_if ls -d "$home"/data.*)"
}

# What a run left that was killed. The three of a row begin at once: none ends another.
end_of() {
  for verb in "$@"; do docker rm --force "$reader-$verb" >/dev/null 2>&1 </dev/null || true; done
}
have() {
  end_of have
  make_home
  mkdir -p "$staging/data"
  runtime have target "$staging/ledger" --mount "type=bind,source=$staging/data,target=/tree" </dev/null
}
send() {
  end_of send
  runtime send source "$home/move" --mount "type=bind,source=$home/data,target=/tree,readonly"
}
receive() {
  if has_arrived; then fail "its data is in its place already, and is not written over."; fi
  end_of receive receive-still
  make_home
  mkdir -p "$staging/data"
  runtime "receive${STILL:+-still}" target "$staging/ledger" --cap-add CHOWN --cap-add FOWNER --cap-add FSETID \
    --mount "type=bind,source=$staging/data,target=/tree"
}
make_home() {
  mkdir -p "$home/config"
  chown 0:8050 "$home"
  chmod 0750 "$home"
  chmod 0700 "$home/config"
}

kept="webui_secret_key admin-password identity.json"
certificates=$nginx/acme/certificates
pack() {
  # shellcheck disable=SC2086 # one word for each file
  set -- -C "$home/config" $kept
  # What an authority certified is shown there, too, until another one is asked for.
  if [ -s "$certificates/$TENANT.pem" ]; then set -- "$@" -C "$certificates" "$TENANT.pem"; fi
  if [ -s "$nginx/tls/$TENANT.pem" ]; then set -- "$@" -C "$nginx" "tls/$TENANT.pem"; fi
  tar -c "$@"
}
unpack() {
  make_home
  rm -rf "$staging/config"
  mkdir -p "$staging/config"
  tar -x -C "$staging/config" --no-same-owner --no-same-permissions
  for file in $kept; do
    if [ ! -s "$staging/config/$file" ] || [ -L "$staging/config/$file" ]; then fail "its $file did not come over. Nothing was changed."; fi
  done
  for file in $kept; do
    chown 0:0 "$staging/config/$file"
    case $file in identity.json) mode=0444 ;; *) mode=0600 ;; esac
    chmod "$mode" "$staging/config/$file"
    mv -f "$staging/config/$file" "$home/config/$file"
  done
  if [ -s "$staging/config/$TENANT.pem" ]; then
    # As components/acme.ts has them; `up` may have made none here yet.
    mkdir -p "$certificates"
    chmod 0755 "$nginx/acme"
    chown 8053:0 "$certificates" "$staging/config/$TENANT.pem"
    chmod 0750 "$certificates"
    chmod 0640 "$staging/config/$TENANT.pem"
    mv -f "$staging/config/$TENANT.pem" "$certificates/$TENANT.pem"
  fi
  if [ -s "$staging/config/tls/$TENANT.pem" ]; then
    chown 0:0 "$staging/config/tls/$TENANT.pem"
    chmod 0600 "$staging/config/tls/$TENANT.pem"
    mv -f "$staging/config/tls/$TENANT.pem" "$nginx/tls/$TENANT.pem"
  fi
  rm -rf "$staging/config"
}

open() {
  NGINX=$nginx CONTAINER=$front FILE=$site sh "$(dirname "$0")/install-nginx-file.sh"
  reload
}

fetch() {
  docker image inspect "$IMAGE" >/dev/null 2>&1 </dev/null || docker pull --quiet "$IMAGE" >/dev/null </dev/null ||
    fail "its host has no image $IMAGE, and no registry gives it one. Nothing was changed."
}

expect() {
  if has_arrived; then return; fi
  printf '%s\n' "$OPERATION" >"$note.staged"
  mv -f "$note.staged" "$note"
}
beat() { if [ -e "$note" ]; then touch -c "$note"; fi; }

state() {
  waiting=false
  # A script that was killed touches nothing any more.
  if [ -f "$note.waiting" ] && [ "$(($(date +%s) - $(stat -c %Y "$note.waiting")))" -lt 5 ]; then waiting=true; fi
  printf '{"waiting":%s,"arrived":%s,"exists":%s,"running":%s,"restarts":%s,"code":%s,"health":"%s"}\n' \
    "$waiting" "$(yes_if has_arrived)" "$(yes_if docker container inspect "$container")" \
    "$(is '{{.State.Running}}' | grep . || echo false)" "$(is '{{.RestartCount}}' | grep . || echo 0)" \
    "$(is '{{.State.ExitCode}}' | grep . || echo 0)" "$(is '{{if .State.Health}}{{.State.Health.Status}}{{end}}')"
}

# The mark comes last: until then the data is as it was, or in its place and not gone on with.
arrive() {
  if ! has_arrived; then
    if [ -d "$staging/data" ]; then
      chown 0:8050 "$staging/data"
      chmod 2750 "$staging/data"
      sync -f "$staging/data"
      # `up` makes an empty one.
      rmdir "$home/data" 2>/dev/null || true
      if [ -e "$home/data" ]; then fail "$home/data and $staging/data are both there: whatever made the former is not part of this. Nothing was changed."; fi
      rename "$staging/data" "$home/data"
    fi
    if [ ! -s "$home/data/webui.db" ]; then fail "no database has arrived."; fi
    # The run that waits saw no database here, and counted that (tenant-beginnings.sh).
    count=$(cat "$home/config/beginnings" 2>/dev/null || echo 0)
    echo "$((count + 1))" >"$home/config/beginnings.staged"
    mv -f "$home/config/beginnings.staged" "$home/config/beginnings"
    printf '%s\n' "$OPERATION" >"$arrived.staged"
    mv -f "$arrived.staged" "$arrived"
  fi
  rm -rf "$staging"
  rm -f "$note"
}

abandon() {
  rm -f "$note"
  end_of have send receive receive-still
  if [ -n "$(is '{{.Id}}')" ]; then
    docker logs --tail 300 "$container" >"$home/move.log" 2>&1 </dev/null || true
    docker rm --force "$container" >/dev/null </dev/null
    tail -n 5 "$home/move.log"
  fi
}

forget() {
  if [ "$(is '{{.State.Running}}')" = true ]; then docker stop --time 30 "$container" >/dev/null </dev/null; fi
  docker rm --force "$container" >/dev/null 2>&1 </dev/null || true
  docker network rm "$container" >/dev/null 2>&1 </dev/null || true
}

depart() {
  if [ -n "$(is '{{.Id}}')" ]; then fail "its container is still on the host that it left."; fi
  if has_arrived; then return; fi
  rm -rf "$home/move"
  rm -f "$arrived"
  # Taken on where somebody died, it may stand where what comes back is put already.
  if [ -e "$moved" ] || [ -e "$staging/data" ]; then return; fi
  rename "$home/data" "$moved"
}

remain() {
  if [ ! -e "$moved" ]; then return; fi
  # `up` makes an empty one.
  rmdir "$home/data" 2>/dev/null || true
  if [ -e "$home/data" ]; then fail "$home/data and $moved are both there. Nothing was changed."; fi
  rename "$moved" "$home/data"
}

base() {
  if has_arrived || [ ! -e "$moved" ]; then return; fi
  mkdir -p "$staging"
  if [ -e "$staging/data" ]; then fail "$staging/data and $moved are both there. Nothing was changed."; fi
  rename "$moved" "$staging/data"
}

reload() { NGINX=$nginx CONTAINER=$front sh "$(dirname "$0")/reload-nginx.sh" </dev/null; }
forward() {
  if [ -n "$TRUST" ]; then
    (umask 022 && cp "$ROOT/$TRUST" "$nginx/tls/$TENANT.moved.pem.staged")
    mv -f "$nginx/tls/$TENANT.moved.pem.staged" "$nginx/tls/$TENANT.moved.pem"
  fi
  # No name that nginx reads.
  if [ ! -e "$nginx/$site.moved" ]; then cp -p "$nginx/$site" "$nginx/$site.moved"; fi
  NGINX=$nginx CONTAINER=$front FILE=$site sh "$(dirname "$0")/install-nginx-file.sh"
  reload
}
drop() { rm -f "$nginx/$site.moved" "$nginx/tls/$TENANT.moved.pem"; }
unforward() {
  if [ ! -e "$nginx/$site.moved" ]; then return; fi
  if ! grep -q '^# forwards' "$nginx/$site"; then
    rm "$nginx/$site.moved"
    return
  fi
  mv -f "$nginx/$site.moved" "$nginx/$site"
  reload
}

case $ACTION in
  look | have | send | receive | pack | unpack | open | fetch | expect | beat | state | arrive | abandon | forget | depart | remain | base | forward | unforward | drop) "$ACTION" ;;
  *) fail "\"$ACTION\" is nothing that is done here" ;;
esac
