import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

/** A docker that knows one container, notes what it is asked, and answers as the test says. */
const docker = `
printf '%s\\n' "$*" >>"$BENCH/asked"
case "$*" in
  "container inspect --format {{.State.Running}} h7") cat "$BENCH/running" ;;
  "container inspect --format {{.State.Running}} {{if"*) cat "$BENCH/health" ;;
  "container inspect --format {{.Id}} h7") [ -e "$BENCH/running" ] && echo id ;;
  "container inspect --format {{range .Config.Env}}"*) cat "$BENCH/variables" ;;
  "container inspect --format {{.Image}} owui-test-agent") echo sha256:agent ;;
  "stop "*) echo false >"$BENCH/running" ;;
  "start "*) echo true >"$BENCH/running" ;;
  "cp h7:"*) [ -e "$BENCH/key-file" ] && tar -C "$BENCH" -c key-file ;;
  "run "*) cat ;;
esac`;

describe("adoption.sh", () => {
  let host: Workbench;
  const home = (path = "") => join(host.root, "tenants/acme", path);
  const read = (path: string) => readFileSync(home(path), "utf8");
  const asked = () => readFileSync(join(host.root, "asked"), "utf8");

  beforeEach(() => {
    host = new Workbench();
    host.program("docker", `BENCH=${host.root}${docker}`);
    host.program("sleep", "exit 0");
    host.program("chown", "exit 0");
    for (const [path, text] of Object.entries({
      running: "true",
      health: "true healthy",
      variables: "PATH=/bin\n",
      asked: "",
      "tenants/acme/config/identity.json": '{"tenant":"acme"}\n',
      "tenants/acme/config/webui_secret_key": "the tenant's own",
      "tenants/acme/data/.owui-identity.json": '{"tenant":"acme"}\n',
      "tenants/acme/adoption/data/webui.db": "adopted",
      "tenants/acme/adoption/data/uploads/a": "a file",
      "tenants/acme/adoption/key": "the source's",
    }))
      host.write(path, text);
  });
  afterEach(() => host.remove());

  const run = (ACTION: string, more: Record<string, string | number> = {}) =>
    host.run([
      {
        script: "adoption",
        variables: {
          ...{ ACTION, STACK: "test", ROOT: host.root, TENANT: "acme", OPERATION: 7, CONTAINER: "h7" },
          ...{ FILE: "", LIMIT: 2, POLICY: "on-failure:5", RAN: "true", ...more },
        },
      },
    ]);

  const inPlace = () => {
    expect(read("data/webui.db")).toBe("adopted");
    expect(read("data/uploads/a")).toBe("a file");
    expect(read("data/.owui-identity.json")).toBe(read("config/identity.json"));
    expect(read("config/webui_secret_key")).toBe("the source's");
    expect(readdirSync(home("data.before-7"))).toEqual([".owui-identity.json"]);
  };
  const asBefore = () => {
    expect(readdirSync(home("data"))).toEqual([".owui-identity.json"]);
    expect(read("config/webui_secret_key")).toBe("the tenant's own");
    expect(existsSync(home("data.before-7"))).toBe(false);
  };

  it("puts a copy in place with the tenant's mark and the source's key, and takes it back with all in it", () => {
    expect(run("place")).toMatchObject({ status: 0, stderr: "" });
    inPlace();
    expect(statSync(home("data")).mode & 0o7777).toBe(0o2750);
    expect(statSync(home("config/webui_secret_key")).mode & 0o7777).toBe(0o600);
    host.write("tenants/acme/data/written-since", "by people");
    expect(run("displace").stdout).toBe(`${home("data.adopted-7")}\n`);
    asBefore();
    expect(read("data.adopted-7/written-since")).toBe("by people");
  });

  it("does either again after it was done, wholly or in part", () => {
    for (const _ of [1, 2]) expect(run("place").status).toBe(0);
    inPlace();
    for (const _ of [1, 2]) expect(run("displace").status).toBe(0);
    asBefore();
  });

  it.each([1, 2, 3])("is put in place whatever ended it before its rename number %d", (last) => {
    // The renames that it makes, in their order; the one at hand does not happen, as of a killed script.
    host.program(
      "mv",
      `n=$(cat ${host.root}/moved 2>/dev/null || echo 0); n=$((n + 1)); echo $n >${host.root}/moved; [ $n -lt ${last} ] || exit 9; exec /bin/mv "$@"`,
    );
    expect(run("place").status).not.toBe(0);
    // What stands there is the tenant's with its mark, or nothing: never a part.
    if (existsSync(home("data"))) expect(read("data/.owui-identity.json")).toBe(read("config/identity.json"));
    rmSync(join(host.programs, "mv"));
    expect(run("place").status).toBe(0);
    inPlace();
  });

  it.each([1, 2, 3])("is taken back whatever ended that before its rename number %d", (last) => {
    run("place");
    host.program(
      "mv",
      `n=$(cat ${host.root}/moved 2>/dev/null || echo 0); n=$((n + 1)); echo $n >${host.root}/moved; [ $n -lt ${last} ] || exit 9; exec /bin/mv "$@"`,
    );
    expect(run("displace").status).not.toBe(0);
    rmSync(join(host.programs, "mv"));
    expect(run("displace").status).toBe(0);
    asBefore();
    expect(read("data.adopted-7/webui.db")).toBe("adopted");
  });

  it("never takes the place of a database", () => {
    host.write("tenants/acme/data/webui.db", "the tenant's own");
    expect(run("vacant").stdout).toBe("no\n");
    expect(run("place")).toMatchObject({ status: 1, stderr: expect.stringMatching(/has data of its own/) });
    expect(read("data/webui.db")).toBe("the tenant's own");
  });

  it("does not follow a mark that the source made a link of", () => {
    const victim = join(host.root, "victim");
    writeFileSync(victim, "untouched");
    symlinkSync(victim, home("adoption/data/.owui-identity.json"));
    expect(run("place").status).toBe(0);
    expect(readFileSync(victim, "utf8")).toBe("untouched");
    inPlace();
  });

  it("ends what is confirmed: the copy's rest goes, and the data stays", () => {
    run("place");
    expect(run("clean").status).toBe(0);
    expect(read("data/webui.db")).toBe("adopted");
    expect(readdirSync(home()).sort()).toEqual(["config", "data"]);
    expect(existsSync(home("config/webui_secret_key.before-7"))).toBe(false);
  });

  it("keeps what stood there before, if it was more than a mark", () => {
    host.write("tenants/acme/data/notes", "an operator's");
    run("place");
    run("clean");
    expect(read("data.before-7/notes")).toBe("an operator's");
  });

  describe("a secret key", () => {
    it.each([
      [
        "the environment",
        () => host.write("variables", "PATH=/bin\nWEBUI_SECRET_KEY=from 'env' $x\n"),
        "from 'env' $x",
        "WEBUI_SECRET_KEY",
      ],
      [
        "its older variable",
        () => host.write("variables", "WEBUI_SECRET_KEY=\nWEBUI_JWT_SECRET_KEY=older\n"),
        "older",
        "WEBUI_JWT_SECRET_KEY",
      ],
      [
        "a file in the container",
        () => host.write("key-file", "in a file"),
        "in a file",
        "file /app/backend/.webui_secret_key",
      ],
      [
        "a file that it names",
        () => {
          host.write("key-file", "named");
          host.write("variables", "WEBUI_SECRET_KEY_FILE=/run/key\n");
        },
        "named",
        "file /run/key",
      ],
    ])("comes from %s, and is not told", (_, prepare, key, origin) => {
      prepare();
      const { stdout, stderr } = run("key");
      expect([stdout, stderr]).toEqual([`${origin}\n`, ""]);
      expect(read("adoption/key")).toBe(key);
      expect(statSync(home("adoption/key")).mode & 0o777).toBe(0o600);
    });

    it("is none that stands in a link", () => {
      symlinkSync("/etc/hostname", join(host.root, "key-file"));
      expect(run("key").stdout).toBe("none\n");
      expect(existsSync(home("adoption/key"))).toBe(false);
    });

    it("comes from a file of the host, of a bare database", () => {
      host.write("bare", "beside it");
      expect(run("key", { CONTAINER: "", FILE: join(host.root, "bare") }).stdout).toMatch(/^file /);
      expect(read("adoption/key")).toBe("beside it");
    });
  });

  describe("a source", () => {
    it("is stopped so that no engine starts it again, and started as it was", () => {
      expect(run("stop").status).toBe(0);
      expect(asked()).toMatch(/update --restart=no h7\nstop --time 2 h7/);
      expect(run("start")).toMatchObject({ status: 0, stderr: "" });
      expect(asked()).toMatch(/update --restart=on-failure:5 h7\nstart h7/);
    });

    it("that did not run is not started", () => {
      expect(run("start", { RAN: "false" }).status).toBe(0);
      expect(asked()).not.toMatch(/^start/m);
    });

    it("that is gone, or ends at once, is told", () => {
      host.write("health", "false ");
      expect(run("start").stderr).toMatch(/was started and has ended/);
      rmSync(join(host.root, "running"));
      expect(run("start").stderr).toMatch(/no container h7 on this host any more/);
    });
  });

  it("reads inside a container that has no network and writes nothing but the copy", () => {
    const MOUNTS = `--mount 'type=bind,"source=/srv/a,b $(x)",target=/source,readonly'`;
    expect(run("copy", { MOUNTS, ASKED: '{"x":"\'"}' }).stdout).toBe('{"x":"\'"}');
    const [line = ""] = asked()
      .split("\n")
      .filter((one) => one.startsWith("run "));
    expect(line).toContain("--network none --cap-drop ALL --security-opt no-new-privileges --read-only");
    expect(line).toContain('--mount type=bind,"source=/srv/a,b $(x)",target=/source,readonly');
    expect(line).toContain(`--mount type=bind,source=${home("adoption")},target=/adoption`);
    expect(line).toMatch(/--cap-add DAC_OVERRIDE .*--entrypoint node sha256:agent \/app\/adopt\.mjs copy$/);
  });

  it("does nothing for a tenant that has no directory", () => {
    rmSync(home(), { recursive: true });
    mkdirSync(join(host.root, "tenants"), { recursive: true });
    expect(run("copy", { MOUNTS: "", ASKED: "{}" }).stderr).toMatch(/has no directory on this host yet/);
  });
});
