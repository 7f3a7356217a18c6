#!/bin/sh
# Brings directories and files below $ROOT into being, from lines on standard input:
#   kind mode owner path base64     kind: directory | file | secret | print;  "-": nothing
# Safe to run twice: a secret that exists is kept, a file is replaced as a whole.
set -eu
umask 077
mkdir -p "$ROOT"

# mode owner target: puts a finished file in place by a rename, so that a crash leaves the old one or the new one.
install_staged() {
  chown "$2" "$3.staged"
  chmod "$1" "$3.staged"
  mv -f "$3.staged" "$3"
}

while read -r kind mode owner path content; do
  target=$ROOT/$path
  case $kind in
    directory)
      mkdir -p "$target"
      chown "$owner" "$target"
      chmod "$mode" "$target"
      ;;
    file)
      if [ "$content" = - ]; then content=; fi
      printf %s "$content" | base64 -d >"$target.staged"
      install_staged "$mode" "$owner" "$target"
      ;;
    secret)
      if [ ! -s "$target" ]; then
        head -c 4096 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | head -c 32 >"$target.staged"
        install_staged "$mode" "$owner" "$target"
      fi
      ;;
    print)
      cat "$target"
      ;;
    *)
      echo "layout: \"$kind\" is no kind of entry; nothing after it was made" >&2
      exit 2
      ;;
  esac
done
