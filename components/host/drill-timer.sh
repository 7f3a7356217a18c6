#!/bin/sh
# Has a host restore its tenants' backups for a trial by itself, when they are due: looked at every hour.
#   ROOT STACK  as drill.sh reads them          WANTED  yes, or no: the timer goes, and nothing else
set -eu
name=owui-$STACK-drill
units=${UNITS:-/etc/systemd/system}
if ! command -v systemctl >/dev/null; then
  echo "This host has no systemd: have cron run \`fleet drill --due\` instead." >&2
  exit 0
fi
if [ "$WANTED" != yes ]; then
  systemctl disable --now "$name.timer" 2>/dev/null || true
  rm -f "$units/$name.service" "$units/$name.timer"
  systemctl daemon-reload
  exit 0
fi
# systemd reads % and \ in its own way.
plain() { printf %s "$1" | sed 's/[%\\"]/\\&/g; s/\\%/%%/g'; }
cat >"$units/$name.service.staged" <<UNIT
[Unit]
Description=Trial restores of the backups of stack $STACK
After=docker.service
Requires=docker.service

[Service]
Type=oneshot
Nice=10
Environment="ROOT=$(plain "$ROOT")" "STACK=$(plain "$STACK")" DUE=1
ExecStart=/bin/sh $(dirname "$0")/drill.sh
UNIT
cat >"$units/$name.timer.staged" <<UNIT
[Unit]
Description=Looks every hour which trial restores of stack $STACK are due

[Timer]
OnCalendar=hourly
RandomizedDelaySec=20m
Persistent=true

[Install]
WantedBy=timers.target
UNIT
mv -f "$units/$name.service.staged" "$units/$name.service"
mv -f "$units/$name.timer.staged" "$units/$name.timer"
systemctl daemon-reload
systemctl enable --now "$name.timer"
