#!/bin/sh
# Makes a Debian 12 or Ubuntu 24.04 machine a host of the fleet. Safe to run at any time: what is as it should be stays as
# it is. Prints a line for each thing it changes; with MODE=check it prints what it would change, and changes nothing.
#   OPERATOR_KEYS       public keys that may sign in, one a line; no others may
#   OPERATOR_ADDRESSES  ranges from which port 22 is reached     WEB_ADDRESSES  ranges from which 80 and 443 are
#   AGENT_PORT AGENT_FROM  ports of the agent and of what else control hosts reach, and their addresses; none: closed
#   DATA_ROOT VOLUME    where data lies, and the block-storage volume mounted there; none: on the machine's own disk
#   SWAP                bytes of the swap file, 0: none          REBOOT_TIME    when a patch may restart it, HH:MM
set -eu
umask 022
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
MODE=${MODE:-apply}
operator=qbmgr
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
changes=0
changed=no

warn() { echo "WARNING: $*" >&2; }
die() {
  echo "set-up-host: $*" >&2
  exit 1
}

# what command...: a change that is due.
change() {
  changes=$((changes + 1))
  if [ "$MODE" = check ]; then
    echo "would $1"
    return 0
  fi
  echo "$1"
  shift
  "$@"
}

# mode owner path: the file is to hold what comes on standard input; $changed says whether it did not.
put() {
  cat >"$scratch/put"
  changed=no
  if cmp -s "$scratch/put" "$3" && [ "$(stat -c '0%a %U:%G' "$3")" = "$1 $2" ]; then return 0; fi
  changed=yes
  change "write $3" put_staged "$1" "$2" "$3"
}
put_staged() {
  mkdir -p "$(dirname "$3")"
  cp "$scratch/put" "$3.staged"
  chown "$2" "$3.staged"
  chmod "$1" "$3.staged"
  mv -f "$3.staged" "$3"
}

# ---- What it was told. Every problem is said before anything is changed.

problems=
problem() { problems="$problems
  $*"; }
matches() { printf '%s\n' "$1" | grep -Eqx "$2"; }

octet='(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
# name ranges: IPv4 or IPv6, with or without a prefix.
check_ranges() {
  for range in $2; do
    case $range in
      *:*) matches "$range" '[0-9a-f:]{2,39}(/[0-9]{1,3})?' || problem "$1 holds \"$range\", which is no range of addresses" ;;
      *) matches "$range" "$octet(\.$octet){3}(/([0-9]|[12][0-9]|3[0-2]))?" || problem "$1 holds \"$range\", which is no range of addresses" ;;
    esac
  done
}

check_variables() {
  for name in OPERATOR_KEYS OPERATOR_ADDRESSES WEB_ADDRESSES AGENT_PORT AGENT_FROM DATA_ROOT VOLUME SWAP REBOOT_TIME; do
    if eval "[ -z \"\${$name+set}\" ]"; then problem "$name is not set"; fi
  done
  if [ -n "$problems" ]; then return 0; fi
  case $MODE in apply | check) ;; *) problem "MODE is \"$MODE\", neither apply nor check" ;; esac
  if [ -z "$OPERATOR_KEYS" ]; then problem "OPERATOR_KEYS is empty: nobody could sign in"; fi
  printf '%s' "$OPERATOR_KEYS${OPERATOR_KEYS:+
}" >"$scratch/keys"
  while read -r key; do
    printf '%s\n' "$key" >"$scratch/key"
    if ! matches "$key" '(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [[:print:]]*)?' ||
      ! ssh-keygen -l -f "$scratch/key" >/dev/null 2>&1; then
      problem "OPERATOR_KEYS holds \"$key\", which is no public key"
    fi
  done <"$scratch/keys"
  if [ -z "$OPERATOR_ADDRESSES" ]; then problem "OPERATOR_ADDRESSES is empty: nobody could reach port 22"; fi
  for range in $OPERATOR_ADDRESSES; do
    case $range in */0) problem "OPERATOR_ADDRESSES holds \"$range\": port 22 is never open to the world" ;; esac
  done
  check_ranges OPERATOR_ADDRESSES "$OPERATOR_ADDRESSES"
  check_ranges WEB_ADDRESSES "$WEB_ADDRESSES"
  check_ranges AGENT_FROM "$AGENT_FROM"
  if [ -z "$AGENT_PORT" ]; then problem "AGENT_PORT is empty, which is no port"; fi
  for port in $AGENT_PORT; do
    { matches "$port" '[1-9][0-9]{0,4}' && [ "$port" -le 65535 ]; } || problem "AGENT_PORT holds \"$port\", which is no port"
  done
  matches "$DATA_ROOT" '(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}' ||
    problem "DATA_ROOT is \"$DATA_ROOT\", which is no absolute path of two or more plain names"
  matches "$VOLUME" '([a-z][a-z0-9-]{0,63})?' || problem "VOLUME is \"$VOLUME\", which is no volume's name"
  matches "$SWAP" '[0-9]{1,12}' || problem "SWAP is \"$SWAP\", which is no number of bytes"
  matches "$REBOOT_TIME" '([01][0-9]|2[0-3]):[0-5][0-9]' || problem "REBOOT_TIME is \"$REBOOT_TIME\", which is no HH:MM"
}

