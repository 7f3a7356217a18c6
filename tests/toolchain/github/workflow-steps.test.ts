import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { run } from "../../../toolchain/setup/child.mjs";
import { nodeFolder, repository } from "../../../toolchain/setup/paths.mjs";

/** As much of a workflow as is run here. */
interface Workflow {
  jobs: Record<string, { steps: { name?: string; run?: string; env?: Record<string, string> }[] }>;
}

/** Stands for npm: notes what it was asked, and ends as it is told. */
const npm = `#!/bin/bash
printf '%s\\0' "$@" >>calls
printf '\\n' >>calls
for last; do if [[ $before == --markdown && $1 == run ]]; then echo "a report" >"$last"; fi; before=$last; done
exit "\${CODE:-0}"
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "owui-steps-"));
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin/npm"), npm);
  await chmod(join(folder, "bin/npm"), 0o700);
  await writeFile(join(folder, "Pulumi.staging.yaml"), "");
});
afterEach(() => rm(folder, { recursive: true }));

const stepsOf = async (file: string, job: string) => {
  const text = await readFile(join(repository, ".github/workflows", file), "utf8");
  return (parse(text) as Workflow).jobs[job]?.steps ?? [];
};

/** Runs a step's script as a runner does, in a checkout that has a stack `staging`; answers what npm was asked. */
async function ran(file: string, job: string, step: string, environment: Record<string, string>) {
  const script = (await stepsOf(file, job)).find(({ name }) => name === step)?.run ?? "exit 99";
  const { code, stderr } = await run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd: folder,
    env: {
      PATH: `${join(folder, "bin")}:${process.env.PATH}`,
      GITHUB_OUTPUT: join(folder, "output"),
      GITHUB_STEP_SUMMARY: join(folder, "summary"),
      REPORT: join(folder, "report.md"),
      STACK: "staging",
      ...environment,
    },
  });
  const calls = await readFile(join(folder, "calls"), "utf8").catch(() => "");
  const noted = calls.split("\n").filter(Boolean);
  return { code, stderr, calls: noted.map((call) => call.split("\0").slice(0, -1)) };
}
const report = () => join(folder, "report.md");

describe("a workflow's step", () => {
  test("previews a pull request with what its labels allow, and nothing else of them", async () => {
    const labels = "allow:fra1-b,docs,allow:acme,$(touch hacked)";
    const { code, calls } = await ran("preview.yml", "preview", "preview", { PULL_LABELS: labels });
    const own = ["--stack", "staging", "--markdown", report(), "--allow=fra1-b", "--allow=acme"];
    expect([code, calls]).toEqual([0, [["run", "--silent", "preview", "--", ...own]]]);
    await expect(readFile(join(folder, "hacked"))).rejects.toThrow("ENOENT");
  });

  test("fails where the preview is refused, and comments all the same", async () => {
    const { code } = await ran("preview.yml", "preview", "preview", { PULL_LABELS: "", CODE: "1" });
    expect(code).toBe(1);
    const { calls } = await ran("preview.yml", "preview", "comment", {
      PULL_REQUEST: "7",
      RUN: "https://run",
    });
    const shown = ["--stack", "staging", "--markdown", report(), "--run", "https://run"];
    expect(calls.at(-1)).toEqual(["run", "--silent", "report", "--", "comment", "--on", "7", ...shown]);
  });

  test("shows a preview before it asks for approval, and applies what was allowed then", async () => {
    const allowed = { ALLOWED_IDS: "fra1-b,acme" };
    const { code, calls } = await ran("apply-stack.yml", "preview", "preview", allowed);
    expect([code, calls.at(-1)?.slice(-2)]).toEqual([0, ["--allow=fra1-b", "--allow=acme"]]);
    expect(await readFile(join(folder, "summary"), "utf8")).toBe("a report\n");
    expect(await readFile(join(folder, "output"), "utf8")).toBe("there=true\n");
    const applied = await ran("apply-stack.yml", "apply", "up", allowed);
    const up = ["run", "--silent", "up", "--", "--stack", "staging", "--allow=fra1-b", "--allow=acme"];
    expect([applied.code, applied.calls.at(-1)]).toEqual([0, up]);
    const plain = await ran("apply-stack.yml", "apply", "up", { ALLOWED_IDS: "" });
    expect(plain.calls.at(-1)).toEqual(up.slice(0, -2));
  });

  test("tells a drift by an issue and fails only where it could not look", async () => {
    const { code, calls } = await ran("drift.yml", "drift", "drift", { CODE: "2" });
    const looked = ["run", "--silent", "drift", "--", "--stack", "staging", "--markdown", report()];
    expect([code, calls]).toEqual([0, [looked]]);
    expect((await ran("drift.yml", "drift", "drift", { CODE: "1" })).code).toBe(1);
    const { calls: told } = await ran("drift.yml", "drift", "issue", { RUN: "https://run" });
    expect(told.at(-1)?.slice(3, 7)).toEqual(["--", "issue", "--stack", "staging"]);
  });

  test.each([
    ["preview.yml", "preview", "preview"],
    ["apply-stack.yml", "preview", "preview"],
    ["drift.yml", "drift", "drift"],
  ])("passes over a stack that has no file: %s", async (file, job, step) => {
    const none = { STACK: "prod", PULL_LABELS: "", ALLOWED_IDS: "" };
    expect(await ran(file, job, step, none)).toMatchObject({ code: 0, calls: [] });
  });

  // Five programs start for it, which takes long where everything else runs too.
  test("calls commands with options that they know", { timeout: 120_000 }, async () => {
    const { scripts } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
    const known = async (command: string) => {
      const program = ["report", "comment", "issue"].includes(command)
        ? ["toolchain/github/main.ts"]
        : ["toolchain/commands/main.ts"];
      const help = await run([join(nodeFolder, "node"), ...program, command, "--help"], { cwd: repository });
      return help.stdout;
    };
    for (const [command, ...options] of [
      ["preview", "--stack", "--markdown", "--allow"],
      ["up", "--stack", "--allow"],
      ["drift", "--stack", "--markdown"],
      ["comment", "--stack", "--markdown", "--run", "--on"],
      ["issue", "--stack", "--markdown", "--run"],
    ] as const) {
      const help = await known(command);
      for (const option of options) expect(help, `${command} ${option}`).toContain(`${option} <`);
    }
    for (const script of ["preview", "up", "drift", "report"]) expect(scripts).toHaveProperty(script);
  });

  test("that reaches the state is given what opens it", async () => {
    for (const [file, job, step] of [
      ["preview.yml", "preview", "preview"],
      ["apply-stack.yml", "preview", "preview"],
      ["apply-stack.yml", "apply", "up"],
      ["drift.yml", "drift", "drift"],
    ] as const) {
      const env = (await stepsOf(file, job)).find(({ name }) => name === step)?.env;
      expect(Object.keys(env ?? {}), `${file} ${step}`).toEqual(
        expect.arrayContaining([
          ...["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "PULUMI_ACCESS_TOKEN", "OWUI_PASSPHRASE"],
        ]),
      );
    }
  });
});
