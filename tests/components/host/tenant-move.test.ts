import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

/** A docker whose container runs as the test says; it notes what it is asked to do. */
const docker = `
case $* in
  "container inspect --format {{.Id}} owui-test-tenant-acme") cat "$BENCH/container" 2>/dev/null ;;
  "container inspect --format {{.Image}} owui-test-agent") echo sha256:agent ;;
  "container inspect owui-test-agent") ;;
  "container inspect owui-test-tenant-acme") [ -e "$BENCH/container" ] ;;
  "container inspect"*) cat "$BENCH/says" 2>/dev/null ;;
  "logs "*) echo "its last words" ;;
  *) echo "$*" >>"$BENCH/asked" ;;
esac`;

describe("tenant-move.sh", () => {
  let host: Workbench;
  const home = (path = "") => join(host.root, "tenants/acme", path);
  const read = (path: string) => readFileSync(home(path), "utf8");
  const asked = () => readFileSync(join(host.root, "asked"), "utf8").split("\n").filter(Boolean);

  beforeEach(() => {
    host = new Workbench();
    host.program("docker", `BENCH=${host.root}${docker}`);
    host.program("chown", "exit 0");
    host.write("asked", "");
  });
  afterEach(() => host.remove());

  const run = (ACTION: string, more: Record<string, string | number> = {}, input = "") =>
    host.run(
      [
        {
          script: "tenant-move",
          variables: { ROOT: host.root, STACK: "test", TENANT: "acme", OPERATION: 9, ACTION, ...more },
        },
      ],
      input,
    );
  const does = (ACTION: string, more = {}, input = "") => {
    const outcome = run(ACTION, more, input);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    return outcome.stdout;
  };
  const state = () => JSON.parse(does("state"));
  const has = (path: string, text = "rows") => host.write(`tenants/acme/${path}`, text);

  describe("on the target", () => {
    beforeEach(() => {
      has("arriving/data/webui.db");
      has("arriving/data/uploads/file");
      has("config/identity.json", "{}");
      does("expect");
    });

    it("puts what came in its place once, marks it, and has nothing wait any more", () => {
      expect(state()).toMatchObject({ waiting: false, arrived: false, exists: false });
      for (const _ of [1, 2]) {
        does("arrive");
        expect(read("data/webui.db")).toBe("rows");
        expect(read("config/beginnings")).toBe("1\n");
        expect(existsSync(home("arriving"))).toBe(false);
        expect(existsSync(home("config/arrival"))).toBe(false);
      }
      expect(state()).toMatchObject({ arrived: true });
      expect(statSync(home("data")).mode & 0o7777).toBe(0o2750);
    });

    it("takes the empty directory that `up` made, and none with anything in it", () => {
      has("data/stranger", "somebody's");
      const { status, stderr } = run("arrive");
      expect(status).toBe(1);
      expect(stderr).toContain("are both there");
      expect(read("arriving/data/webui.db")).toBe("rows");
      expect(state()).toMatchObject({ arrived: false });
    });

    it("does not arrive without a database", () => {
      host.write("tenants/acme/arriving/data/webui.db", "");
      expect(run("arrive")).toMatchObject({ status: 1 });
      expect(state()).toMatchObject({ arrived: false });
    });

    it("is not written over once it has arrived", () => {
      does("arrive");
      const { status, stderr } = run("receive", { STILL: 1 });
      expect(status).toBe(1);
      expect(stderr).toContain("not written over");
      does("expect");
      expect(existsSync(home("config/arrival"))).toBe(false);
    });

    it("goes on being expected only while it is: nothing revives what was abandoned", () => {
      does("abandon");
      does("beat");
      expect(existsSync(home("config/arrival"))).toBe(false);
    });

    it("keeps what a container said that is removed, and tells its end", () => {
      host.write("container", "id");
      expect(does("abandon")).toBe("its last words\n");
      expect(read("move.log")).toBe("its last words\n");
      expect(asked()).toContain("rm --force owui-test-tenant-acme");
    });

    it("reads what comes in a container that sees the folder, the ledger and nothing else", () => {
      does("receive", { STILL: 1 });
      const [line = ""] = asked().filter((each) => each.startsWith("run "));
      expect(line).toContain("--network none");
      expect(line).toContain("--cap-drop ALL");
      expect(line.match(/--mount \S+/g)).toEqual([
        `--mount type=bind,source=${home("arriving/data")},target=/tree`,
        `--mount type=bind,source=${home("arriving/ledger")},target=/ledger`,
      ]);
      expect(line).toMatch(/sha256:agent \/app\/move\.mjs receive-still \/tree \/ledger\/target$/);
    });
  });

  it("brings keys, password, mark and certificate over, by a stream alone", () => {
    for (const [file, text] of Object.entries({
      webui_secret_key: "key",
      "admin-password": "password",
      "identity.json": "{}",
      environment: "not this one",
    }))
      has(`config/${file}`, text);
    host.write("nginx/acme/certificates/acme.pem", "certificate");
    host.write("nginx/tls/acme.pem", "the stack's own");
    // As it comes: bytes that are no text are none of these.
    const tar = does("pack");
    expect(tar).not.toContain("not this one");
    const other = new Workbench();
    other.write("nginx/tls/.keep", "");
    try {
      other.program("docker", "exit 1");
      other.program("chown", "exit 0");
      const variables = {
        ...{ ROOT: other.root, STACK: "test", TENANT: "acme", OPERATION: 9 },
        ACTION: "unpack",
      };
      expect(other.run([{ script: "tenant-move", variables }], tar)).toMatchObject({ status: 0, stderr: "" });
      const config = join(other.root, "tenants/acme/config");
      expect(readdirSync(config).sort()).toEqual(["admin-password", "identity.json", "webui_secret_key"]);
      expect(readFileSync(join(config, "webui_secret_key"), "utf8")).toBe("key");
      expect(statSync(join(config, "webui_secret_key")).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(other.root, "nginx/acme/certificates/acme.pem"), "utf8")).toBe("certificate");
      const own = join(other.root, "nginx/tls/acme.pem");
      expect([readFileSync(own, "utf8"), statSync(own).mode & 0o777]).toEqual(["the stack's own", 0o600]);
    } finally {
      other.remove();
    }
  });

  it("takes no half of the keys", () => {
    has("config/webui_secret_key", "key");
    const { status, stderr } = run("unpack", {}, "");
    expect(status).not.toBe(0);
    expect(stderr).not.toBe("");
    expect(read("config/webui_secret_key")).toBe("key");
  });

  describe("on the host that it leaves", () => {
    beforeEach(() => {
      has("data/webui.db");
      host.write("nginx/tls/acme.pem", "certificate");
    });

    it("keeps the data under a name that nothing starts on, and gives it back", () => {
      for (const _ of [1, 2]) {
        does("depart");
        expect(read("data.moved-9/webui.db")).toBe("rows");
        expect(existsSync(home("data"))).toBe(false);
      }
      for (const _ of [1, 2]) {
        does("remain");
        expect(read("data/webui.db")).toBe("rows");
      }
    });

    it("keeps what a container is on where it is", () => {
      host.write("container", "id");
      expect(run("depart")).toMatchObject({ status: 1 });
      expect(read("data/webui.db")).toBe("rows");
    });

    it("compares with what it kept when the tenant comes back, and loses nothing of what came", () => {
      has("config/identity.json", "{}");
      does("depart");
      for (const _ of [1, 2]) does("base");
      expect(read("arriving/data/webui.db")).toBe("rows");
      // As `up` makes it before whoever takes the operation on begins anew.
      mkdirSync(home("data"));
      for (const action of ["depart", "base"]) does(action);
      expect(read("arriving/data/webui.db")).toBe("rows");
      does("arrive");
      for (const action of ["depart", "base"]) does(action);
      expect(read("data/webui.db")).toBe("rows");
    });

    const site = () => readFileSync(join(host.root, "nginx/sites/acme.conf"), "utf8");
    const forwards = { TRUST: "agent/config/ca.crt" };

    it("leads on, and gives the site back as it was", () => {
      host.write("nginx/sites/acme.conf", "as it was");
      host.write("agent/config/ca.crt", "authorities");
      for (const _ of [1, 2]) does("forward", forwards, "# forwards elsewhere\n");
      expect(site()).toBe("# forwards elsewhere\n");
      expect(readFileSync(join(host.root, "nginx/tls/acme.moved.pem"), "utf8")).toBe("authorities");
      for (const _ of [1, 2]) does("unforward");
      expect(site()).toBe("as it was");
    });

    it("has its site there before it comes", () => {
      host.write("nginx/sites/.keep", "");
      for (const _ of [1, 2]) does("open", {}, "server {}\n");
      expect(site()).toBe("server {}\n");
    });

    it("leaves a site alone that `up` made anew", () => {
      host.write("nginx/sites/acme.conf", "as it was");
      host.write("agent/config/ca.crt", "authorities");
      does("forward", forwards, "# forwards elsewhere\n");
      host.write("nginx/sites/acme.conf", "anew");
      does("unforward");
      expect(site()).toBe("anew");
      expect(existsSync(join(host.root, "nginx/sites/acme.conf.moved"))).toBe(false);
    });
  });

  it("says what a host has, also of a tenant that was never there", () => {
    const nothing = JSON.parse(does("look", { IMAGE: "image" }));
    expect(nothing).toMatchObject({ data: false, bytes: 0, aside: false, agent: true });
    expect(nothing.free).toBeGreaterThan(0);
    has("data/webui.db");
    has("data.before-3/webui.db");
    expect(JSON.parse(does("look", { IMAGE: "image" }))).toMatchObject({ data: true, aside: true });
  });

  it("refuses what it does not do", () => {
    expect(run("erase")).toMatchObject({
      status: 1,
      stderr: 'tenant acme: "erase" is nothing that is done here\n',
    });
  });
});