check_machine() {
  if [ "$(id -u)" != 0 ]; then problem "it does not run as root"; fi
  # shellcheck source=/dev/null
  system=$(. /etc/os-release && echo "$ID $VERSION_ID")
  case $system in
    "debian 12" | "ubuntu 24.04") ;;
    *) problem "the machine runs $system; hosts run Debian 12 or Ubuntu 24.04" ;;
  esac
  if [ ! -d /run/systemd/system ]; then problem "the machine was not started by systemd"; fi
}

# ---- Packages. Their settings are written first, so that their first start is already the right one.

missing_packages() {
  wanted="apparmor ca-certificates e2fsprogs fail2ban iptables jq nftables openssh-server python3-systemd sudo unattended-upgrades"
  # Another engine than the distribution's stays.
  if ! command -v dockerd >/dev/null; then wanted="$wanted docker.io"; fi
  for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
    if [ "$state" != installed ]; then echo "$package"; fi
  done
}

apt() { apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" >&2; }
install_packages() {
  apt update
  apt install -y --no-install-recommends "$@"
}

settle_packages() {
  missing=$(missing_packages | paste -sd ' ')
  if [ -z "$missing" ]; then return 0; fi
  # shellcheck disable=SC2086 # one word a package
  change "install $missing" install_packages $missing
}

# unit: it runs, and will after a restart of the machine.
settle_service() {
  if systemctl -q is-enabled "$1" 2>/dev/null && systemctl -q is-active "$1"; then return 0; fi
  change "start $1" systemctl -q enable --now "$1"
}

# ---- Who may sign in, and how.

settle_operator() {
  if ! id -u "$operator" >/dev/null 2>&1; then
    change "make the user $operator" useradd --create-home --shell /bin/bash "$operator"
  fi
  for group in sudo docker; do
    case " $(id -Gn "$operator" 2>/dev/null) " in
      *" $group "*) ;;
      *) change "put $operator into the group $group" usermod --append --groups "$group" "$operator" ;;
    esac
  done
  put 0440 root:root /etc/sudoers.d/90-fleet <<END
$operator ALL=(ALL) NOPASSWD:ALL
END
  home=$(getent passwd "$operator" | cut -d: -f6)
  home=${home:-/home/$operator}
  if [ "$(stat -c '%a %U' "$home/.ssh" 2>/dev/null)" != "700 $operator" ]; then
    change "make $home/.ssh" install -d -m 0700 -o "$operator" -g "$operator" "$home/.ssh"
  fi
  put 0600 "$operator:$operator" "$home/.ssh/authorized_keys" <"$scratch/keys"
}

ssh_file=/etc/ssh/sshd_config.d/00-fleet.conf
settle_ssh() {
  # The first value that sshd reads counts: this file comes before a cloud's own.
  put 0644 root:root "$ssh_file" <<END
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
AllowAgentForwarding no
X11Forwarding no
# The Docker engine is reached through many connections at once.
MaxStartups 100:30:200
MaxSessions 100
END
  if [ "$MODE" = check ]; then return 0; fi
  mkdir -p /run/sshd
  if ! sshd -t; then
    rm -f "$ssh_file"
    die "sshd refuses its settings; $ssh_file was taken away again, and nothing after it was set up"
  fi
  if [ "$changed" = yes ]; then systemctl try-reload-or-restart ssh.service; fi
  effective=$(sshd -T -C user=root,host=localhost,addr=127.0.0.1)
  for line in "permitrootlogin no" "passwordauthentication no" "kbdinteractiveauthentication no"; do
    printf '%s\n' "$effective" | grep -qx "$line" ||
      die "sshd does not follow $ssh_file: its first line of /etc/ssh/sshd_config has to be: Include /etc/ssh/sshd_config.d/*.conf"
  done
}

