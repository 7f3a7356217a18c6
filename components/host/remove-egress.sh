#!/bin/sh
# Takes a fleet's exceptions away with the fleet; the rules all fleets share stay. Reads $CHAIN.
set -eu
kept=/var/lib/fleet/egress
rm -f "$kept/$CHAIN"
# The last one leaves nothing for a restart of the machine.
if [ -d "$kept" ] && rmdir "$kept" 2>/dev/null; then
  systemctl -q disable fleet-egress.service
  rm -f /etc/systemd/system/fleet-egress.service
  systemctl daemon-reload
fi
command -v iptables >/dev/null || exit 0
iptables -w 10 -D OWUI-ALLOW -j "$CHAIN" 2>/dev/null || exit 0
iptables -w 10 -F "$CHAIN"
iptables -w 10 -X "$CHAIN"