describe("tenant-arrival.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
  });
  afterEach(() => host.remove());
  const run = (more = {}) =>
    host.run([{ script: "tenant-arrival", variables: { ROOT: host.root, TENANT: "acme", ...more } }]);
  const config = (file: string) => `tenants/acme/config/${file}`;

  it("waits for nobody who is not on the way", () => {
    expect(run()).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("lets go on once it has arrived, having shown that it waits", () => {
    host.write(config("arrival"), "9\n");
    host.program(
      "sleep",
      `[ -e ${join(host.root, config("arrival.waiting"))} ] && echo 9 >${join(host.root, config("arrived"))} && rm ${join(host.root, config("arrival"))}`,
    );
    expect(run()).toMatchObject({ status: 0 });
    expect(existsSync(join(host.root, config("arrival.waiting")))).toBe(false);
  });

  it.each([
    ["is called off", "rm"],
    ["is called off behind another move's arrival", "echo 8 >ARRIVED; rm"],
  ])("starts nothing where it %s", (_, what) => {
    host.write(config("arrival"), "9\n");
    const line = what.replace("ARRIVED", join(host.root, config("arrived")));
    host.program("sleep", `${line} ${join(host.root, config("arrival"))}`);
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain("was not moved to this host after all");
  });

  it("gives up on a mover that is silent, and says how to go on", () => {
    host.write(config("arrival"), "9\n");
    const { status, stderr } = run({ PATIENCE: -1 });
    expect(status).toBe(1);
    expect(stderr).toContain("npx fleet operations resume 9");
  });

  it("is asked before anything else that `up` does about a tenant's data", () => {
    host.write(config("arrival"), "9\n");
    host.write(config("identity.json"), "{}");
    symlinkSync("nowhere", join(host.root, "tenants/acme/data"));
    host.program("docker", "echo asked >&2; exit 1");
    const { status, stderr } = host.run([
      {
        script: "tenant-data",
        variables: {
          ...{
            ROOT: host.root,
            FLEET: "test",
            TENANT: "acme",
            CONTAINER: "c",
            IF_LOST: "refuse",
            PATIENCE: -1,
          },
          ...{ REPLICAS: "none", NGINX: "n", NGINX_CONTAINER: "n", SITE: "s" },
        },
      },
    ]);
    expect(status).toBe(1);
    expect(stderr).not.toContain("asked");
  });
});
