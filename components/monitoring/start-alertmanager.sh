#!/bin/sh
# Runs inside Alertmanager's container as its user: becomes Alertmanager with the arguments given. That version writes a
# receiver's whole address into its log when it cannot be reached, and such an address is a secret: whatever stands behind
# a :// is left out of the log.
set -eu

# Copies lines without the rest of any address.
hide_addresses() {
  while IFS= read -r line; do
    shown=
    while [ "${line#*://}" != "$line" ]; do
      shown="$shown${line%%://*}://(hidden)"
      line=${line#*://}
      address=${line%%[\\\" ]*}
      line=${line#"$address"}
    done
    printf '%s%s\n' "$shown" "$line"
  done
}

rm -f "${LOG_PIPE:=/tmp/log}"
mkfifo "$LOG_PIPE"
hide_addresses <"$LOG_PIPE" &
exec alertmanager "$@" >"$LOG_PIPE" 2>&1
