import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installStandIns } from "../../../toolchain/providers/install.ts";

let home: string;
beforeAll(async () => {
  // A path that a careless shell script would break.
  home = await mkdtemp(join(tmpdir(), "owui home's "));
});
afterAll(() => rm(home, { recursive: true }));

test("installing at once and again leaves one executable each, and touches none that is right", async () => {
  const [paths] = await Promise.all([installStandIns(home), installStandIns(home), installStandIns(home)]);
  expect(paths).toHaveLength(7);
  const before = await Promise.all(paths.map((path) => stat(path)));
  await installStandIns(home);
  const after = await Promise.all(paths.map((path) => stat(path)));
  expect(after.map(({ mtimeMs }) => mtimeMs)).toEqual(before.map(({ mtimeMs }) => mtimeMs));
  expect(after.every(({ mode }) => (mode & 0o111) === 0o111)).toBe(true);
  for (const path of paths) expect(await readdir(dirname(path))).toHaveLength(1);
});

test("an executable of another checkout is replaced", async () => {
  const [path = ""] = await installStandIns(home);
  await writeFile(path, "#!/bin/sh\nexit 1\n");
  await installStandIns(home);
  expect((await stat(path)).size).toBeGreaterThan(20);
});

test("an executable prints its port and ends when the engine is gone", async () => {
  const [path = ""] = await installStandIns(home);
  const plugin = spawn(path, ["127.0.0.1:1"], { stdio: ["pipe", "pipe", "inherit"] });
  const printed = await new Promise<string>((resolve) =>
    plugin.stdout.once("data", (data) => resolve(String(data))),
  );
  expect(printed).toMatch(/^\d+\n$/);
  plugin.stdin.end();
  expect(await new Promise((resolve) => plugin.once("exit", resolve))).toBe(0);
});
