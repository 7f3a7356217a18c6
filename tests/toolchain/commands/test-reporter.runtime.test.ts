import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REPORT } from "../../../toolchain/commands/test-reporter.ts";
import { scoreOf } from "../../../toolchain/commands/test-score.ts";
import { nodeFolder, repository } from "../../../toolchain/setup/paths.mjs";
import { run } from "../../support/fleet/command.ts";

const files = {
  "broken.test.ts": 'import "./nowhere.ts";\n',
  "mixed.test.ts": `
    import { beforeAll, describe, expect, it } from "vitest";
    it("is well", () => {});
    it("is left out", { skip: true }, () => {});
    it("is wrong", () => expect(1).toBe(2));
    describe("a group", () => {
      beforeAll(() => { throw new Error("nothing to stand on"); });
      it("has nothing to stand on", () => {});
    });
    it("leaves something behind", () => { Promise.reject(new Error("nobody waited")); });
  `,
};

test("everything that fails a run of vitest is told, with what it said", async () => {
  const folder = await mkdtemp(join(tmpdir(), "owui-reported-"));
  try {
    await mkdir(join(folder, "tests"));
    await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, "tests", file), text);
    const report = join(folder, "report.json");
    const reporter = join(repository, "toolchain/commands/test-reporter.ts");
    const argv = [join(nodeFolder, "vitest"), "run", "--root", folder, `--reporter=${reporter}`];
    const { code } = await run(argv, { environment: { [REPORT]: report }, mayFail: true });
    const { failures, ...counts } = scoreOf("runtime", code ?? 0, await readFile(report, "utf8"));
    expect(counts).toEqual({ name: "runtime", passed: 2, failed: 4, skipped: 2 });
    expect(failures.toSorted()).toEqual([
      "beside the tests: nobody waited",
      expect.stringMatching(/^broken\.test\.ts: .*nowhere\.ts/),
      expect.stringMatching(/^is wrong: expected 1 to be 2/),
      "mixed.test.ts: a group: nothing to stand on",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
