#!/bin/sh
# Finds everything of one tenant on its host, one thing a line: `found kind KiB what`; with $ACTION=erase it is removed first,
# and what is found then is what could not be. `remains` are lines in logs of programs that tenants share. Safe to run twice,
# and after a run that was killed anywhere.
# $DATA_ROOT: where the fleet's data lies. $STACK $TENANT $ACTION (look or erase). $DOMAINS: names that it had, by words.
# $BACKUPS: the folder of the backups' repositories; empty where they are kept elsewhere, or none are made.
set -eu
export LC_ALL=C
case $TENANT in
  "" | *[!a-z0-9-]*)
    echo "\"$TENANT\" is no tenant's name; nothing was touched" >&2
    exit 2
    ;;
esac
cd "$DATA_ROOT"
home=$DATA_ROOT/tenants/$TENANT
name=owui-$STACK-tenant-$TENANT

# Containers that are the tenant's by name or label, or see its directory.
containers() {
  docker ps --all --no-trunc --format '{{.ID}}' | while read -r id; do
    docker inspect --format '{{.Name}} {{index .Config.Labels "owui.stack"}} {{index .Config.Labels "owui.tenant"}}
{{range .Mounts}}{{println .Source}}{{end}}' "$id" 2>/dev/null |
      HOME_OF=$home NAME=$name STACK=$STACK TENANT=$TENANT ID=$id awk '
        NR == 1 && ($1 == "/" ENVIRON["NAME"] || $1 == "/" ENVIRON["NAME"] "-trial") { own = 1 }
        NR == 1 && $2 == ENVIRON["STACK"] && $3 == ENVIRON["TENANT"] { own = 1 }
        NR > 1 && ($0 == ENVIRON["HOME_OF"] || index($0, ENVIRON["HOME_OF"] "/") == 1) { own = 1 }
        END { if (own) print ENVIRON["ID"] }'
  done
}
networks() { docker network ls --filter "name=^$name\$" --format '{{.ID}}'; }
# Images that were made for this tenant; those that others use too hold nothing of it.
images() { docker images --filter "label=owui.tenant=$TENANT" --filter "label=owui.stack=$STACK" --format '{{.ID}}' | sort -u; }

# Files that belong to one tenant in directories that all share. No id has a dot, so that none begins another.
files() {
  for file in \
    nginx/sites/"$TENANT".conf nginx/tls/"$TENANT".pem nginx/tls/"$TENANT".proxy.pem \
    nginx/acme/certificates/"$TENANT".pem nginx/acme/certificates/"$TENANT".staged \
    acme/config/wanted/"$TENANT" acme/state/names/"$TENANT" \
    agent/state/stores/"$TENANT".* agent/state/records/"$TENANT".* agent/state/spool/"$TENANT".* \
    writer/state/"$TENANT".* backup/status/"$TENANT".* backup/config/passwords/"$TENANT" \
    backup/config/passwords/"$TENANT".*; do
    if [ -f "$file" ] || [ -L "$file" ]; then echo "$DATA_ROOT/$file"; fi
  done
  set -f
  # shellcheck disable=SC2086 # one word for each name
  set -- $DOMAINS
  set +f
  for domain in "$@"; do
    case $domain in *[!a-z0-9.-]* | .*) continue ;; esac
    for file in "$DATA_ROOT"/acme/state/certificates/"$domain".*; do
      if [ -f "$file" ]; then echo "$file"; fi
    done
  done
}
size() { du -skx "$1" 2>/dev/null | cut -f 1; }

if [ -s "$home/config/identity.json" ] && [ ! -L "$home/config/identity.json" ]; then
  echo "identity $(sed -n 's/.*"id":"\([0-9a-f-]*\)".*/\1/p' "$home/config/identity.json")"
fi

if [ "$ACTION" = erase ]; then
  if [ -L "$home" ]; then
    echo "$home is a link, and what it leads to was not made by this fleet: remove it by hand" >&2
    exit 1
  fi
  for id in $(containers); do
    if [ "$(docker inspect --format '{{index .Config.Labels "owui.stack"}}' "$id" 2>/dev/null)" != "$STACK" ]; then
      case $(docker inspect --format '{{.Name}}' "$id" 2>/dev/null) in
        "/$name" | "/$name-trial" | "") ;;
        *)
          echo "container $(docker inspect --format '{{.Name}}' "$id") sees $home and is none of fleet $STACK: remove it first" >&2
          exit 1
          ;;
      esac
    fi
    docker rm --force --volumes "$id" >/dev/null 2>&1 || true
  done
  for id in $(networks); do docker network rm "$id" >/dev/null; done
  for id in $(images); do docker rmi --force "$id" >/dev/null; done
  files | while read -r file; do rm -f "$file"; done
  # Also where its files were gone already: a run that was killed may not have come so far. One that is not running serves nobody.
  if [ "$(docker inspect --format '{{.State.Running}}' "owui-$STACK-nginx" 2>/dev/null)" = true ]; then
    if ! said=$(docker exec "owui-$STACK-nginx" nginx -s reload -c /etc/fleet/nginx.conf 2>&1); then
      echo "nginx did not take it that the site is gone, and serves it still: $said" >&2
      exit 1
    fi
  fi
  # Nothing that is mounted in there is followed.
  rm -rf --one-file-system "$home"
  if [ -n "$BACKUPS" ]; then rm -rf --one-file-system "${BACKUPS:?}/$TENANT"; fi
fi

for id in $(containers); do echo "found container 0 $(docker inspect --format '{{.Name}}' "$id" | cut -c 2-)"; done
for id in $(networks); do echo "found network 0 $name"; done
for id in $(images); do echo "found image 0 $id"; done
files | while read -r file; do echo "found file $(size "$file") $file"; done
if [ -e "$home" ] || [ -L "$home" ]; then echo "found directory $(size "$home") $home"; fi
if [ -n "$BACKUPS" ] && [ -e "$BACKUPS/$TENANT" ]; then echo "found backups $(size "$BACKUPS/$TENANT") $BACKUPS/$TENANT"; fi
lines=$(docker logs "owui-$STACK-nginx" 2>/dev/null | grep -c "\"tenant\":\"$TENANT\"" || true)
if [ "${lines:-0}" != 0 ]; then echo "remains nginx $lines"; fi
echo end ok
