import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

/** A docker that has the container as the test says, and notes what it is asked to do. */
const docker = `
case $* in
  "container inspect --format {{.Image}} owui-local-tenant-acme") cat "$BENCH/image" ;;
  "container inspect --format {{.Id}} owui-local-tenant-acme") cat "$BENCH/image" ;;
  "container inspect --format {{.State.Running}} owui-local-tenant-acme") cat "$BENCH/running" ;;
  "container inspect "*) exit 1 ;;
  "image inspect --format"*) echo '{"id":"sha256:new"}' ;;
  "image inspect "*) exit 1 ;;
  "pull "*) exit 1 ;;
  "logs "*) echo "what it said" ;;
  "run "*) cat "$BENCH/counted"; echo "$*" >>"$BENCH/asked" ;;
  *) echo "$*" >>"$BENCH/asked" ;;
esac`;

describe("tenant-version.sh", () => {
  let host: Workbench;
  const home = (path: string) => join(host.root, "tenants/acme", path);
  const text = (path: string) => readFileSync(home(path), "utf8");
  beforeEach(() => {
    host = new Workbench();
    for (const [file, content] of Object.entries({
      ...{ running: "true", image: "sha256:old", asked: "", counted: '{"chat":3}' },
      "tenants/acme/data/webui.db": "rows of now",
      "tenants/acme/data.before-7/webui.db": "rows of before",
      "tenants/acme/data.before-7/complete": "",
    }))
      host.write(file, content);
    mkdirSync(home("config"));
    host.program("docker", `BENCH=${host.root}${docker}`);
  });
  afterEach(() => host.remove());

  const run = (ACTION: string, also: Record<string, string | number> = {}) =>
    host.run([
      {
        script: "tenant-version",
        variables: {
          ...{ ROOT: host.root, STACK: "local", TENANT: "acme", ACTION, MEMORY: 1_000_000, PIDS: 64 },
          ...also,
        },
      },
    ]);
  const asked = () => readFileSync(join(host.root, "asked"), "utf8").split("\n").filter(Boolean);

  it("copies in a container that sees the data read-only and has no network, and tells what it counted", () => {
    const { status, stdout } = run("copy", { IMAGE: "sha256:new" });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...{ bytes: expect.any(Number), seconds: expect.any(Number), rows: { chat: 3 } },
    });
    const [copied = ""] = asked().filter((line) => line.startsWith("run "));
    expect(copied).toContain(
      "--network none --cap-drop ALL --security-opt no-new-privileges --memory 1000000",
    );
    expect(copied).toContain(`source=${home("data")},target=/source,readonly`);
  });

  it("refuses to copy where the disk has no room, and says how much is needed", () => {
    host.program("df", "printf 'head\\nfs 1 1 1000 1 /\\n'");
    const { status, stderr } = run("copy", { IMAGE: "sha256:new" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/0 MiB free, and \d+ are needed for a rehearsal.*Nothing was changed/);
    expect(asked().filter((line) => line.startsWith("run "))).toEqual([]);
  });

  it("says whose image is missing where no registry has it", () => {
    expect(run("fetch", { IMAGE: "upstream:v9" })).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining("no image upstream:v9") },
    });
  });

  it("notes what is to be done at the switch, and puts ready what comes back", () => {
    expect(run("prepare", { IMAGE: "sha256:old", ASIDE: "data.before-9", PUT: "data.before-7" }).status).toBe(
      0,
    );
    expect(text("config/switch")).toBe("image=sha256:old\naside=data.before-9\nput=1\n");
    expect(text("next/webui.db")).toBe("rows of before");
    expect(run("clean").status).toBe(0);
    expect([existsSync(home("next")), existsSync(home("config/switch"))]).toEqual([false, false]);
  });

  it("renames what comes back where that is to be taken, also on a full disk, and goes on where it was killed", () => {
    host.program("df", "printf 'head\\nfs 1 1 0 1 /\\n'");
    host.write("tenants/acme/data.before-7/webui.db-wal", "log of before");
    const wanted = { IMAGE: "sha256:old", ASIDE: "data.failed-7", PUT: "data.before-7", TAKE: 1 };
    for (const _ of [1, 2]) expect(run("prepare", wanted).status).toBe(0);
    expect(text("next/webui.db")).toBe("rows of before");
    expect(text("next/webui.db-wal")).toBe("log of before");
    expect(existsSync(home("data.before-7/webui.db"))).toBe(false);
  });

  it("puts nothing ready that is not what was set aside, or not whole", () => {
    const sum = createHash("sha256").update("other rows").digest("hex");
    host.write("tenants/acme/data.before-7/sums", `${sum}  ./webui.db\n`);
    const wanted = { IMAGE: "sha256:old", ASIDE: "data.before-9" };
    expect(run("prepare", { ...wanted, PUT: "data.before-7" })).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining("a sum differs") },
    });
    mkdirSync(home("data.before-8"));
    expect(run("prepare", { ...wanted, PUT: "data.before-8" })).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining("no whole database") },
    });
    expect(existsSync(home("config/switch"))).toBe(false);
  });

  it.each(["../../other", "data", "data.before-7/../../x", "", "data.before-"])(
    "takes %j for no folder of something set aside",
    (folder) => {
      const { status, stderr } = run("prepare", { IMAGE: "sha256:old", ASIDE: folder, PUT: "" });
      expect(status).toBe(1);
      expect(stderr).toContain("is no folder");
    },
  );

  it("keeps sums and a record beside what was set aside, lists it, and forgets what it is told to", () => {
    host.write("tenants/acme/data.before-3/webui.db", "older rows");
    host.write("tenants/acme/data.before-3/complete", "");
    const record = JSON.stringify({ operation: "7", version: "v0.9.6" });
    expect(run("keep", { ASIDE: "data.before-7", RECORD: record, FORGET: "data.before-3" }).status).toBe(0);
    expect(existsSync(home("data.before-3"))).toBe(false);
    const sum = createHash("sha256").update("rows of before").digest("hex");
    expect(text("data.before-7/sums")).toBe(`${sum}  ./webui.db\n`);
    expect(JSON.parse(run("list").stdout)).toEqual([
      {
        folder: "data.before-7",
        at: expect.any(Number),
        bytes: expect.any(Number),
        record: JSON.parse(record),
      },
    ]);
    // What it has noted so, it takes as proven.
    expect(run("prepare", { IMAGE: "i", ASIDE: "data.before-9", PUT: "data.before-7" }).status).toBe(0);
  });

  it("removes a container only if it has the image that failed, and keeps what it said", () => {
    expect(run("stopped", { IMAGE: "sha256:new" }).status).toBe(0);
    expect(asked()).toEqual([]);
    expect(run("stopped", { IMAGE: "sha256:old" }).status).toBe(0);
    expect(asked()).toEqual(["rm --force owui-local-tenant-acme"]);
    expect(text("upgrade.log")).toBe("what it said\n");
  });

  it("tells how a container stands, and of one that is gone that too", () => {
    const state = () => JSON.parse(run("state", { ASIDE: "data.before-7", FAILED: "data.failed-7" }).stdout);
    expect(state()).toEqual({
      ...{
        image: "sha256:old",
        running: true,
        restarts: 0,
        code: 0,
        health: "",
        begun: true,
        aside: true,
        failed: false,
      },
    });
    host.write("image", "");
    host.write("running", "");
    expect(state()).toMatchObject({ image: "", running: false });
  });
});
