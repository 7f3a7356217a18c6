import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tarArchive } from "../../../../toolchain/providers/docker/tar.ts";

test("tar reads the archive of uploads: names longer than a field, modes and contents", async () => {
  const folder = await mkdtemp(join(tmpdir(), "owui-tar-"));
  const long = `/${"folder/".repeat(20)}file`;
  const files = [
    { path: long, content: Buffer.from("x".repeat(1000)), mode: 0o600 },
    { path: "/etc/a", content: Buffer.from("a"), mode: 0o755 },
  ];
  await writeFile(join(folder, "archive"), tarArchive(files, 0));
  const listed = execFileSync("tar", ["-tvf", join(folder, "archive")], { encoding: "utf8" });
  expect(listed).toMatch(
    /^-rw------- 0\/0 +1000 1970.* (folder\/){20}file\n-rwxr-xr-x 0\/0 +1 1970.* etc\/a\n$/,
  );
  await rm(folder, { recursive: true });
});
