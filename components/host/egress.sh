#!/bin/sh
# Keeps tenants away from everything private: other networks, the host itself, the cloud's metadata address. And what backs
# them up (owb…) from everything but exceptions.
# Reads $CHAIN (this fleet's) and, on standard input, exceptions: bridge address port; the address "any" is every public one.
#   OWUI-FORWARD  from a tenant to beyond the host; called from DOCKER-USER, since published ports pass INPUT by
#   OWUI-INPUT    from a tenant to the host itself; called from INPUT
#   OWUI-BACKUP   from what backs tenants up to anywhere; called from both
#   OWUI-ALLOW    calls one chain of exceptions for each fleet on this host
# Where systemd starts the machine, the rules are there again before Docker starts a tenant.
set -eu
if ! command -v iptables-restore >/dev/null; then
  echo "WARNING: iptables is missing: tenants can reach private addresses. Install it, then run up again." >&2
  exit 0
fi
rule() { iptables -w 10 "$@"; }

exceptions=$(cat)

# Tenants ask the resolvers the engine knows, wherever these stand.
resolvers=$(
  cat /etc/resolv.conf /run/systemd/resolve/resolv.conf 2>/dev/null |
    awk '$1 == "nameserver" && $2 ~ /^[0-9.]+$/ && $2 !~ /^127\./ { print $2 }' | sort -u
)

# chain: what may pass, whatever comes after.
allowed() {
  echo "-A $1 -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"
  echo "-A $1 -j OWUI-ALLOW"
  for resolver in $resolvers; do
    for protocol in udp tcp; do echo "-A $1 -d $resolver -p $protocol --dport 53 -j RETURN"; done
  done
}

private="10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 100.64.0.0/10"

# bridge address port
exception() {
  if [ "$2" != any ]; then
    echo "-A $CHAIN -i $1 -d $2 -p tcp --dport $3 -j ACCEPT"
    return
  fi
  for range in $private; do
    echo "-A $CHAIN -i $1 -d $range -p tcp --dport $3 -j REJECT --reject-with icmp-admin-prohibited"
  done
  echo "-A $CHAIN -i $1 -p tcp --dport $3 -j ACCEPT"
}

# Each chain is replaced in one commit: a tenant is never without rules while they are made anew.
rule -N OWUI-ALLOW 2>/dev/null || true
# Docker makes this one too, and keeps what it finds in it.
rule -N DOCKER-USER 2>/dev/null || true
{
  echo "*filter"
  echo ":$CHAIN - [0:0]"
  printf '%s' "$exceptions${exceptions:+
}" | while read -r bridge address port; do
    exception "$bridge" "$address" "$port"
  done
  echo ":OWUI-FORWARD - [0:0]"
  allowed OWUI-FORWARD
  for range in $private; do
    echo "-A OWUI-FORWARD -d $range -j REJECT --reject-with icmp-admin-prohibited"
  done
  echo ":OWUI-INPUT - [0:0]"
  allowed OWUI-INPUT
  echo "-A OWUI-INPUT -j REJECT --reject-with icmp-admin-prohibited"
  echo ":OWUI-BACKUP - [0:0]"
  allowed OWUI-BACKUP
  echo "-A OWUI-BACKUP -j REJECT --reject-with icmp-admin-prohibited"
  echo COMMIT
} | iptables-restore -w 10 --noflush

called() { rule -C "$@" 2>/dev/null; }
called OWUI-ALLOW -j "$CHAIN" || rule -A OWUI-ALLOW -j "$CHAIN"
called DOCKER-USER -i owt+ -j OWUI-FORWARD || rule -I DOCKER-USER 1 -i owt+ -j OWUI-FORWARD
called INPUT -i owt+ -j OWUI-INPUT || rule -I INPUT 1 -i owt+ -j OWUI-INPUT
for calling in DOCKER-USER INPUT; do
  called $calling -i owb+ -j OWUI-BACKUP || rule -I $calling 1 -i owb+ -j OWUI-BACKUP
done

# ---- After a restart of the machine: the exceptions as they came, this script, and a unit that runs it.
if [ ! -d /run/systemd/system ] || [ -n "${RESTORED:-}" ]; then exit 0; fi
scripts=/usr/local/lib/fleet
kept=/var/lib/fleet/egress
unit=/etc/systemd/system/fleet-egress.service

keep() {
  mkdir -p "$scripts" "$kept" && chmod 0700 "$scripts" "$kept" &&
    printf '%s' "$exceptions${exceptions:+
}" >"$kept/$CHAIN.staged" && mv -f "$kept/$CHAIN.staged" "$kept/$CHAIN" &&
    if ! cmp -s "$0" "$scripts/egress.sh"; then
      cp "$0" "$scripts/egress.sh.staged" && mv -f "$scripts/egress.sh.staged" "$scripts/egress.sh"
    fi &&
    cat >"$unit.staged" <<'END' && mv -f "$unit.staged" "$unit" && systemctl daemon-reload && systemctl -q enable "${unit##*/}"
[Unit]
Description=Keeps tenants from private addresses
Wants=network-online.target
After=network-online.target
Before=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for rules in /var/lib/fleet/egress/OWUI-*; do \
  [ ! -e "$$rules" ] || RESTORED=yes CHAIN=$$(basename "$$rules") sh /usr/local/lib/fleet/egress.sh <"$$rules"; done'
[Install]
WantedBy=docker.service
END
}
if ! keep; then
  echo "WARNING: after a restart of this machine tenants can reach private addresses until up runs again." >&2
fi
