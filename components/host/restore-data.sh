#!/bin/sh
# Puts a fetched backup into a tenant's place, takes it back, and knows what is kept of before. Nothing is overwritten:
# directories are renamed, each rename leaves the old or the new one, and every action may be done again after it was
# done in part. The tenant's container is stopped meanwhile, by whoever calls.
#   ROOT TENANT  whose place          OPERATION  number of the restore          FROM  its folder, beside the data
#   ACTION  stage   makes the fetched folder what the tenant's directory is to be; changes nothing that serves
#           before  takes what restore $BEFORE set aside for what is to be put in place; unbefore  gives it back
#           swap    the data there is set aside as data.before-$OPERATION, and what lies in $FROM takes its place
#           back    the other way round          clean  removes $FROM, and ends what still fetches into it
#           kept    lists what is set aside: `operation KiB` a line          forget  removes it
set -eu
home=$ROOT/tenants/$TENANT
aside=$home/data.before-${OPERATION:-}
key=config/webui_secret_key
fail() {
  echo "$*" >&2
  exit 1
}

# Renames, which is all or nothing on one file system; a directory that is a volume of its own cannot be.
rename() { mv -T "$1" "$2" || fail "$1 could not be renamed to $2: if it is a volume of its own, mount the volume one level higher."; }

stage() {
  rm -rf "$FROM/trial"
  if [ -e "$FROM/webui.db" ]; then
    rm -rf "$FROM/data/webui.db" "$FROM/data/webui.db-wal" "$FROM/data/webui.db-shm" "$FROM/data/webui.db-journal"
    rename "$FROM/webui.db" "$FROM/data/webui.db"
  fi
  # Whose data it is from then on. As in tenant-identity.sh: what a tenant put there is neither followed nor read.
  rm -rf "$FROM/data/.owui-identity.json"
  cp -p "$home/config/identity.json" "$FROM/data/.owui-identity.json"
  # A backup knows no owners: the application runs as root, and the agent reads by its group, as all that comes later.
  chown -R -h 0:8050 "$FROM/data"
  find "$FROM/data" -type d -exec chmod g+s {} +
  chmod 2750 "$FROM/data"
  # Of a tenant on Postgres there is none: its dump is put in place elsewhere (backup.sh).
  if [ -e "$FROM/data/webui.db" ]; then chmod 0640 "$FROM/data/webui.db"; fi
  chmod 0444 "$FROM/data/.owui-identity.json"
  sync -f "$FROM"
}

# file file: the first one, whole, in the second one's place.
install_key() {
  cp -p "$1" "$2.staged"
  chown 0:0 "$2.staged"
  chmod 0600 "$2.staged"
  mv -f "$2.staged" "$2"
}

# An `up` that comes between two renames makes the directory that is missing, with nothing in it.
clear_place() {
  if [ -e "$home/data" ]; then rmdir "$home/data" || fail "$home/data and $1 are both there: look at them before anything else is done."; fi
}

swap() {
  # Only one that differs: what is set aside has its own key beside it then.
  if [ -s "$FROM/$key" ] && ! cmp -s "$FROM/$key" "$home/$key"; then
    if [ ! -e "$home/$key.before-$OPERATION" ]; then install_key "$home/$key" "$home/$key.before-$OPERATION"; fi
    install_key "$FROM/$key" "$home/$key"
  fi
  if [ -d "$FROM/data" ]; then
    # Beside it, where no tenant writes: other operations set folders aside as well.
    : >"$aside.restore"
    if [ ! -e "$aside" ]; then rename "$home/data" "$aside"; fi
    clear_place "$aside"
    rename "$FROM/data" "$home/data"
  fi
  sync -f "$home"
}

back() {
  if [ -e "$home/$key.before-$OPERATION" ]; then mv -f "$home/$key.before-$OPERATION" "$home/$key"; fi
  if [ -e "$aside" ]; then
    if [ ! -e "$FROM/data" ] && [ -e "$home/data" ]; then
      mkdir -p "$FROM"
      rename "$home/data" "$FROM/data"
    fi
    clear_place "$FROM/data"
    rename "$aside" "$home/data"
  fi
  rm -f "$aside.restore"
  sync -f "$home"
}

before() {
  kept=$home/data.before-$BEFORE
  mkdir -p "$FROM/config"
  if [ -e "$home/$key.before-$BEFORE" ]; then install_key "$home/$key.before-$BEFORE" "$FROM/$key"; fi
  if [ -e "$FROM/data" ]; then return; fi
  if [ ! -e "$kept.restore" ] || [ ! -e "$kept" ]; then fail "Nothing of before restore $BEFORE is kept of $TENANT."; fi
  rename "$kept" "$FROM/data"
}

unbefore() {
  if [ -e "$FROM/data" ]; then rename "$FROM/data" "$home/data.before-$BEFORE"; fi
}

asides() {
  for mark in "$home"/data.before-*.restore; do
    found=${mark%.restore}
    if [ -e "$found" ]; then echo "${found##*/data.before-}"; fi
  done
}

kept() { asides | while read -r one; do echo "$one $(du -skx "$home/data.before-$one" | cut -f 1)"; done; }

forget() {
  kept
  asides | while read -r one; do
    rm -rf "$home/data.before-$one"
    rm -f "$home/$key.before-$one" "$home/data.before-$one.restore"
  done
  # Of those that were put back.
  rm -f "$home"/data.before-*.restore
}

clean() {
  # A fetch goes on in its container where whoever began it was killed (backup.sh).
  docker ps --all --quiet --filter "label=owui.fetch=$FROM" </dev/null | xargs -r docker rm --force >/dev/null
  rm -rf "$FROM"
}

case $ACTION in
  stage) stage ;;
  swap) swap ;;
  back) back ;;
  before) before ;;
  unbefore) unbefore ;;
  clean) clean ;;
  kept) kept ;;
  forget) forget ;;
  *) fail "restore-data: \"$ACTION\" is nothing it does" ;;
esac
