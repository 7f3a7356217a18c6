import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

/** A docker that tells what serves, notes what it is asked, and ends as the test says. */
const docker = `
asked="$*"
printf '%s\\n' "$asked" >>"$BENCH/asked"
case $asked in
  "inspect --format {{.State.Running}} owui-acme") cat "$BENCH/serving" ;;
  "inspect --format {{.Image}} owui-acme") echo sha256:old ;;
  *"owui.environment"*) echo label ;;
  *".Config.Env"*) printf 'PATH=/bin\\nWEBUI_URL=https://acme.example\\n' ;;
  "inspect --format {{.State.Running}} {{.State.ExitCode}} owui-acme-trial") cat "$BENCH/state" ;;
  "exec owui-acme-trial"*) [ ! -e "$BENCH/deaf" ] ;;
  *"python3 -c"*) [ ! -e "$BENCH/uncopied" ] ;;
  "logs "*) echo "Traceback: what it said" ;;
esac`;

describe("tenant-trial.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
    for (const [file, text] of Object.entries({ serving: "true", state: "true 0", asked: "" }))
      host.write(file, text);
    host.write("tenants/acme/data/webui.db", "rows");
    host.program("docker", `BENCH=${host.root}${docker}`);
    host.program("sleep", "exit 0");
  });
  afterEach(() => host.remove());

  const run = (also: Record<string, string | number> = {}, settings = "WEBUI_URL=https://acme.example\n") =>
    host.run(
      [
        {
          script: "tenant-trial",
          variables: {
            ...{ ROOT: host.root, TENANT: "acme", CONTAINER: "owui-acme", NETWORK: "owui-acme-net" },
            ...{ IMAGE: "sha256:new", LABEL: "label", START: "exec bash start.sh", MEMORY: 1_000_000 },
            ...{ CPUS: 1, PIDS: 512, PATIENCE: 0, ...also },
          },
        },
      ],
      settings,
    );
  const asked = () => readFileSync(join(host.root, "asked"), "utf8");
  const log = () => join(host.root, "tenants/acme/trial.log");

  it("tries nothing where nothing serves", () => {
    host.write("serving", "");
    expect(run()).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(asked()).not.toContain("run ");
  });

  it("tries nothing where what serves has this image and these settings already", () => {
    expect(run({ IMAGE: "sha256:old" })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(asked()).not.toContain("run ");
  });

  it("tries no image again that was rehearsed, but other settings with it", () => {
    host.write("tenants/acme/config/switch", "image=sha256:new\naside=data.before-7\nput=\n");
    expect(run()).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(asked()).not.toContain("run ");
    expect(run({ LABEL: "other" }).status).toBe(0);
    expect(asked()).toContain("run ");
  });

  it.each([
    ["another image", {}, undefined],
    ["another open setting", { IMAGE: "sha256:old" }, "WEBUI_URL=https://other.example\n"],
    ["another secret setting", { IMAGE: "sha256:old", LABEL: "other" }, undefined],
  ])("starts %s beside what serves, on a copy of its data, and leaves nothing of it", (_, also, settings) => {
    expect(run(also, settings)).toMatchObject({ status: 0, stdout: "" });
    const lines = asked().split("\n");
    const [copied = ""] = lines.filter((line) => line.startsWith("run ") && line.includes("target=/source"));
    expect(copied).toContain("--network none");
    expect(copied).toContain(`source=${host.root}/tenants/acme/data,target=/source,readonly`);
    const [started = ""] = lines.filter((line) => line.includes("--detach"));
    expect(started).toContain("--name owui-acme-trial --network owui-acme-net");
    expect(started).toContain(`source=${host.root}/tenants/acme/trial/data,target=/app/backend/data`);
    expect(started).toContain("--cap-drop ALL --security-opt no-new-privileges");
    expect(started).not.toContain("--publish");
    expect(lines.filter(Boolean).at(-1)).toBe("rm --force owui-acme-trial");
    expect(existsSync(join(host.root, "tenants/acme/trial"))).toBe(false);
    expect(existsSync(log())).toBe(false);
  });

  it.each([
    ["ended with code 127", "false 127"],
    ["did not answer for 0 seconds", "true 0"],
  ])("fails where it %s, keeps what it said in a file of root's, and prints none of it", (how, state) => {
    host.write("deaf", "");
    host.write("state", state);
    const { status, stdout, stderr } = run();
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(`what served it goes on: what it was to become ${how}`);
    expect(stderr).not.toContain("Traceback");
    expect(readFileSync(log(), "utf8")).toContain("Traceback");
    expect(asked().split("\n").filter(Boolean).at(-1)).toBe("rm --force owui-acme-trial");
  });

  it("tries on an empty database what cannot be copied, and says so", () => {
    host.write("uncopied", "");
    const { status, stderr } = run();
    expect(status).toBe(0);
    expect(stderr).toContain("WARNING: its database could not be copied");
  });
});