# ---- Firewall: the same rules as the cloud's, on the machine itself.

# name type ranges
nft_set() {
  echo "  set $1 { type $2; flags interval; auto-merge;"
  if [ -n "$3" ]; then echo "    elements = { $(echo "$3" | paste -sd ,) }"; fi
  echo "  }"
}
# name ranges: a set for each version of the protocol.
nft_sets() {
  nft_set "${1}4" ipv4_addr "$(printf '%s\n' "$2" | tr -s ' ' '\n' | grep '[.]' || true)"
  nft_set "${1}6" ipv6_addr "$(printf '%s\n' "$2" | tr -s ' ' '\n' | grep : || true)"
}

# Before any translation of addresses: a port that Docker publishes is no exception.
firewall_rules() {
  cat <<END
# Written by the fleet's set-up; changes made here are lost.
table inet fleet
delete table inet fleet
table inet fleet {
END
  nft_sets operators "$OPERATOR_ADDRESSES"
  nft_sets web "$WEB_ADDRESSES"
  nft_sets agent "$AGENT_FROM"
  # One port stands as it always did: a set would be another text, and the firewall loaded anew for nothing.
  case $AGENT_PORT in *" "*) inside="{ $(echo "$AGENT_PORT" | sed 's/ /, /g') }" ;; *) inside=$AGENT_PORT ;; esac
  cat <<END
  chain arriving {
    type filter hook prerouting priority mangle; policy accept;
    iifname "lo" accept
    # Nothing but the machine itself asks the cloud who it is: the answer holds what it was born with.
    iifname { "docker0", "br-*", "owt*" } ip daddr 169.254.169.254 drop
    iifname { "docker0", "br-*", "owt*", "veth*" } accept
    ct state established,related accept
    ct state invalid drop
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
    fib daddr type != local drop
    ip saddr @operators4 tcp dport 22 accept
    ip6 saddr @operators6 tcp dport 22 accept
    ip saddr @web4 tcp dport { 80, 443 } accept
    ip6 saddr @web6 tcp dport { 80, 443 } accept
    ip saddr @agent4 tcp dport $inside accept
    ip6 saddr @agent6 tcp dport $inside accept
    drop
  }
  chain leaving {
    type filter hook output priority filter; policy accept;
    ip daddr 169.254.169.254 meta skuid != 0 reject
  }
}
END
}

# The address this run was started from, where that was over ssh.
started_from() {
  process=$$
  while [ "${process:-0}" -gt 1 ]; do
    tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=\([^ ]*\) .*/\1/p'
    process=$(awk '/^PPid:/ { print $2 }' "/proc/$process/status" 2>/dev/null || true)
  done | head -n 1
}

# Rules that would keep out who is setting this up are not loaded.
refuse_lockout() {
  from=$(started_from)
  case $from in
    "") return 0 ;;
    ::ffff:*.*) from=${from#::ffff:} ;;
  esac
  case $from in *:*) version=6 ;; *) version=4 ;; esac
  {
    echo "table inet fleet_trial {"
    nft_sets operators "$OPERATOR_ADDRESSES"
    echo "}"
  } >"$scratch/trial"
  nft -f "$scratch/trial"
  within=yes
  nft get element inet fleet_trial "operators$version" "{ $from }" >/dev/null 2>&1 || within=no
  nft delete table inet fleet_trial
  if [ "$within" = no ]; then
    die "this connection comes from $from, which operators.addresses does not hold: the firewall would keep you out." \
      "Add it there. The firewall was left as it was"
  fi
}

