import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  administrator,
  olderStates,
  removeOlderStates,
  stateOfTenant,
} from "../../../fleet/erasure/state.ts";
import { countsText, leftovers } from "../../../fleet/erasure/survey.ts";

const urn = (type: string, name: string) => `urn:pulumi:local::open-webui-infrastructure::${type}::${name}`;
const tenant = (name: string) => ({ urn: urn("owui:fleet:Tenant", name), type: "owui:fleet:Tenant" });
const below = (parent: { urn: string }, name: string) => ({
  ...{ urn: urn("owui:fleet:Tenant$x:index:X", name), type: "x:index:X", parent: parent.urn },
});

describe("what a state holds of a tenant", () => {
  const [acme, eu] = [tenant("acme"), tenant("acme-eu")];
  const own = below(acme, "acme-home");
  const deeper = below(own, "inner");
  const readers = {
    urn: urn("postgresql:index/role:Role", "database-readers-of-acme"),
    type: "postgresql:index/role:Role",
  };
  const all = [
    acme,
    eu,
    own,
    deeper,
    below(eu, "acme-eu-home"),
    readers,
    { urn: urn("x", "acme"), type: "x" },
  ];

  it("is its component, all below it, and its readers' group", () => {
    expect(stateOfTenant(all, "acme")).toEqual([acme.urn, own.urn, deeper.urn, readers.urn]);
  });

  it("is nothing of one whose name begins alike, and nothing once it is gone", () => {
    expect(stateOfTenant(all, "acm")).toEqual([]);
    expect(stateOfTenant([eu, below(eu, "acme-eu-home")], "acme")).toEqual([]);
  });
});

describe("who administers the database", () => {
  const replicas = {
    host: "127.0.0.1",
    port: 5432,
    database: "fleet",
    user: "sync_main",
    password: "of the nodes",
  };
  const provider = (inputs: Record<string, unknown>) => ({
    ...{
      urn: urn("pulumi:providers:postgresql", "database-provider"),
      type: "pulumi:providers:postgresql",
      inputs,
    },
  });

  it.each([
    ["as they are", { username: "postgres", password: 'p"w' }],
    ["as secrets", { username: "postgres", password: { "4dab": "1b47", plaintext: '"p\\"w"' } }],
  ])("is read from the stack's own provider, whose inputs stand there %s", (_, inputs) => {
    expect(administrator([provider(inputs)], replicas)).toEqual({
      ...replicas,
      user: "postgres",
      password: 'p"w',
    });
  });

  it("is not guessed", () => {
    expect(() => administrator([provider({ host: "x" })], replicas)).toThrow(/npm run up/);
  });
});

describe("older states", () => {
  let folder: string;
  const file = (name: string, text: string) => {
    const path = join(folder, ".pulumi", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "states-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("that name the tenant go, of this stack only; what is in force and names another stays", async () => {
    const own = JSON.stringify([tenant("acme")]);
    const project = "open-webui-infrastructure";
    const record = (id: string) => JSON.stringify({ config: { [`${project}:tenants`]: { [id]: {} } } });
    const left = (id: string, output: string) => {
      const outputs = { tenants: {}, backupPasswords: {}, [output]: { [id]: {} } };
      const resources = [{ urn: urn("pulumi:pulumi:Stack", "local"), type: "pulumi:pulumi:Stack", outputs }];
      return JSON.stringify({ version: 3, checkpoint: { latest: { resources } } });
    };
    const gone = [
      file(`backups/${project}/local/local.2.json`, left("acme", "tenants")),
      file(`backups/${project}/local/local.3.json`, left("acme", "backupPasswords")),
      file(`history/${project}/local/local-1.checkpoint.json`, own),
      file(`history/${project}/local/local-1.history.json`, record("acme")),
      file(`backups/${project}/local/local.1.json`, own),
      file(`stacks/${project}/local.json.bak`, own),
    ];
    const kept = [
      file(`stacks/${project}/local.json`, own),
      file(`stacks/${project}/other.json.bak`, own),
      file(`history/${project}/other/other-1.checkpoint.json`, own),
      file(`history/${project}/local/local-2.checkpoint.json`, JSON.stringify([tenant("acme-eu")])),
      file(`history/${project}/local/local-2.history.json`, record("acme-eu")),
      file(`backups/${project}/local/local.4.json`, left("acme-eu", "tenants")),
      file(`history/${project}/local/local-1.history.json.attrs`, "{}"),
      file(`history/${project}/local/local-3.history.json`, '{"cut off'),
    ];
    const found = await olderStates("local", "acme", folder);
    expect(found.sort()).toEqual(gone.sort());
    expect(await removeOlderStates(found)).toBe(6);
    expect(gone.some(existsSync)).toBe(false);
    expect(kept.every(existsSync)).toBe(true);
    expect(await olderStates("local", "acme", folder)).toEqual([]);
  });

  it("are none where there is no folder", async () => {
    expect(await olderStates("local", "acme", join(folder, "none"))).toEqual([]);
  });
});

describe("what is left", () => {
  const nothing = {
    hosts: { local: { identity: null, things: [], logs: { nginx: 3 } } },
    stored: { objects: 0, bytes: 0, versions: true },
    state: [],
    older: [],
  };
  const database = (found: Record<string, number>) => ({
    found,
    state: "erased",
    url: null,
    live_database: null,
  });

  it("is nothing where only what an erasure does not reach is found", () => {
    expect(leftovers({ ...nothing, database: database({ schemas: 0, rows: 0 }) })).toEqual([]);
  });

  it("is told place by place", () => {
    const things = [{ kind: "directory" as const, bytes: 1, what: "/data/tenants/acme" }];
    expect(
      leftovers({
        ...{ hosts: { fra1: { identity: null, things, logs: {} } }, state: ["urn"], older: ["a", "b"] },
        stored: { objects: 12, bytes: 3_000_000, versions: true },
        database: database({ schemas: 1, rows: 412 }),
      }),
    ).toEqual([
      "directory /data/tenants/acme on host fra1",
      "in the database: 1 schemas, 412 rows",
      expect.stringMatching(/^backups: 12 objects, /),
      "1 resources in the stack's state",
      "2 older states of the stack",
    ]);
    expect(countsText({ schemas: 0 })).toBe("nothing");
  });
});
