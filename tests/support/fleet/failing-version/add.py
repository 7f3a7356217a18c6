"""Adds the migration behind the last one that the release has."""

import glob
import re

folder = "/app/backend/open_webui/migrations/versions"
known, earlier = set(), set()
for file in glob.glob(folder + "/*.py"):
    text = open(file, encoding="utf-8").read()
    known.update(re.findall(r"^revision(?:\s*:[^=]*)?\s*=\s*[\"'](\w+)", text, re.M))
    for line in re.findall(r"^down_revision(?:\s*:[^=]*)?\s*=\s*(.*)", text, re.M):
        earlier.update(re.findall(r"[\"'](\w+)", line))
(head,) = known - earlier
with open("/tmp/migration.py", encoding="utf-8") as migration:
    text = migration.read().replace("HEAD", head)
with open(folder + "/fa11ed000000_fails.py", "w", encoding="utf-8") as added:
    added.write(text)
