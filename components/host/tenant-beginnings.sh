#!/bin/sh
# Prints how often the data of each tenant that was made here began, one that is lost now counted once more: `tenant count`
# a line. tenant-data.sh counts. Reads $ROOT.
set -eu
for identity in "$ROOT"/tenants/*/config/identity.json; do
  if [ ! -e "$identity" ]; then continue; fi
  home=${identity%/config/identity.json}
  count=$(cat "$home/config/beginnings" 2>/dev/null || echo 0)
  # An empty file is no database: SQLite makes one of nothing.
  if [ ! -s "$home/data/webui.db" ]; then count=$((count + 1)); fi
  echo "${home##*/} $count"
done
