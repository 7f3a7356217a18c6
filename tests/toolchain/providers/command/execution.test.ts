import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execute } from "../../../../toolchain/providers/command/execution.ts";
import { until } from "../../../support/fleet/until.ts";

const never = new AbortController().signal;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "owui-execution-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("only the last newline of each stream is taken away, and lines are shown as they come", async () => {
  const shown: string[] = [];
  const output = await execute(
    { command: "printf 'a\\nb\\n\\n'; printf 'c' >&2", show: { stdout: (line) => shown.push(line) } },
    never,
  );
  expect(output).toEqual({ stdout: "a\nb\n", stderr: "c" });
  expect(shown).toEqual(["a", "b", ""]);
});

test("the environment given lies over this process'", async () => {
  const environment = { HOME: "/elsewhere", OWN: "x" };
  const { stdout } = await execute({ command: 'echo "$HOME $OWN $PATH"', environment, show: {} }, never);
  expect(stdout).toBe(`/elsewhere x ${process.env.PATH}`);
});

test("input that the command does not read is no failure", async () => {
  const stdin = "x".repeat(1_000_000);
  expect((await execute({ command: "exec true", stdin, show: {} }, never)).stdout).toBe("");
});

test("a program that is not there fails with the command", async () => {
  const running = execute({ command: "echo", interpreter: ["/nowhere/sh"], show: {} }, never);
  await expect(running).rejects.toThrow('spawn /nowhere/sh ENOENT: running "echo":');
});

test("cancelling kills the command with everything it started", async () => {
  const cancel = new AbortController();
  const pid = join(folder, "pid");
  const command = `sh -c 'echo $$ > ${pid}; sleep 600' & wait`;
  const running = execute({ command, show: {} }, cancel.signal);
  const grandchild = Number(await until("the grandchild has a number", () => readFile(pid, "utf8")));
  cancel.abort();
  await expect(running).rejects.toThrow(/^cancelled: running/);
  await until("the grandchild is gone", async () => {
    const status = await readFile(`/proc/${grandchild}/stat`, "utf8").catch(() => "gone Z");
    return status.includes(" Z ") || status.endsWith(" Z");
  });
});
