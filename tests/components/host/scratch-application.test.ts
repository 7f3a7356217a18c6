import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ScratchApplication, startVariables } from "../../../fleet/on-host/scratch-application.ts";
import { Workbench } from "./script.ts";

/** A docker that notes what it is asked, and whose application is as the test says. */
const docker = `
printf '%s\\n' "$*" >>"$BENCH/asked"
case $* in
  "ps --all"*) cat "$BENCH/there" ;;
  "run "*) [ ! -e "$BENCH/unstarted" ] || { echo "no such image" >&2; exit 125; } ;;
  "inspect "*) cat "$BENCH/state" ;;
  *" curl "*) [ ! -e "$BENCH/deaf" ] ;;
  *" python3 "*) cat "$BENCH/answer"; echo "Traceback
ValueError: what it came to" >&2 ;;
  "logs "*) echo "Traceback: its own words" ;;
esac`;

describe("scratch-application.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
    for (const [file, text] of Object.entries({ state: "true 0", asked: "", there: "", answer: '{"a":1}' }))
      host.write(file, text);
    host.program("docker", `BENCH=${host.root}${docker}`);
    host.program("sleep", "exit 0");
  });
  afterEach(() => host.remove());

  const limits = { memory: { reserved: 0, limit: 1_000_000 }, cpus: 2, pids: 512 };
  const data = () => join(host.root, "it's a copy");
  const run = (ACTION: string, also: Record<string, string | number> = {}) =>
    host.run([
      {
        script: "scratch-application",
        variables: { ACTION, STACK: "local", NAME: "drill-acme", ...also },
      },
    ]);
  const start = (also: Record<string, string | number> = {}) =>
    run("start", {
      ...startVariables({
        ...{ image: "webui:v1", data: data(), key: "/keys/acme", limits, patience: 0 },
        settings: { WEBUI_NAME: "Acme's $(own) AI", RAG_TOP_K: "5" },
      }),
      ...also,
    });
  const asked = () => readFileSync(join(host.root, "asked"), "utf8").split("\n").filter(Boolean);
  const started = () => asked().find((line) => line.startsWith("run ")) ?? "";

  it("starts it caged, without a network, on the copy and its key, and says when it answered", () => {
    const { status, stdout, stderr } = start();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({ seconds: expect.any(Number) });
    expect(started()).toContain("--name owui-local-scratch-drill-acme --label owui.stack=local");
    expect(started()).toContain("--label owui.scratch=1");
    expect(started()).toContain("--network none --cap-drop ALL --security-opt no-new-privileges");
    expect(started()).toContain("--memory 1000000 --memory-swap 1000000 --cpus 2 --pids-limit 512");
    expect(started()).toContain(`source=${data()},target=/app/backend/data`);
    expect(started()).toContain("source=/keys/acme,target=/app/backend/.webui_secret_key,readonly");
    expect(started()).toContain("--env WEBUI_NAME=Acme's $(own) AI --env RAG_TOP_K=5");
    expect(started()).toContain("--entrypoint timeout webui:v1 --kill-after=10 3600 bash -c");
  });

  it("removes what an earlier one of its name left, and others whose time is over", () => {
    host.write("there", `abc 1\ndef ${Math.floor(Date.now() / 1000) + 1000}\n`);
    start();
    const removed = asked().filter((line) => line.startsWith("rm "));
    expect(removed).toEqual([
      "rm --force --volumes owui-local-scratch-drill-acme",
      "rm --force --volumes abc",
    ]);
    expect(asked().indexOf("rm --force --volumes abc")).toBeLessThan(asked().indexOf(started()));
  });

  it("joins the loopback of the Postgres that a dump was restored into, and works on that", () => {
    start();
    expect(started()).not.toContain("SCRATCH_DATABASE_URL=");
    host.write("asked", "");
    start({ DATABASE: "owui-local-scratch-drill-acme-database" });
    expect(started()).toContain("--network container:owui-local-scratch-drill-acme-database --cap-drop ALL");
    expect(started()).toContain("--env SCRATCH_DATABASE_URL=postgresql://owui@127.0.0.1:5432/owui");
    // What its tenant had set is not what it works on.
    const [unset, set] = ["unset DATABASE_URL", 'export DATABASE_URL="$SCRATCH_DATABASE_URL"'];
    const script = readFileSync("components/host/scratch-application.sh", "utf8");
    expect(script.indexOf(set)).toBeGreaterThan(script.indexOf(unset));
  });

  it("makes a key of its own where none is known", () => {
    start({ KEY: "" });
    expect(started()).not.toContain("webui_secret_key");
  });

  it.each([
    ["ended with code 3", "false 3"],
    ["did not answer for 0 seconds", "true 0"],
  ])("that %s is removed; what it said is root's to read", (how, state) => {
    host.write("deaf", "");
    host.write("state", state);
    const { status, stderr } = start();
    expect(status).toBe(1);
    expect(stderr).toContain(`${how} on a copy of the data; ${data()}.log on this host`);
    expect(stderr).not.toContain("Traceback");
    expect(readFileSync(`${data()}.log`, "utf8")).toBe("Traceback: its own words\n");
    expect(asked().at(-1)).toMatch(/^rm /);
  });

  it("is told where what it says outlives the copy", () => {
    host.write("deaf", "");
    host.write("state", "false 3");
    const log = `${data()}.kept`;
    expect(start({ LOG: log }).stderr).toContain(`${log} on this host`);
    expect([readFileSync(log, "utf8"), existsSync(`${data()}.log`)]).toEqual([
      "Traceback: its own words\n",
      false,
    ]);
  });

  it("that cannot be made says why", () => {
    host.write("unstarted", "");
    expect(start()).toMatchObject({ status: 1, stderr: expect.stringContaining("no such image") });
  });

  it("is not started where the host has no memory for it", () => {
    const { status, stderr } = start({ MEMORY: 2 ** 50 });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/MiB of memory left.*Nothing was started/)]);
    expect(started()).toBe("");
  });

  it("is asked inside its container, or inside the one that serves", () => {
    expect(run("sign-in")).toEqual({ status: 0, stdout: '{"a":1}\n', stderr: "" });
    expect(asked().at(-1)).not.toContain("owui-local-tenant-acme");
    run("ask", { APPLICATION: "owui-local-tenant-acme", METHOD: "GET", ASKED_PATH: "/", AS: "x", BODY: "" });
    expect(asked().join("\n")).toContain(
      "--env ASKED_PATH=/ --env BODY= --env SERVES=yes owui-local-tenant-acme bash",
    );
  });

  it("that does not answer as Open WebUI does says why in a line", () => {
    host.write("answer", "");
    expect(run("sign-in")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("was asked, and ValueError: what it came to."),
    });
  });

  it("is removed, also where there is none", () => {
    expect(run("remove").status).toBe(0);
    expect(asked()[0]).toBe("rm --force --volumes owui-local-scratch-drill-acme");
    expect(existsSync(`${data()}.log`)).toBe(false);
  });
});

describe("a scratch application", () => {
  it("has a name that a container may have, and settings of one line", () => {
    const at = { spec: { kind: "local" } } as never;
    expect(() => new ScratchApplication(at, "local", "x; rm")).toThrow(RangeError);
    const limits = { memory: { reserved: 0, limit: 1 }, cpus: 1, pids: 1 };
    const start = { image: "i", data: "/d", key: undefined, limits };
    expect(() => startVariables({ ...start, settings: { A: "b\nC=d" } })).toThrow(RangeError);
  });
});