settle_firewall() {
  if command -v nft >/dev/null; then refuse_lockout; fi
  firewall_rules >"$scratch/rules"
  if command -v nft >/dev/null && ! nft -c -f "$scratch/rules"; then
    die "nft refuses the firewall's rules; the former ones stay"
  fi
  put 0600 root:root /etc/fleet/firewall.nft <"$scratch/rules"
  rules_changed=$changed
  put 0644 root:root /etc/systemd/system/fleet-firewall.service <<'END'
[Unit]
Description=Firewall of the fleet
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service
Conflicts=shutdown.target
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/fleet/firewall.nft
ExecStart=/bin/sh -c 'nft -s list table inet fleet >/run/fleet-firewall'
[Install]
WantedBy=sysinit.target
END
  if [ "$changed" = yes ] && [ "$MODE" = apply ]; then systemctl daemon-reload; fi
  if ! systemctl -q is-enabled fleet-firewall.service 2>/dev/null; then
    change "load the firewall at every start" systemctl -q enable fleet-firewall.service
  fi
  loaded=no
  if [ "$rules_changed" = no ] && nft -s list table inet fleet 2>/dev/null | cmp -s - /run/fleet-firewall; then loaded=yes; fi
  if [ "$loaded" = no ]; then change "load the firewall" systemctl restart fleet-firewall.service; fi
}

# The rules of egress.sh, where they were taken away since.
settle_egress() {
  if [ ! -e /etc/systemd/system/fleet-egress.service ]; then return 0; fi
  if iptables -w 10 -C DOCKER-USER -i owt+ -j OWUI-FORWARD 2>/dev/null &&
    iptables -w 10 -C INPUT -i owt+ -j OWUI-INPUT 2>/dev/null; then return 0; fi
  change "load the rules of tenants" systemctl restart fleet-egress.service
}

# ---- Services with settings of their own.

write_service_settings() {
  put 0644 root:root /etc/fail2ban/jail.d/fleet.local <<'END'
[DEFAULT]
backend = systemd
banaction = nftables-multiport
bantime = 10m
findtime = 10m
maxretry = 10
[sshd]
enabled = true
END
  fail2ban_changed=$changed
  put 0644 root:root /etc/apt/apt.conf.d/52fleet-upgrades <<END
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-WithUsers "true";
Unattended-Upgrade::Automatic-Reboot-Time "$REBOOT_TIME";
Unattended-Upgrade::Remove-Unused-Dependencies "true";
END
  if [ ! -s /etc/docker/daemon.json ]; then docker_settings '{}'; fi
}

