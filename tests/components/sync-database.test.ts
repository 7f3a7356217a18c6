import { describe, expect, it } from "vitest";
import type { ReaderSpec } from "../../components/fleet-config.ts";
import { SyncDatabase } from "../../components/sync-database.ts";
import { declaredBy, isSecret, plain } from "./engine.ts";
import { declareHost, externalDatabase, syncSpec } from "./specs.ts";

const declared = ({
  running = true,
  preview = false,
  tenants = [] as string[],
  readers = [] as ReaderSpec[],
  database = syncSpec.database,
} = {}) =>
  declaredBy(
    () => {
      const { host, authority } = declareHost({ running });
      const spec = { ...syncSpec, database, readers };
      new SyncDatabase("database", { stack: "test", host, spec, tenants, running, authority });
    },
    { preview },
  );

/** As declared with nothing special; what several tests look at. */
const database = await declared();

describe("a fleet's database", () => {
  it("is a server, five roles, one database, one schema and what PUBLIC loses", () => {
    expect(database.below("database").filter((name) => !name.startsWith("database-server"))).toEqual([
      "database-analyst",
      "database-analyst-connect",
      "database-connect",
      "database-fleet",
      "database-fleet-provider",
      "database-home",
      "database-login",
      "database-login-password",
      "database-metadata",
      "database-owner",
      "database-postgres",
      "database-provider",
      "database-public",
      "database-reader",
      "database-service",
    ]);
  });

  it("outlives a destroyed stack with everything in it", () => {
    const inside = database.all.filter(({ type }) => type.startsWith("postgresql:"));
    expect(inside.map(({ name }) => name).sort()).toEqual([
      "database-analyst",
      "database-analyst-connect",
      "database-connect",
      "database-fleet",
      "database-login",
      "database-metadata",
      "database-owner",
      "database-public",
      "database-reader",
      "database-service",
    ]);
    for (const { protect, retainOnDelete } of inside)
      expect({ protect, retainOnDelete }).toEqual({ protect: true, retainOnDelete: true });
  });

  it("loses its server and nothing else while the fleet does not run", async () => {
    const [running, stopped] = [database, await declared({ running: false })];
    expect(running.below("database").filter((name) => !stopped.below("database").includes(name))).toEqual([
      "database-postgres",
    ]);
  });

  it("can be previewed before it exists", async () => {
    const { inputs } = (await declared({ preview: true })).one("database-fleet");
    expect(inputs).toMatchObject({ name: "fleet", owner: "fleet_owner" });
  });
});

describe("the roles of a fleet's database", () => {
  it("can do no more than they have to", () => {
    expect(database.one("database-owner").inputs).toEqual({ name: "fleet_owner", login: false });
    expect(database.one("database-service").inputs).toEqual({ name: "sync_service", login: false });
    expect(database.one("database-login").inputs).toMatchObject({
      name: "sync_main",
      login: true,
      roles: ["sync_service"],
    });
    expect(database.one("database-public").inputs).toMatchObject({ role: "public", privileges: [] });
    expect(database.one("database-connect").inputs).toMatchObject({
      role: "sync_service",
      privileges: ["CONNECT", "TEMPORARY"],
    });
  });

  it("are granted rights on one object one after the other", () => {
    expect(database.one("database-public").after).toContain("database-fleet");
    expect(database.one("database-connect").after).toContain("database-public");
    expect(database.one("database-analyst-connect").after).toContain("database-connect");
    expect(database.one("database-metadata").after).toContain("database-analyst-connect");
  });
});

describe("readers of a fleet's database", () => {
  const readers = declared({
    tenants: ["acme", "globex"],
    readers: [
      { id: "ana", tenants: null, columns: [] },
      { id: "bo", tenants: ["acme"], columns: [] },
    ],
  });

  it("have a group for all tenants, one for each, and one that may connect and no more", async () => {
    const fleet = await readers;
    const group = (name: string) => ({ name, login: false });
    expect(fleet.one("database-reader").inputs).toEqual(group("fleet_reader"));
    expect(fleet.one("database-readers-of-acme").inputs).toEqual(group("fleet_reader_acme"));
    expect(fleet.one("database-readers-of-globex").inputs).toEqual(group("fleet_reader_globex"));
    expect(fleet.one("database-analyst-connect").inputs).toMatchObject({
      role: "fleet_analyst",
      privileges: ["CONNECT"],
    });
  });

  it("sign in with a login each, a member of what it reads, with limits", async () => {
    const fleet = await readers;
    expect(fleet.one("database-reader-ana").inputs).toMatchObject({
      name: "reader_ana",
      login: true,
      roles: ["fleet_analyst", "fleet_reader"],
      connectionLimit: 5,
    });
    expect(fleet.one("database-reader-bo").inputs).toMatchObject({
      name: "reader_bo",
      roles: ["fleet_analyst", "fleet_reader_acme"],
    });
  });

  it("go with the config, over a connection to the database whose rights go with them", async () => {
    const { protect, retainOnDelete } = (await readers).one("database-reader-bo");
    expect({ protect, retainOnDelete }).toEqual({ protect: false, retainOnDelete: false });
    expect((await readers).one("database-fleet-provider").inputs).toMatchObject({ database: "fleet" });
  });

  it("are forgotten with a destroyed stack, whose server may be gone already", async () => {
    for (const name of ["database-reader-bo", "database-readers-of-acme"])
      expect((await readers).one(name).deletedWith).toBe("database-metadata");
  });

  it("stay declared while the fleet does not run, so that nothing has to reach a server that is not there", async () => {
    const stopped = await declared({ running: false, tenants: ["acme"] });
    expect(stopped.one("database-readers-of-acme").inputs).toEqual({
      name: "fleet_reader_acme",
      login: false,
    });
  });
});

