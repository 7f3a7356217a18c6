import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { run } from "../../../toolchain/setup/child.mjs";
import { nodeFolder, repository } from "../../../toolchain/setup/paths.mjs";

const go = (await run(["go", "version"])).code === 0;
const check = (...files: string[]) =>
  run([join(nodeFolder, "node"), join(repository, "toolchain/check/workflows.ts"), ...files], {
    cwd: repository,
  });

describe.skipIf(!go)("actionlint, where Go can build it", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "owui-workflows-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("has nothing to say about the workflows", async () => {
    const { code, stdout, stderr } = await check();
    expect([code, stdout + stderr]).toEqual([0, "actionlint: nothing to say about the workflows.\n"]);
  });

  test.each([
    [
      "an unknown key",
      "on: push\njobs: { a: { runs-on: ubuntu-latest, stpes: [] } }\n",
      'unexpected key "stpes"',
    ],
    [
      "text of strangers in a script",
      [
        "on: pull_request",
        "jobs:",
        "  a:",
        "    runs-on: ubuntu-latest",
        "    steps:",
        `      - run: echo "$${"{{ github.event.pull_request.title }}"}"`,
        "",
      ].join("\n"),
      "potentially untrusted",
    ],
  ])("finds %s", async (_, text, said) => {
    const file = join(folder, "broken.yml");
    await writeFile(file, text);
    const { code, stdout } = await check(file);
    expect(code).toBe(1);
    expect(stdout).toContain(said);
  });
});

describe("every workflow", async () => {
  const folder = join(repository, ".github/workflows");
  const files = await readdir(folder);

  test.each(files)("%s uses others' actions by commit, and writes no more than it must", async (file) => {
    const text = await readFile(join(folder, file), "utf8");
    for (const [, used = ""] of text.matchAll(/uses: (\S+)/g)) {
      expect(used).toMatch(/^\.\/|@[0-9a-f]{40}$/);
    }
    const { permissions } = parse(text) as { permissions: Record<string, string> };
    expect(permissions.contents).toBe("read");
    expect(text).not.toMatch(/pull_request_target|write-all/);
    // What a script is given of an event, it is given by its environment.
    for (const [, script = ""] of text.matchAll(/run: \|\n((?: {10}.*\n|\n)+)/g))
      expect(script).not.toContain("$".concat("{{"));
  });
});
