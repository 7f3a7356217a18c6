import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drillsFile, drillTimer } from "../../../components/host/drills.ts";
import { Workbench } from "./script.ts";

/** The image's program, as far as the script hears of it; the container that backs up; nothing else. */
const docker = `
printf '%s\\n' "$*" >>"$BENCH/asked"
case $* in
  "inspect "*) cat "$BENCH/agent" ;;
  *"drill.mjs outcome "*) printf '{"ok":%s,"snapshot":"%s","why":"%s"}\\n' "$(echo "$*" | sed 's/.*outcome \\([a-z]*\\).*/\\1/')" "$(echo "$*" | awk '{ print $(NF - 1) }')" "$(tr -d '\\n"')" ;;
  *"drill.mjs due /shown/"*) cat "$BENCH/due" ;;
  "exec --interactive"*) cat >>"$BENCH/kept"; exit "$(cat "$BENCH/keeps")" ;;
esac`;

/** Scripts beside it: each says what it was asked, and fails where the test says so. */
const script = (name: string, says: string) => `#!/bin/sh
echo "${name} \${VERB:-$ACTION} \${TENANT:-} \${NAME:-}" >>"$BENCH/did"
if [ -e "$BENCH/no-${name}-\${VERB:-$ACTION}" ]; then cat "$BENCH/no-${name}-\${VERB:-$ACTION}" >&2; exit 1; fi
${says}
`;

describe("drill.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
    for (const [file, text] of Object.entries({
      ...{ agent: "sha256:1f", due: "due", keeps: "0", did: "", asked: "", kept: "" },
      "backup/drills": "acme webui:v1 1000 2 512 60 postgres:15\nglobex webui:v2 1000 1 256 60 postgres:15\n",
      "backup/status/acme.json": "{}",
      "scripts/backup.sh": script(
        "backup",
        `case $VERB in list) echo '[{"id":"aaaa1111","time":"x"},{"id":"bbbb2222","time":"y"}]' ;; fetch) mkdir -p "$FOLDER/data" && : >"$FOLDER/manifest.json"; if [ -e "$BENCH/dumps" ]; then : >"$FOLDER/database.dump"; fi ;; esac`,
      ),
      "scripts/backup-trial.sh": script(
        "trial",
        `case $ACTION in verify) cat "$BENCH/verdict" ;; compare) echo '{"compared":{}}' ;; esac`,
      ),
      "scripts/scratch-application.sh": script(
        "scratch",
        `case $ACTION in start) echo "\${DATABASE:-no database}" >>"$BENCH/databases" ;; sign-in) echo '{"users":1}' ;; esac`,
      ),
      "scripts/scratch-database.sh": script(
        "base",
        `case $ACTION in start) [ "$IMAGE" = postgres:15 ] ;; verify) cat "$BENCH/restored" ;; esac`,
      ),
      restored: '{"verified":{}}',
      verdict: '{"verified":{}}',
    }))
      host.write(file, text);
    host.program("docker", docker);
  });
  afterEach(() => host.remove());

  const run = (more: Record<string, string> = {}) =>
    host.run([
      {
        script: "drill",
        variables: {
          ROOT: host.root,
          STACK: "local",
          SCRIPTS: join(host.root, "scripts"),
          BENCH: host.root,
          ...more,
        },
      },
    ]);
  const read = (file: string) => readFileSync(join(host.root, file), "utf8");
  const lines = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  it("restores each tenant's latest backup, has it tried, and leaves nothing but its result", () => {
    const { status, stdout, stderr } = run({ TENANTS: "" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(lines(stdout)).toEqual([
      { tenant: "acme", drill: { ok: true, snapshot: "bbbb2222", why: "" } },
      { tenant: "globex", drill: { ok: true, snapshot: "bbbb2222", why: "" } },
    ]);
    const [acme = ""] = read("did").split("globex");
    const did = acme.split("\n").map((line) => line.split(" ").slice(0, 2).join(" "));
    expect(did.filter((line) => !line.endsWith(" remove")).join(", ")).toContain(
      "backup list, trial room, backup fetch, trial verify, trial place, scratch start, scratch sign-in, trial compare",
    );
    expect(read("asked")).toContain("exec --interactive owui-local-backup node /app/backup.mjs drilled acme");
    expect(readdirSync(join(host.root, "backup/drill"))).toEqual([]);
  });

  it("restores a dump into a Postgres of its own, adds that up, and has the application work on it", () => {
    host.write("dumps", "");
    expect(lines(run({ TENANTS: "acme" }).stdout)[0].drill.ok).toBe(true);
    const did = read("did")
      .split("\n")
      .map((line) => line.split(" ").slice(0, 2).join(" "));
    expect(did.filter((line) => !line.endsWith("remove")).join(", ")).toContain(
      "trial verify, trial place, base start, base verify, scratch start, scratch sign-in, trial compare",
    );
    // The application's loopback is the database's: it goes first.
    expect(did.slice(-3, -1)).toEqual(["scratch remove", "base remove"]);
    expect(read("databases")).toBe("owui-local-scratch-drill-acme-database\n");
  });

  it("tells of a dump that has other rows where it was restored, and of one that cannot be", () => {
    host.write("dumps", "");
    host.write("restored", '{"problems":["table chat has 3 rows instead of 4"]}');
    expect(lines(run({ TENANTS: "acme" }).stdout)[0].drill).toMatchObject({
      ok: false,
      why: expect.stringContaining("table chat has 3 rows instead of 4"),
    });
    host.write("no-base-start", "could not be restored");
    expect(lines(run({ TENANTS: "acme" }).stdout)[0].drill).toMatchObject({
      ok: false,
      why: expect.stringContaining("could not be restored"),
    });
  });

  it.each<[string, Record<string, string>, string]>([
    ["has none", { "no-backup-list": "no backup of acme" }, "no backup of acme"],
    ["has no room", { "no-trial-room": "4 MiB left" }, "4 MiB left"],
    [
      "cannot be fetched",
      { "no-backup-fetch": "ciphertext verification failed" },
      "ciphertext verification failed",
    ],
    ["is damaged", { verdict: '{"problems":["webui.db is missing"]}' }, "webui.db is missing"],
    ["does not start", { "no-scratch-start": "ended with code 3" }, "ended with code 3"],
    ["lets nobody in", { "no-scratch-sign-in": "its admin cannot sign in" }, "its admin cannot sign in"],
    ["shows other rows", { "no-trial-compare": "table chat" }, "table chat"],
  ])("tells of a tenant whose backup %s, removes all of it, and goes on with the next", (_, files, why) => {
    for (const [file, text] of Object.entries(files)) host.write(file, text);
    const { status, stdout } = run({ TENANTS: "acme globex" });
    expect(status).toBe(0);
    const [acme, globex] = lines(stdout);
    expect(acme.drill).toMatchObject({ ok: false, why: expect.stringContaining(why) });
    expect(globex.tenant).toBe("globex");
    expect(read("did")).toMatch(/scratch remove {2}drill-globex\nbase remove {2}drill-globex\n$/);
    expect(readdirSync(join(host.root, "backup/drill"))).toEqual([]);
  });

  it("takes only those that were named, or are due", () => {
    expect(lines(run({ TENANTS: "globex" }).stdout).map(({ tenant }) => tenant)).toEqual(["globex"]);
    host.write("due", "");
    expect(run({ TENANTS: "", DUE: "1" }).stdout).toBe("");
  });

  it("removes what a killed run left", () => {
    mkdirSync(join(host.root, "backup/drill/removed-tenant/data"), { recursive: true });
    run({ TENANTS: "acme" });
    expect(readdirSync(join(host.root, "backup/drill"))).toEqual([]);
  });

  it("warns where its result could not be kept, and tells it all the same", () => {
    host.write("keeps", "1");
    const { stdout, stderr } = run({ TENANTS: "acme" });
    expect(lines(stdout)[0].drill.ok).toBe(true);
    expect(stderr).toContain("WARNING: how the trial restore of acme went could not be kept");
  });
});

