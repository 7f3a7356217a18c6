#!/bin/sh
# Says what a host has and what the tenants on it use, one fact a line: `name value...`; changes nothing. Sizes in KiB.
# $DATA_ROOT: where the fleet's data lies. $STACK: the fleet, by the label of its containers.
set -u
export LC_ALL=C

awk '$1 == "MemTotal:" { total = $2 } $1 == "MemAvailable:" { free = $2 } END { print "memory", total, free }' /proc/meminfo
echo "cpus $(nproc) $(cut -d ' ' -f 1 /proc/loadavg)"
df -kP "$DATA_ROOT" 2>/dev/null | awk 'NR == 2 { print "disk", $2, $4 }'

# A tenant may hold millions of files: what cannot be counted in time is not said.
for home in "$DATA_ROOT"/tenants/*/; do
  [ -d "$home" ] || continue
  size=$(timeout 30 du -skx "$home" 2>/dev/null | cut -f 1)
  if [ -n "$size" ]; then echo "stored $(basename "$home") $size"; fi
done

ids=$(docker ps --quiet --filter "label=owui.stack=$STACK" --filter label=owui.role=tenant)
if [ -n "$ids" ]; then
  # shellcheck disable=SC2086 # one word for each id
  docker stats --no-stream --format 'uses {{.Name}} {{.CPUPerc}} {{.MemUsage}}' $ids
fi
echo end ok