describe("a fleet's Postgres server", () => {
  it("runs as its own user on a root it cannot write, reachable from the host's loopback alone", () => {
    expect(database.one("database-postgres").inputs).toMatchObject({
      name: "owui-test-postgres",
      user: "999:999",
      readOnly: true,
      capabilities: { drops: ["ALL"] },
      ports: [{ internal: 5432, external: 15_432, ip: "127.0.0.1" }],
      networksAdvanced: [{ name: "local-control-id" }],
    });
  });

  it("is told no password by its arguments or its environment", () => {
    const { inputs } = database.one("database-postgres");
    expect(inputs.envs).toBeUndefined();
    expect(JSON.stringify(inputs)).not.toMatch(/password of|stdout of/);
  });

  it("is believed only with the certificate of the stack's authority", () => {
    const { inputs } = database.one("database-provider");
    expect(inputs).toMatchObject({
      sslmode: "verify-full",
      sslrootcert: "/srv/fleet/postgres/config/ca.crt",
      host: "127.0.0.1",
    });
  });

  it("speaks over a network with TLS and a password only", () => {
    const { inputs } = database.one("database-home");
    const [line = ""] = String(plain(inputs.stdin)).match(/.*pg_hba.conf.*/) ?? [];
    const rules = Buffer.from(line.split(" ").at(-1) ?? "", "base64")
      .toString()
      .trim()
      .split("\n");
    expect(rules.map((rule) => rule.split(/\s+/))).toEqual([
      ["local", "all", "all", "peer"],
      ["hostssl", "all", "all", "all", "scram-sha-256"],
    ]);
  });
});

describe("a database that somebody else runs", async () => {
  const readers = [{ id: "bo", tenants: ["acme"], columns: [] }];
  const elsewhere = await declared({ tenants: ["acme"], readers, database: externalDatabase });

  it("gets roles, a schema and what its owner may do; no server, and no database of its own", () => {
    expect(elsewhere.below("database")).toEqual([
      "database-admin",
      "database-analyst",
      "database-analyst-connect",
      "database-connect",
      "database-login",
      "database-login-password",
      "database-metadata",
      "database-owner",
      "database-owner-create",
      "database-provider",
      "database-reader",
      "database-reader-bo",
      "database-reader-bo-password",
      "database-readers-of-acme",
      "database-service",
    ]);
  });

  it("is signed in to as an administrator who is no superuser, and believed by its own authority only", () => {
    const { inputs } = elsewhere.one("database-provider");
    expect(inputs).toMatchObject({
      ...{ host: "pooler.example.com", port: "5432", database: "postgres" },
      ...{ username: "postgres.abcdefgh", databaseUsername: "postgres", superuser: "false" },
      ...{ sslmode: "verify-full", sslrootcert: "certificates/pooler.crt" },
    });
    expect(isSecret(inputs.password)).toBe(true);
  });

  it("has the administrator act for the schemas' owner before anything is made in its name", () => {
    const { inputs, after } = elsewhere.one("database-admin");
    expect(inputs).toEqual({ role: "postgres", grantRole: "fleet_owner" });
    expect(after).toEqual(["database-owner"]);
    expect(elsewhere.one("database-owner-create").after).toContain("database-admin");
    expect(elsewhere.one("database-metadata").after).toContain("database-analyst-connect");
  });

  it("takes from nobody else what they may do in it", () => {
    const grants = elsewhere.all.filter(({ type }) => type.endsWith(":Grant"));
    expect(grants.map(({ inputs }) => [inputs.role, inputs.database, inputs.privileges])).toEqual([
      ["fleet_owner", "postgres", ["CREATE", "CONNECT", "TEMPORARY"]],
      ["sync_service", "postgres", ["CONNECT", "TEMPORARY"]],
      ["fleet_analyst", "postgres", ["CONNECT"]],
    ]);
  });

  it("keeps its roles when the stack is destroyed, but for the readers, whose logins go", () => {
    expect(elsewhere.one("database-owner")).toMatchObject({ protect: true, retainOnDelete: true });
    expect(elsewhere.one("database-reader-bo")).toMatchObject({
      protect: false,
      retainOnDelete: false,
      deletedWith: "",
    });
  });
});
