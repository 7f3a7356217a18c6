#!/bin/sh
# Says how safe this machine is, one fact a line: `name value...`; changes nothing. $DATA_ROOT: where the fleet's data lies.
# What cannot be found out on a machine is "unknown".
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
has() { command -v "$1" >/dev/null; }
fact() { echo "$*"; }
# unit: active, or what else systemd says of it.
state() {
  if [ -d /run/systemd/system ]; then systemctl is-active "$1" 2>/dev/null || true; else echo unknown; fi
}

if has sshd; then
  mkdir -p /run/sshd 2>/dev/null
  sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>/dev/null |
    awk '$1 ~ /^(permitrootlogin|passwordauthentication|kbdinteractiveauthentication)$/ { print "ssh", $1, $2 }'
fi

if ! has nft || ! nft -s list table inet fleet >/dev/null 2>&1; then
  fact firewall missing
elif nft -s list table inet fleet | cmp -s - /run/fleet-firewall; then
  fact firewall loaded
else
  fact firewall changed
fi
fact firewall-at-start "$(systemctl is-enabled fleet-firewall.service 2>/dev/null || echo no)"

banned=$(fail2ban-client status sshd 2>/dev/null | sed -n 's/.*Currently banned:[[:space:]]*//p')
fact fail2ban "$(state fail2ban.service)" "${banned:-unknown}"

if has iptables && iptables -w 10 -C DOCKER-USER -i owt+ -j OWUI-FORWARD 2>/dev/null &&
  iptables -w 10 -C INPUT -i owt+ -j OWUI-INPUT 2>/dev/null; then
  fact egress loaded "$(systemctl is-enabled fleet-egress.service 2>/dev/null || echo no)"
else
  fact egress missing "$(ip -o link show type bridge 2>/dev/null | grep -c ': owt')"
fi

if has apt-get; then
  due=$(apt-get -s -o Debug::NoLocking=true upgrade 2>/dev/null | grep '^Inst ')
  all=$(printf '%s\n' "$due" | grep -c .)
  security=$(printf '%s\n' "$due" | grep -ci security)
  newest=$(find /var/lib/apt/lists -maxdepth 1 -type f -name '*Packages*' -printf '%T@\n' 2>/dev/null | sort -n | tail -n 1)
  fact updates "$all" "$security" "${newest%.*}"
  fact unattended "$(apt-config dump APT::Periodic::Unattended-Upgrade 2>/dev/null | sed -n 's/.*"\(.*\)".*/\1/p')" \
    "$(state apt-daily-upgrade.timer)" \
    "$(apt-config dump Unattended-Upgrade::Automatic-Reboot-Time 2>/dev/null | sed -n 's/.*"\(.*\)".*/\1/p')"
fi
if [ -e /run/reboot-required ]; then fact reboot required; else fact reboot no; fi

# Who signs in: users with a key file or a password of their own.
while IFS=: read -r user _ uid _ _ home _; do
  if [ "$uid" -ne 0 ] && [ "$uid" -lt 1000 ]; then continue; fi
  keys=$(grep -cE '^[^#]*(ssh-|ecdsa-|sk-)' "$home/.ssh/authorized_keys" 2>/dev/null)
  password=no
  case $(getent shadow "$user" 2>/dev/null | cut -d: -f2) in '$'*) password=yes ;; esac
  if [ "${keys:-0}" != 0 ] || [ "$password" = yes ]; then fact login "$user" "${keys:-0}" "$password"; fi
done </etc/passwd

# Whether the host key that user-data carried is still in use.
own=$(cut -d ' ' -f 2 /etc/ssh/ssh_host_ed25519_key.pub 2>/dev/null)
if [ ! -r /var/lib/cloud/instance/user-data.txt ] || [ -z "$own" ]; then
  fact birth-key none
elif grep -qF "$own" /var/lib/cloud/instance/user-data.txt; then
  fact birth-key "in-use"
else
  fact birth-key replaced
fi

if has docker; then fact containers "$(docker ps --quiet 2>/dev/null | wc -l)"; fi
if [ -n "${DATA_ROOT:-}" ] && [ -d "$DATA_ROOT" ]; then
  fact disk "$(df --output=pcent "$DATA_ROOT" | tail -n 1 | tr -dc 0-9)"
fi
if has ss; then
  ss -Hltnup 2>/dev/null | awk '{
    address = $5; port = $5; sub(/:[^:]*$/, "", address); sub(/.*:/, "", port); sub(/%.*/, "", address)
    if (address ~ /^(127\.|\[::1\]|\[::ffff:127\.)/) next
    program = "-"; if (match($0, /\(\("[^"]*"/)) program = substr($0, RSTART + 3, RLENGTH - 4)
    gsub(/[^A-Za-z0-9._-]/, "", program)
    print "port", $1, address, port, program
  }' | sort -u
fi
fact end ok