# before: the engine's settings with the fleet's among them. Containers outlive a restart of the engine.
docker_settings() {
  if command -v jq >/dev/null; then
    printf '%s\n' "$1" | jq -S '. + {"live-restore": true, "log-driver": "json-file"}
      | ."log-opts" = (."log-opts" // {}) + {"max-file": "3", "max-size": "10m"}' >"$scratch/daemon.json" ||
      die "/etc/docker/daemon.json is no JSON; nothing after it was set up"
  else
    cat >"$scratch/daemon.json" <<'END'
{
  "live-restore": true,
  "log-driver": "json-file",
  "log-opts": {
    "max-file": "3",
    "max-size": "10m"
  }
}
END
  fi
  put 0644 root:root /etc/docker/daemon.json <"$scratch/daemon.json"
}

settle_docker() {
  changed=no
  # Where there was none, it was written before Docker was installed.
  if [ -s /etc/docker/daemon.json ]; then docker_settings "$(cat /etc/docker/daemon.json)"; fi
  if [ "$changed" = yes ] && [ "$MODE" = apply ] && systemctl -q is-active docker.service; then
    # live-restore is taken by a reload; only then does a restart leave containers alone.
    systemctl reload docker.service
    systemctl restart docker.service
  fi
  settle_service docker.service
}

# ---- Memory and disk.

settle_swap() {
  if [ "$SWAP" = 0 ] || systemd-detect-virt -q --container; then return 0; fi
  if [ "$(stat -c %s /swapfile 2>/dev/null)" != "$SWAP" ]; then change "make a swap file of $SWAP bytes" make_swap; fi
  if ! grep -q '^/swapfile ' /etc/fstab; then
    change "use the swap file at every start" sh -c 'echo "/swapfile none swap sw 0 0" >>/etc/fstab'
  fi
  if ! swapon --show=NAME --noheadings | grep -qx /swapfile; then change "use the swap file" swapon /swapfile; fi
  put 0644 root:root /etc/sysctl.d/60-fleet.conf <<'END'
vm.swappiness = 10
END
  if [ "$changed" = yes ] && [ "$MODE" = apply ]; then sysctl -q -p /etc/sysctl.d/60-fleet.conf; fi
}
make_swap() {
  swapoff /swapfile 2>/dev/null || true
  rm -f /swapfile
  (umask 077 && fallocate -l "$SWAP" /swapfile && mkswap -q /swapfile) || die "no swap file of $SWAP bytes could be made"
}

# The volume is given a file system where it has none; what holds anything else is left alone.
settle_file_system() {
  code=0
  blkid -p -o value -s TYPE "$device" >"$scratch/type" 2>/dev/null || code=$?
  type=$(cat "$scratch/type")
  if [ "$type" = ext4 ]; then return 0; fi
  if [ "$code" != 2 ] || ! cmp -s -n 1048576 "$device" /dev/zero; then
    die "the volume $VOLUME holds something else than an ext4 file system (${type:-unknown data}); it is never" \
      "formatted over. Attach an empty volume, or empty this one yourself"
  fi
  change "format the empty volume $VOLUME" mkfs.ext4 -q -L fleet "$device"
}

# A volume that was made larger: its file system follows.
settle_size() {
  has=$(dumpe2fs -h "$device" 2>/dev/null | awk '/^Block count:/ { n = $3 } /^Block size:/ { printf "%.0f\n", n * $3 }')
  if [ "$((${has:-0} + 16777216))" -lt "$(blockdev --getsize64 "$device")" ] && [ "${has:-0}" != 0 ]; then
    change "let the file system of the volume $VOLUME grow" grow
  fi
}

grow() {
  resize2fs "$device" >"$scratch/grown" 2>&1 ||
    warn "the file system of the volume $VOLUME did not grow: $(tail -n 1 "$scratch/grown")"
}

settle_data_root() {
  source=$(findmnt -n -o SOURCE --mountpoint "$DATA_ROOT" || true)
  if [ -z "$VOLUME" ]; then
    if [ ! -d "$DATA_ROOT" ]; then change "make $DATA_ROOT" mkdir -p "$DATA_ROOT"; fi
    return 0
  fi
  device=/dev/disk/by-id/scsi-0DO_Volume_$VOLUME
  if [ ! -b "$device" ]; then die "the volume $VOLUME is not attached to this machine: $device is missing"; fi
  if [ -n "$source" ] && [ "$(realpath "$source")" != "$(realpath "$device")" ]; then
    die "$source is mounted at $DATA_ROOT, not the volume $VOLUME; nothing was mounted over it"
  fi
  if [ -z "$source" ] && [ -n "$(ls -A "$DATA_ROOT" 2>/dev/null)" ]; then
    die "$DATA_ROOT holds data on the machine's own disk, which the volume $VOLUME would hide. Move it away, run this" \
      "again, and move it onto the volume"
  fi
  settle_file_system
  entry="$device $DATA_ROOT ext4 defaults,noatime,nofail 0 2"
  awk -v root="$DATA_ROOT" '$2 != root' /etc/fstab >"$scratch/fstab"
  echo "$entry" >>"$scratch/fstab"
  put 0644 root:root /etc/fstab <"$scratch/fstab"
  # Without its data no container is started; its restart policy would start it on nothing.
  put 0644 root:root /etc/systemd/system/docker.service.d/fleet.conf <<END
[Unit]
RequiresMountsFor=$DATA_ROOT
END
  if [ "$MODE" = apply ]; then systemctl daemon-reload; fi
  if [ -z "$source" ]; then change "mount the volume $VOLUME at $DATA_ROOT" mount_volume; fi
  settle_size
}
mount_volume() {
  mkdir -p "$DATA_ROOT"
  mount "$DATA_ROOT"
}

check_variables
check_machine
if [ -n "$problems" ]; then
  echo "set-up-host: nothing was changed, because:$problems" >&2
  exit 2
fi
settle_data_root
write_service_settings
settle_packages
settle_operator
settle_ssh
settle_firewall
if [ "$fail2ban_changed" = yes ] && [ "$MODE" = apply ]; then systemctl try-restart fail2ban.service; fi
settle_service fail2ban.service
settle_service unattended-upgrades.service
settle_swap
settle_docker
settle_egress
if [ "$MODE" = check ]; then echo "set-up: $changes changes are due"; else echo "set-up: $changes changes were made"; fi
