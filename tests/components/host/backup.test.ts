import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

/** A docker without a container of backups and with images of it, which notes what it is asked. */
const docker = `
printf '%s\\n' "$*" >>"$BENCH/asked"
case "$1" in
  images) cat "$BENCH/images" ;;
  inspect) exit 1 ;;
  run) echo '{"objects":0,"bytes":0,"versions":true}' ;;
esac`;

describe("backup.sh where nothing backs up any more", () => {
  let host: Workbench;
  const asked = () => readFileSync(join(host.root, "asked"), "utf8");
  const run = (VERB: string, ALONE = "yes") =>
    host.run([
      { script: "backup", variables: { STACK: "test", VERB, TENANT: "acme", ALONE, ROOT: host.root } },
    ]);

  beforeEach(() => {
    host = new Workbench();
    host.program("docker", `BENCH=${host.root}${docker}`);
    host.write(
      "images",
      "owui-backup:22-plain\nowui-backup:22-ssh\nowui-backup:11-plain\nowui-backup:11-ssh\n",
    );
    host.write("backup/config/backup.json", '{"host":"local","repository":{"kind":"s3"}}');
  });
  afterEach(() => host.remove());

  it.each([
    ["s3", "owui-backup:22-plain"],
    ["sftp", "owui-backup:22-ssh"],
  ])(
    "asks a storage of kind %s by a container that sees what it was told and nothing else",
    (kind, image) => {
      host.write("backup/config/backup.json", `{"host":"local","repository":{"kind":"${kind}"}}`);
      expect(run("remove").stdout).toContain('"objects":0');
      expect(asked().match(/--mount \S+/g)).toEqual([
        `--mount type=bind,source=${host.root}/backup/config,target=/etc/fleet,readonly`,
      ]);
      expect(asked()).toContain(`${image} node /app/backup.mjs remove acme`);
    },
  );

  it("says so where the host has backed nobody up, or has no image any more", () => {
    host.write("images", "");
    expect(run("stored")).toMatchObject({
      status: 1,
      stderr: "This host has no image any more of what backs up.\n",
    });
    host.write("backup/config/backup.json", "");
    expect(run("stored")).toMatchObject({ status: 1, stderr: "This host has backed nobody up.\n" });
  });

  it("starts nothing of its own where that is not asked for", () => {
    expect(run("stored", "").stderr).toContain("Nothing is backed up on this host");
    expect(asked()).not.toContain("run ");
  });
});
