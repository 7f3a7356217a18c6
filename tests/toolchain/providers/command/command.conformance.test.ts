import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import command from "@pulumi/command";
import pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kind } from "../conformance/plugins.ts";
import { isSecret } from "../conformance/stack.ts";
import { conformance } from "../conformance/suite.ts";

conformance("command", (stack) => {
  let folder: string;
  /** Lines the commands wrote: what really ran, in which order. */
  const ran = async () =>
    (await readFile(join(folder, "ran"), "utf8").catch(() => "")).split("\n").slice(0, -1);
  const forget = () => rm(join(folder, "ran"), { force: true });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "owui-command-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A command that notes what runs; `given` is laid over it. */
  const noting = (given: command.local.CommandArgs = {}) => {
    const made = new command.local.Command("hello", {
      create: `echo "create $WHO" >> ran; echo out-$WHO; echo err >&2`,
      delete: 'echo "delete $WHO $PULUMI_COMMAND_STDOUT" >> ran',
      dir: folder,
      environment: { WHO: pulumi.secret("one") },
      ...given,
    });
    return { id: made.id, stdout: made.stdout, stderr: made.stderr };
  };

  test("a preview runs nothing", async () => {
    expect(await stack().preview(() => noting())).toEqual({ hello: { steps: ["create"] } });
    expect(await ran()).toEqual([]);
  });

  test("creating runs create; the id is the name and eight hex digits; outputs lose their last newline", async () => {
    const { outputs } = await stack().up(() => noting());
    expect(outputs.id).toMatch(/^hello[0-9a-f]{8}$/);
    expect(outputs).toMatchObject({ stdout: "out-one", stderr: "err" });
    expect(await ran()).toEqual(["create one"]);
  });

  test("inputs stand in the state, a secret environment as a secret, and what it printed in plain text", async () => {
    const { hello } = await stack().state();
    expect(hello?.outputs).toMatchObject({ dir: folder, stdout: "out-one", stderr: "err" });
    expect(hello?.outputs.environment).toSatisfy(({ WHO }) => isSecret(WHO));
  });

  test("the same program again changes nothing, and neither does a refresh", async () => {
    expect(await stack().refresh()).toEqual({});
    expect(await stack().preview(() => noting())).toEqual({});
  });

  test("a changed environment runs create again, in place, since there is no update", async () => {
    await forget();
    const before = (await stack().state()).hello?.id;
    const { changes, outputs } = await stack().up(() => noting({ environment: { WHO: "two" } }));
    expect(changes).toEqual({ hello: { steps: ["update"], because: ["environment"] } });
    expect(outputs).toMatchObject({ id: before, stdout: "out-two" });
    expect(await ran()).toEqual(["create two"]);
  });

  test("an update runs update where there is one, and sees the output before in its environment", async () => {
    const update = 'printf "%s|%s" "$PULUMI_COMMAND_STDOUT" "$PULUMI_COMMAND_STDERR"';
    const { outputs } = await stack().up(() => noting({ environment: { WHO: "two" }, update }));
    expect(outputs.stdout).toBe("out-two|err");
  });

  test("addPreviousOutputInEnv: false keeps the output before to itself", async () => {
    const update = "printf '%s' \"[$PULUMI_COMMAND_STDOUT]\"";
    const given = { environment: { WHO: "two" }, update, addPreviousOutputInEnv: false };
    expect((await stack().up(() => noting(given))).outputs.stdout).toBe("[]");
  });

  test("a changed trigger makes a new one first and then deletes the old", async () => {
    await stack().up(() => noting({ triggers: [1] }));
    await forget();
    const before = (await stack().state()).hello?.id;
    const { changes, outputs } = await stack().up(() => noting({ triggers: [2] }));
    expect(changes).toEqual({
      hello: {
        steps: ["create-replacement", "replace", "delete-replaced"],
        because: ["triggers"],
        forced: ["triggers"],
      },
    });
    expect(outputs.id).not.toBe(before);
    expect(await ran()).toEqual(["create one", "delete one out-one"]);
  });

  test("a trigger that is not known yet is previewed as a replacement", async () => {
    const program = (seed: string) => () => {
      const first = new command.local.Command("first", { create: "date +%N", environment: { seed } });
      return noting({ triggers: [first.stdout] });
    };
    await stack().up(program("a"));
    const { first, hello } = await stack().preview(program("b"));
    expect(first).toEqual({ steps: ["update"], because: ["environment"] });
    expect(hello?.forced).toEqual(["triggers"]);
    expect(hello?.steps).toContain("replace");
  });

  test("stdin, interpreter and dir reach the process; without create nothing runs", async () => {
    await writeFile(join(folder, "here"), "");
    const { outputs } = await stack().up(() => {
      const cat = new command.local.Command("cat", {
        create: "console.log(require('fs').readFileSync(0, 'utf8') + require('fs').existsSync('here'))",
        interpreter: [process.execPath, "-e"],
        stdin: "typed ",
        dir: folder,
      });
      const idle = new command.local.Command("idle", { delete: "true" });
      return { cat: cat.stdout, idle: idle.stdout };
    });
    expect(outputs).toEqual({ cat: "typed true", idle: "" });
  });

  test("what it prints is shown while it runs, the streams that logging names", async () => {
    const { shown } = await stack().up(() => {
      const create = "echo from stdout; echo from stderr >&2";
      new command.local.Command("loud", { create, logging: "stdoutAndStderr" });
      new command.local.Command("half", {
        create: "echo half stdout; echo half stderr >&2",
        logging: "stderr",
      });
      return {};
    });
    expect(shown.filter((line) => /std(out|err)/.test(line)).sort()).toEqual([
      "from stderr",
      "from stdout",
      "half stderr",
    ]);
  });

  test.runIf(kind === "stand-ins")("unless logging asks for it, a stand-in shows nothing", async () => {
    const { shown } = await stack().up(() => {
      new command.local.Command("quiet", { create: "echo a password" });
      return {};
    });
    expect(shown.filter((line) => line.includes("password"))).toEqual([]);
  });

  test("a failure says the status, the command, and all that it printed", async () => {
    const failed = await stack().failure(() => {
      new command.local.Command("bad", { create: "echo said; echo complained >&2; exit 3" });
      return {};
    });
    expect(failed).toContain('exit status 3: running "echo said; echo complained >&2; exit 3":');
    expect(failed).toMatch(/said\s+complained|complained\s+said/);
  });

  test("the function run runs at once, in a preview too", async () => {
    await forget();
    await stack().preview(() => ({
      said: command.local.runOutput({ command: "echo ran >> ran; echo said", dir: folder }).stdout,
    }));
    expect(await ran()).toEqual(["ran"]);
  });

  test("deleting runs delete with the last output", async () => {
    await stack().up(() => noting());
    await forget();
    await stack().up(() => ({}));
    expect(await ran()).toEqual(["delete one out-one"]);
  });
});
