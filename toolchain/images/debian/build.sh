#!/usr/bin/env bash
# Builds debian:bookworm-slim from Debian's own archive, for machines that no image registry answers.
# usage: build.sh <tag> <label>      needs root and debootstrap; the engine is the one `docker` talks to.
set -euo pipefail

tag=$1
label=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase bookworm "$root/rootfs" http://deb.debian.org/debian

# Security updates belong to the published image too.
cat >"$root/rootfs/etc/apt/sources.list.d/debian.sources" <<'SOURCES'
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
rm -f "$root/rootfs/etc/apt/sources.list"

# Like the published slim image: no package lists, no caches, no documentation but licences.
cat >"$root/rootfs/etc/dpkg/dpkg.cfg.d/slim" <<'DPKG'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
DPKG
rm -rf "$root"/rootfs/var/lib/apt/lists/* "$root"/rootfs/var/cache/apt/* \
  "$root"/rootfs/usr/share/man/* "$root"/rootfs/usr/share/locale/?? "$root"/rootfs/usr/share/locale/??_* \
  "$root"/rootfs/var/log/*.log "$root"/rootfs/var/log/apt/*
find "$root/rootfs/usr/share/doc" -type f ! -name copyright -delete

tar -C "$root/rootfs" --numeric-owner -c . | docker import --change 'CMD ["bash"]' --change "LABEL $label" - "$tag"
