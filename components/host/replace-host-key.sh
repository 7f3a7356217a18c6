#!/bin/sh
# Gives sshd another ed25519 host key: the private one from standard input, whose public half $PUBLIC names. The former
# ones, all of them, are gone. Safe to run twice; connections that are open stay.
set -eu
umask 077
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
directory=${DIRECTORY:-/etc/ssh}
key=$directory/ssh_host_ed25519_key
trap 'rm -f "$key.staged"' EXIT

cat >"$key.staged"
found=$(ssh-keygen -y -P '' -f "$key.staged" 2>/dev/null | cut -d ' ' -f 1,2) || true
if [ -z "$found" ] || [ "$found" != "$(printf '%s\n' "$PUBLIC" | cut -d ' ' -f 1,2)" ]; then
  echo "replace-host-key: what came is not the private half of \"$PUBLIC\"; the host keeps the key it has" >&2
  exit 1
fi
if ! cmp -s "$key.staged" "$key"; then
  printf '%s\n' "$found" >"$key.pub"
  chmod 0644 "$key.pub"
  mv -f "$key.staged" "$key"
  again=yes
fi
for other in "$directory"/ssh_host_*_key; do
  if [ "$other" = "$key" ] || [ ! -e "$other" ]; then continue; fi
  rm -f "$other" "$other.pub"
  again=yes
done
if [ -z "${again:-}" ]; then exit 0; fi
mkdir -p /run/sshd
sshd -t
systemctl try-reload-or-restart ssh.service
