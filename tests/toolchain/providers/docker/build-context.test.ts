import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contextDigest, ignoredBy } from "../../../../toolchain/providers/docker/build-context.ts";

test("a .dockerignore's last matching line decides, and a pattern covers what lies below", () => {
  const ignored = ignoredBy("# comment\n*.log\nbuild\n!build/keep\n**/node_modules\n/top?\n");
  const verdicts = ["a.log", "x/a.log", "build/out", "build/keep", "x/node_modules/y", "top1", "x/top1"].map(
    ignored,
  );
  expect(verdicts).toEqual([true, false, true, false, true, true, false]);
});

test("the digest of a build's context follows names, contents, modes and links, not ignored files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "owui-context-"));
  const dockerfile = join(folder, "Dockerfile");
  await mkdir(join(folder, "sub"));
  await writeFile(dockerfile, "FROM scratch");
  await writeFile(join(folder, ".dockerignore"), "ignored");
  await writeFile(join(folder, "sub/file"), "one");
  const digest = () => contextDigest(folder, dockerfile);
  const seen = new Set([await digest()]);
  await writeFile(join(folder, "ignored"), "x");
  expect(seen).toContain(await digest());
  for (const change of [
    () => writeFile(join(folder, "sub/file"), "two"),
    () => writeFile(join(folder, "other"), "", { mode: 0o700 }),
    () => symlink("/elsewhere", join(folder, "link")),
    () => writeFile(dockerfile, "FROM other"),
  ]) {
    await change();
    expect(seen).not.toContain(await digest());
    seen.add(await digest());
  }
  await rm(folder, { recursive: true });
});