describe("drill-timer.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
    host.program("systemctl", `echo "$*" >>${host.root}/asked`);
  });
  afterEach(() => host.remove());

  it("is told where and of which stack, and whether it is wanted", () => {
    expect(drillTimer("/srv/fleet", "prod", true)).toEqual({
      script: "drill-timer",
      variables: { ROOT: "/srv/fleet", STACK: "prod", WANTED: "yes" },
    });
    expect(drillTimer("/srv/fleet", "prod", false).variables.WANTED).toBe("no");
  });

  it("has the timer in systemd's folder, quoted as systemd reads it, and takes it away", () => {
    const timer = (WANTED: string) =>
      host.run([
        {
          script: "drill-timer",
          variables: { ROOT: '/srv/100% "own"', STACK: "prod", WANTED, UNITS: host.root },
        },
      ]);
    expect(timer("yes")).toMatchObject({ status: 0, stderr: "" });
    const unit = readFileSync(join(host.root, "owui-prod-drill.service"), "utf8");
    expect(unit).toContain('Environment="ROOT=/srv/100%% \\"own\\"" "STACK=prod" DUE=1');
    expect(unit).toContain("ExecStart=/bin/sh components/host/drill.sh");
    expect(readFileSync(join(host.root, "owui-prod-drill.timer"), "utf8")).toContain("OnCalendar=hourly");
    expect(timer("no").status).toBe(0);
    expect(readdirSync(host.root)).toEqual(["asked"]);
    expect(readFileSync(join(host.root, "asked"), "utf8")).toContain("disable --now owui-prod-drill.timer");
  });
});

describe("a host's list of drills", () => {
  it("has what an application takes of each tenant, and how often", () => {
    const spec = { id: "acme", image: "webui:v1", memory: { reserved: 1, limit: 1000 }, cpus: 2, pids: 512 };
    expect(drillsFile({ drill: 604_800, postgres: 15 }, [spec])).toMatchObject({
      path: "backup/drills",
      content: "acme webui:v1 1000 2 512 604800 postgres:15-bookworm\n",
    });
    expect(drillsFile({ drill: 1, postgres: 15 }, [])).toMatchObject({ content: "" });
  });
});
