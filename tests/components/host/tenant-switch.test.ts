import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

/** A docker that has the container as the test says, and notes what it is asked to do. */
const docker = `
case $* in
  "container inspect --format {{.State.Running}} owui-acme") cat "$BENCH/running" ;;
  "container inspect --format {{.Image}} owui-acme") cat "$BENCH/image" ;;
  "container inspect --format {{.Id}} owui-acme") cat "$BENCH/image" ;;
  *) echo "$*" >>"$BENCH/asked" ;;
esac`;

describe("tenant-switch.sh", () => {
  let host: Workbench;
  const home = (path: string) => join(host.root, "tenants/acme", path);
  const text = (path: string) => readFileSync(home(path), "utf8");
  beforeEach(() => {
    host = new Workbench();
    for (const [file, content] of Object.entries({ running: "true", image: "sha256:old", asked: "" }))
      host.write(file, content);
    host.write("tenants/acme/data/webui.db", "rows of now");
    host.write("tenants/acme/data/webui.db-wal", "log of now");
    host.write("tenants/acme/data/uploads/file", "uploaded");
    host.write("tenants/acme/data/vector_db/chroma.sqlite3", "vectors of now");
    mkdirSync(home("config"));
    host.program("docker", `BENCH=${host.root}${docker}`);
  });
  afterEach(() => host.remove());

  const run = (IMAGE = "sha256:new") =>
    host.run([
      {
        script: "tenant-switch",
        variables: { ROOT: host.root, TENANT: "acme", CONTAINER: "owui-acme", IMAGE },
      },
    ]);
  const note = (put: string, aside = "data.before-7") =>
    host.write("tenants/acme/config/switch", `image=sha256:new\naside=${aside}\nput=${put}\n`);
  const asked = () => readFileSync(join(host.root, "asked"), "utf8").split("\n").filter(Boolean);
  const nothingDone = (outcome: ReturnType<typeof run>) => {
    expect(outcome).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(asked()).toEqual([]);
  };

  it("does nothing where no change of version was prepared, or one to another image", () => {
    nothingDone(run());
    note("");
    nothingDone(run("sha256:other"));
    expect(existsSync(home("data.before-7"))).toBe(false);
  });

  it("stops what runs and sets a copy of database and vectors aside, and no uploads", () => {
    note("");
    expect(run().status).toBe(0);
    expect(asked()).toEqual(["stop --time 10 owui-acme"]);
    expect(readdirSync(home("data.before-7")).sort()).toEqual([
      "complete",
      "vector_db",
      "webui.db",
      "webui.db-wal",
    ]);
    expect(text("data.before-7/webui.db")).toBe("rows of now");
    expect(text("data/webui.db")).toBe("rows of now");
  });

  it("keeps what it set aside when it is run again, also by what the other version wrote since", () => {
    note("");
    run();
    host.write("running", "false");
    host.write("tenants/acme/data/webui.db", "migrated rows");
    expect(run().status).toBe(0);
    host.write("running", "true");
    host.write("image", "sha256:new");
    expect(run().status).toBe(0);
    expect(text("data.before-7/webui.db")).toBe("rows of now");
  });

  it("sets aside anew where the version of before was started again meanwhile", () => {
    note("");
    run();
    host.write("tenants/acme/data/webui.db", "rows written since");
    expect(run().status).toBe(0);
    expect(text("data.before-7/webui.db")).toBe("rows written since");
  });

  it("copies again what a killed run left in part", () => {
    note("");
    host.write("running", "false");
    host.write("tenants/acme/data.before-7/webui.db", "rows o");
    expect(run().status).toBe(0);
    expect(text("data.before-7/webui.db")).toBe("rows of now");
  });

  it("starts what it stopped where the disk takes no copy", () => {
    note("");
    host.program("cp", "echo 'cp: no space left on device' >&2; exit 1");
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain("no space left");
    expect(asked()).toEqual(["stop --time 10 owui-acme", "start owui-acme"]);
  });

  it("puts another database in place, its log gone with it, and keeps what was there", () => {
    note("1");
    host.write("tenants/acme/next/webui.db", "rows of before");
    host.write("tenants/acme/next/vector_db/chroma.sqlite3", "vectors of before");
    expect(run().status).toBe(0);
    expect(text("data/webui.db")).toBe("rows of before");
    expect(text("data/vector_db/chroma.sqlite3")).toBe("vectors of before");
    expect(text("data/uploads/file")).toBe("uploaded");
    expect(existsSync(home("data/webui.db-wal"))).toBe(false);
    expect(text("data.before-7/webui.db")).toBe("rows of now");
    expect(text("data.before-7/webui.db-wal")).toBe("log of now");
    expect(text("data.before-7/vector_db/chroma.sqlite3")).toBe("vectors of now");
  });

  it.each(["ln", "mv", "touch"])(
    "goes on where it was killed before a call of %s, at each of them",
    (program) => {
      const real = { ln: "/bin/ln", mv: "/bin/mv", touch: "/usr/bin/touch" }[program];
      for (let calls = 0; ; calls++) {
        rmSync(home("."), { recursive: true });
        host.write("tenants/acme/data/webui.db", "rows of now");
        host.write("tenants/acme/data/webui.db-wal", "log of now");
        host.write("tenants/acme/data/vector_db/chroma.sqlite3", "vectors of now");
        host.write("tenants/acme/next/webui.db", "rows of before");
        host.write("tenants/acme/next/webui.db-wal", "log of before");
        host.write("tenants/acme/next/vector_db/chroma.sqlite3", "vectors of before");
        host.write("left", String(calls));
        note("1");
        host.program(
          program,
          `left=$(cat ${host.root}/left); if [ "$left" = 0 ]; then kill -9 $PPID; exit 9; fi
         echo $((left - 1)) >${host.root}/left; exec ${real} "$@"`,
        );
        const killed = run().status !== 0;
        // Its name leads to a database at every moment.
        expect(existsSync(home("data/webui.db"))).toBe(true);
        host.write("left", "100");
        host.write("running", "false");
        expect(run().status).toBe(0);
        host.write("running", "true");
        expect(text("data/webui.db")).toBe("rows of before");
        expect(text("data/vector_db/chroma.sqlite3")).toBe("vectors of before");
        expect(text("data/webui.db-wal")).toBe("log of before");
        expect(text("data.before-7/webui.db")).toBe("rows of now");
        expect(text("data.before-7/webui.db-wal")).toBe("log of now");
        expect(text("data.before-7/vector_db/chroma.sqlite3")).toBe("vectors of now");
        if (!killed) return expect(calls).toBeGreaterThan(0);
      }
    },
  );

  it("refuses a database that is a link, and stops nothing", () => {
    note("");
    rmSync(home("data/webui.db"));
    symlinkSync("/etc/passwd", home("data/webui.db"));
    const { status, stderr } = run();
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining("Nothing was stopped") });
    expect(asked()).toEqual([]);
  });
});
