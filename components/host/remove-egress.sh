#!/bin/sh
# Takes a fleet's exceptions away with the fleet; the rules all fleets share stay. Reads $CHAIN.
set -eu
command -v iptables >/dev/null || exit 0
iptables -w 10 -D OWUI-ALLOW -j "$CHAIN" 2>/dev/null || exit 0
iptables -w 10 -F "$CHAIN"
iptables -w 10 -X "$CHAIN"
