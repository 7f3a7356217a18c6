#!/bin/sh
# Marks $FOLDER as the place of $MARK's backups. It is made where it is missing, in a folder that has to be there: a disk
# that is not mounted yet is not to be filled in its stead.
set -eu
umask 077
if [ ! -d "$FOLDER" ]; then
  above=$(dirname "$FOLDER")
  if [ ! -d "$above" ]; then
    echo "$above is not there, in which the backups' folder $FOLDER is to lie; nothing was made." >&2
    echo "Mount the disk that is to hold the backups, or make the folder: mkdir -p $above" >&2
    exit 1
  fi
  mkdir "$FOLDER"
fi
file=$FOLDER/.owui-backups
if [ -e "$file" ]; then
  if [ "$(cat "$file")" != "$MARK" ]; then
    echo "$FOLDER holds the backups of \"$(cat "$file")\", not of \"$MARK\"; nothing was changed." >&2
    echo "Give every stack a folder of its own in backups.repository.path." >&2
    exit 1
  fi
  exit 0
fi
for repository in "$FOLDER"/*/; do
  if [ -f "$repository/config" ]; then
    echo "$FOLDER holds repositories and no mark $file; nothing was changed." >&2
    echo "If they are this fleet's, write it: echo $MARK > $file" >&2
    exit 1
  fi
done
printf '%s\n' "$MARK" >"$file.staged"
mv "$file.staged" "$file"
