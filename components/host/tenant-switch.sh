#!/bin/sh
# The moment between two versions of a tenant: whatever runs is stopped, its database and vectors are set aside as they are,
# and those that the next version is to have are put in their place. `up` runs it behind the trial, just before it replaces
# the container; `fleet upgrade` prepares it by a note, without which it does nothing. What is there is copied or renamed,
# never overwritten; safe to repeat after any kill, and the database's name leads to a database at every moment.
#   ROOT TENANT CONTAINER  as the tenant has them      IMAGE  id of the image that is to run next
# The note, config/switch, has lines of NAME=value: image, for which it is; aside, the folder that gets what is there; put,
# 1 where next/ holds what is put in its place.
set -eu
home=$ROOT/tenants/$TENANT
note=$home/config/switch
if [ ! -f "$note" ]; then exit 0; fi
of() { sed -n "s/^$1=//p" "$note"; }
if [ "$(of image)" != "$IMAGE" ]; then exit 0; fi

data=$home/data
next=$home/next
aside=$home/$(of aside)
put=$(of put)
umask 077
# A tenant's network has the container's name.
is() { docker container inspect --format "$1" "$CONTAINER" 2>/dev/null </dev/null || true; }
running=$(is '{{.State.Running}}')
# It was switched before, and this is done again.
if [ "$running" = true ] && [ "$(is '{{.Image}}')" = "$IMAGE" ]; then exit 0; fi
if [ "$running" != true ] && [ -e "$aside/complete" ]; then exit 0; fi

if [ -L "$data/webui.db" ] || [ ! -f "$data/webui.db" ]; then
  echo "tenant $TENANT: $data/webui.db is no regular file. Nothing was stopped and nothing was changed." >&2
  exit 1
fi

# What could not be set aside goes on as it was.
started_again() {
  if [ ! -e "$aside/complete" ] && [ "$running" = true ]; then docker start "$CONTAINER" >/dev/null </dev/null || true; fi
}
trap started_again EXIT
if [ -n "$(is '{{.Id}}')" ]; then docker stop --time 10 "$CONTAINER" >/dev/null </dev/null; fi

there() { [ -e "$1" ] || [ -L "$1" ]; }
beside="webui.db-wal webui.db-shm webui.db-journal"

if [ -z "$put" ]; then
  rm -rf "$aside"
  mkdir "$aside"
  for part in webui.db $beside vector_db; do
    if there "$data/$part"; then cp -a --reflink=auto "$data/$part" "$aside/$part"; fi
  done
else
  # From here on a failure leaves it stopped: it is finished, or taken back, from where it is.
  trap - EXIT
  mkdir -p "$aside"
  # While next/webui.db is there, what has its name in data/ is what there was, and so are the files beside it.
  if there "$next/webui.db"; then
    if ! there "$aside/webui.db"; then ln "$data/webui.db" "$aside/webui.db"; fi
    for part in $beside; do
      if there "$data/$part"; then mv -T "$data/$part" "$aside/$part"; fi
    done
    mv -T "$next/webui.db" "$data/webui.db"
  fi
  for part in webui.db-wal webui.db-journal; do
    if there "$next/$part"; then mv -T "$next/$part" "$data/$part"; fi
  done
  if there "$data/vector_db" && ! there "$aside/vector_db"; then mv -T "$data/vector_db" "$aside/vector_db"; fi
  if there "$next/vector_db"; then mv -T "$next/vector_db" "$data/vector_db"; fi
fi
touch "$aside/complete"
