import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Supabase, startSupabase } from "../../../toolchain/fakes/supabase/supabase.ts";
import { run } from "../../support/fleet/command.ts";
import { ownName } from "../providers/conformance/docker-command.ts";

/** A fleet that does not run, so that all there is of it are files, keys, and roles in a database of somebody else's. */
const folder = mkdtempSync(join(tmpdir(), "recovery-"));
const home = join(folder, "home");
const kit = join(folder, "elsewhere/fleet.kit");
const config = join(folder, "Pulumi.recovered.yaml");
let supabase: Supabase;

beforeAll(async () => {
  supabase = await startSupabase({ home: folder, name: ownName("supabase"), names: ["localhost"] });
  const { port, password, ca } = supabase;
  writeFileSync(join(folder, "ca.crt"), ca);
  const database = {
    kind: "external",
    host: "localhost",
    port,
    user: "postgres",
    password,
    ca: join(folder, "ca.crt"),
  };
  const declared = {
    running: false,
    hosts: {
      local: { kind: "local", root: join(folder, "data"), http: { port: 28_880 }, agentPort: 28_850 },
    },
    tenants: { acme: { host: "local", domain: "acme.localhost", admin: { email: "admin@acme.example" } } },
    sync: {
      ...{ host: "local", database, readers: { ana: { tenants: "all" } } },
      nodes: { a: { port: 28_843 }, b: { port: 28_844 } },
    },
    monitoring: { prometheus: { port: 28_890 }, alertmanager: { port: 28_893 } },
  };
  writeFileSync(config, JSON.stringify({ config: declared }));
});
afterAll(async () => {
  await supabase?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const owui = (command: string, ...args: string[]) =>
  run(["node", "toolchain/up.mjs", command, "--stack", "recovered", "--config-file", config, ...args], {
    environment: { OWUI_HOME: home },
    mayFail: true,
  });
async function done(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await owui(command, ...args);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}
async function refused(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await owui(command, ...args);
  expect(code, stdout).toBe(1);
  return stdout + stderr;
}
/** How the cluster signs in, from the stack's outputs; a state whose secrets cannot be read has none. */
async function clusterSignsIn(): Promise<string> {
  const { user, password, port } = JSON.parse(
    await done("pulumi", "stack", "output", "replicas", "--json", "--show-secrets"),
  );
  const client = new pg.Client({
    host: "localhost",
    port,
    user,
    password,
    database: "postgres",
    ssl: { ca: supabase.ca },
  });
  await client.connect();
  try {
    return (await client.query("SELECT session_user AS who")).rows[0].who;
  } finally {
    await client.end();
  }
}
const previewed = async () => JSON.parse(await done("preview", "--json"));

describe("a stack's state", () => {
  let untouched: unknown;

  test("goes into a kit at every up, once it was asked for", async () => {
    expect(await refused("recovery", "use", "--from", kit)).toMatch(/elsewhere\/fleet.kit cannot be read/);
    await done("up");
    expect(existsSync(kit)).toBe(false);
    expect(await refused("recovery", "write")).toMatch(
      /Where the recovery kit of stack recovered goes is not said/,
    );
    const said = await done("recovery", "write", "--to", kit);
    const key = readFileSync(join(home, "recovery-key"), "utf8").trim();
    expect(said).not.toContain(key);
    expect((await done("recovery", "key")).trim()).toBe(key);
    expect(statSync(kit).mode & 0o777).toBe(0o600);
    const first = readFileSync(kit, "utf8");
    await done("up");
    expect(readFileSync(kit, "utf8")).not.toBe(first);
    untouched = await previewed();
    expect(await clusterSignsIn()).toBe("sync_main");
  });

  test("is not put over one that is there", async () => {
    expect(await refused("recovery", "use", "--from", kit)).toMatch(/has a state with \d+ resources/);
  });

  test("comes back from the kit when everything of it is lost: nothing is to be changed then", async () => {
    const key = join(folder, "key");
    writeFileSync(key, readFileSync(join(home, "recovery-key")));
    rmSync(home, { recursive: true });
    expect(await refused("recovery", "use", "--from", kit)).toMatch(/does not have the key of the kit/);
    await done("recovery", "use", "--from", kit, "--key-file", key);
    expect(await previewed()).toEqual(untouched);
    expect(await clusterSignsIn()).toBe("sync_main");
  });

  test("is made anew without a kit: what is there is in the way, until it is taken over", {
    timeout: 600_000,
  }, async () => {
    rmSync(home, { recursive: true });
    expect(await refused("up")).toMatch(/role "fleet_owner" already exists/);
    await done("up", "--adopt");
    expect(await previewed()).toEqual(untouched);
    expect(await clusterSignsIn()).toBe("sync_main");
  });
});
