import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExternalDatabaseSpec, ReaderSpec } from "../../components/fleet-config.ts";
import { SyncDatabase } from "../../components/sync-database.ts";
import { apply } from "../../sync-runtime/database/apply.ts";
import type { Connection } from "../../sync-runtime/database/connection.ts";
import { guard } from "../../sync-runtime/restore/guard.ts";
import { ReplicaSnapshot } from "../../sync-runtime/restore/replica-snapshot.ts";
import { restore } from "../../sync-runtime/restore/restore.ts";
import { certifyServer } from "../../toolchain/fakes/server-certificate.ts";
import { type Supabase, startSupabase } from "../../toolchain/fakes/supabase/supabase.ts";
import { AgentProcess } from "../support/agent-process.ts";
import { until } from "../support/fleet/until.ts";
import { NodeProcess } from "../support/node-process.ts";
import { Pooler } from "../support/pgbouncer/pooler.ts";
import { intentOf } from "../support/postgres.ts";
import { ProjectDoor } from "../support/supabase/project-door.ts";
import { createWebuiDatabase } from "../support/webui-database.ts";
import { functionsOf, tablesOf } from "../sync-runtime/database/catalog.ts";
import { ownName } from "../toolchain/providers/conformance/docker-command.ts";
import { Stack } from "../toolchain/providers/conformance/stack.ts";
import { syncSpec } from "./specs.ts";

const project = "abcdefghijklmnopqrst";
const home = mkdtempSync(join(tmpdir(), "supabase-"));
const resources: AsyncDisposable[] = [];
let supabase: Supabase;
let pooler: Pooler;
let door: ProjectDoor;
let stack: Stack;
let agent: AgentProcess;
/** The tenant's own database. */
let source: string;
/** How `up` reaches the database: through the pooler, as an administrator that is no superuser. */
let spec: ExternalDatabaseSpec;
/** The platform's own superuser, who looks at what came of it. */
let platform: pg.Client;

beforeAll(async () => {
  supabase = await startSupabase({ home, name: ownName("supabase"), names: ["localhost"] });
  pooler = await Pooler.start(supabase, "session", { ...supabase.superuser, asks: true });
  const tls = await certifyServer(["localhost"]);
  door = await ProjectDoor.open(project, tls, () => pooler.address);
  const file = join(home, "pooler-ca.crt");
  writeFileSync(file, tls.ca);
  const { database, user, password } = supabase;
  spec = {
    ...{ kind: "external", host: "localhost", port: door.port, database, password },
    ...{ user: `${user}.${project}`, ca: { pem: tls.ca, file } },
  };
  stack = await Stack.create();
  agent = await AgentProcess.start();
  source = join(agent.tenant("acme"), "webui.db");
  createWebuiDatabase(source, { schema: "v0.11.3-fresh", journal: "wal", chats: 20, odd: true });
  platform = new pg.Client({ ...supabase, ...supabase.superuser, ssl: { ca: supabase.ca } });
  await platform.connect();
});
afterAll(async () => {
  for (const resource of resources.reverse()) await resource[Symbol.asyncDispose]();
  await platform?.end();
  await agent?.[Symbol.asyncDispose]();
  await door?.[Symbol.asyncDispose]();
  await pooler?.[Symbol.asyncDispose]();
  await supabase?.remove();
  // Without its server nothing of it can be destroyed, and with it nothing of it needs to be.
  await stack?.forget();
  rmSync(home, { recursive: true });
});

/** The component alone, as a stack on an external database declares it. */
const program =
  (tenants: string[] = ["acme"], readers: ReaderSpec[] = []) =>
  () => {
    const declared = new SyncDatabase("database", {
      ...{ stack: "test", running: true, spec: { ...syncSpec, database: spec, readers }, tenants },
      // An external server needs neither a machine nor a certificate of the stack's.
      ...{ host: undefined as never, authority: undefined as never },
    });
    return {
      admin: declared.admin,
      access: declared.access,
      readers: declared.readers,
      nodes: declared.nodes,
    };
  };

const ana: ReaderSpec = { id: "ana", tenants: null, columns: [] };
const bo: ReaderSpec = { id: "bo", tenants: ["acme"], columns: [] };

/** Outputs as a connection of sync-runtime; secrets are opened. */
async function up(...declared: Parameters<typeof program>) {
  const { outputs, changes } = await stack.up(program(...declared));
  return {
    changes,
    admin: outputs.admin as Connection,
    access: outputs.access as Connection,
    readers: outputs.readers as Record<string, { role: string; password: string }>,
  };
}

async function asked<T>(connection: Connection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { ca, ...server } = connection;
  const client = new pg.Client({ ...server, ssl: { ca: ca as string } });
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "allowed",
    (error: pg.DatabaseError) => error.code ?? error.message,
  );

describe("a database of Supabase's kind, through its pooler", () => {
  let reached: Awaited<ReturnType<typeof up>>;

  test("is asked for replicas before anything of the fleet's is in it, and has none", async () => {
    const place = mkdtempSync(join(tmpdir(), "guard-"));
    for (const folder of ["data", "config"]) mkdirSync(join(place, folder));
    const identity = JSON.stringify({
      fleet: "test",
      tenant: "acme",
      id: "1",
      created: "2025-11-21T12:00:00Z",
    });
    for (const file of ["config/identity.json", "data/.owui-identity.json"])
      writeFileSync(join(place, file), identity);
    const { kind: _, ca, ...connection } = spec;
    const asking = { home: place, fleet: "test", tenant: "acme", container: "owui-acme", running: false };
    const connected = { connection: { ...connection, ca: ca.pem } };
    expect(await guard({ ...asking, ...connected, ifLost: "refuse" })).toBe("");
    await expect(guard({ ...asking, ...connected, ifLost: "replica" })).rejects.toThrow(/no row of acme/);
    rmSync(place, { recursive: true });
  });

  test("gets roles and schema from an administrator who is no superuser; a second run changes nothing", async () => {
    reached = await up(["acme"], [ana, bo]);
    expect(reached.access).toMatchObject({ user: `sync_main.${project}`, ca: spec.ca.pem });
    expect(reached.readers.ana?.role).toBe(`reader_ana.${project}`);
    expect(await stack.preview(program(["acme"], [ana, bo]))).toEqual({});
    expect(await stack.refresh()).toEqual({});
    expect(await stack.preview(program(["acme"], [ana, bo]))).toEqual({});
  });

  test("gives the fleet's roles no power over the server", async () => {
    const { rows } = await platform.query(
      `SELECT rolname FROM pg_roles
       WHERE (rolname LIKE 'fleet\\_%' OR rolname LIKE 'sync\\_%' OR rolname LIKE 'reader\\_%')
         AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)`,
    );
    expect(rows).toEqual([]);
  });

  test("is migrated and told what is declared", async () => {
    const intent = intentOf(["acme"]);
    const identity = "urn:owui:agent:local";
    const declared = {
      ...intent,
      hosts: [{ id: "local", agent: { address: `127.0.0.1:${agent.port}`, identity } }],
      tenants: intent.tenants.map((tenant) => ({ ...tenant, interval: 3600 })),
      readers: [
        { role: "reader_ana", tenants: null, columns: [] },
        { role: "reader_bo", tenants: ["acme"], columns: [] },
      ],
    };
    const first = await apply({ connection: reached.admin, intent: declared });
    expect(first.migrated.length).toBe(first.version);
    expect(await apply({ connection: reached.admin, intent: declared })).toMatchObject({ migrated: [] });
  });

  test("is written by two nodes; one takes over from the other", async () => {
    const file = join(home, "pooler-ca.crt");
    const { password, ...access } = reached.access;
    const options = {
      authority: agent.authority,
      database: { credentials: () => ({ ...access, password }) },
      postgres: { ca: file },
    };
    const [first, second] = [
      await NodeProcess.start({ ...options, node: "a" }),
      await NodeProcess.start({ ...options, node: "b" }),
    ];
    resources.push(first, second);
    const synced = async (node: NodeProcess, kind: "sync" | "verify" = "sync") => {
      const { rows } = await platform.query("SELECT clock_timestamp()::text AS now");
      if (kind === "sync") await node.trigger("acme");
      else expect(await node.order("verify", "acme")).toBe(202);
      return until(`a ${kind} is finished`, async () => {
        const found = await platform.query(
          `SELECT status, error FROM sync_metadata.sync_jobs
           WHERE tenant = 'acme' AND started_at > $1 AND finished_at IS NOT NULL`,
          [rows[0].now],
        );
        return found.rows[0];
      });
    };
    // The first sync is due by itself.
    await until("acme has a replica", async () => {
      const { rows } = await platform.query("SELECT FROM sync_metadata.sync_jobs WHERE status = 'success'");
      return rows.length > 0;
    });
    using own = new DatabaseSync(source);
    own.exec("UPDATE chat SET title = 'changed'");
    expect(await synced(first)).toEqual({ status: "success", error: null });
    expect(await synced(first, "verify")).toEqual({ status: "success", error: null });
    own.exec("UPDATE chat SET title = 'changed again'");
    await first.stop("SIGKILL");
    expect(await synced(second)).toEqual({ status: "success", error: null });
  });

  test.each(["anon", "authenticated", "service_role", "authenticator"])(
    "shuts %s out of every table and function of the fleet's",
    async (role) => {
      const schemas = await platform.query(
        `SELECT nspname FROM pg_namespace WHERE (nspname = 'sync_metadata' OR nspname LIKE 'tenant\\_%')
           AND has_schema_privilege($1, oid, 'USAGE, CREATE')`,
        [role],
      );
      expect(schemas.rows).toEqual([]);
      const tables = await tablesOf(platform, role);
      const functions = await functionsOf(platform, role);
      expect(tables.length).toBeGreaterThan(40);
      expect(functions.length).toBeGreaterThan(20);
      expect([...tables, ...functions].filter(({ granted }) => granted)).toEqual([]);
      const refused = await asked({ ...supabase, user: "authenticator" }, async (client) => {
        await client.query(`SET ROLE ${role}`);
        return codeOf(client.query("SELECT * FROM tenant_acme.chat"));
      });
      expect(refused).toBe("42501");
    },
  );

  test("lets readers read what they may, under logins that name the project too", async () => {
    const { readers, access } = reached;
    const login = (reader: "ana" | "bo") => ({
      ...access,
      user: readers[reader]?.role as string,
      password: readers[reader]?.password as string,
    });
    for (const reader of ["ana", "bo"] as const)
      await asked(login(reader), async (client) => {
        const { rows } = await client.query("SELECT title FROM tenant_acme.chat LIMIT 1");
        expect(rows).toEqual([{ title: "changed again" }]);
        expect(await codeOf(client.query("SELECT password FROM tenant_acme.auth"))).toBe("42501");
        expect(await codeOf(client.query("DELETE FROM tenant_acme.chat"))).toBe("42501");
        expect(await codeOf(client.query("SELECT * FROM sync_metadata.sync_jobs"))).toBe("42501");
      });
  });

  test("gives a database back, as the cluster's login and as the administrator", async () => {
    for (const [index, connection] of [reached.access, reached.admin].entries()) {
      const to = join(home, `restored-${index}.db`);
      const restored = await restore({ connection, tenant: "acme", to, force: false, held: false });
      expect(restored).toMatchObject({ missing: [] });
      using file = new DatabaseSync(to, { readOnly: true });
      expect(file.prepare("SELECT DISTINCT title FROM chat WHERE title LIKE 'changed%'").all()).toEqual([
        { title: "changed again" },
      ]);
    }
  });

  test("ends no long statement of a restore, whatever the server does to others", async () => {
    expect((await platform.query("SHOW statement_timeout")).rows).toEqual([{ statement_timeout: "2min" }]);
    await using snapshot = await ReplicaSnapshot.open(reached.access, "acme");
    expect(await snapshot.ask("SHOW statement_timeout", [])).toEqual([{ statement_timeout: "0" }]);
  });

  test("takes readers and tenants that come and go", async () => {
    const { changes } = await up(["acme", "globex"], [bo]);
    expect(
      Object.entries(changes)
        .map(([name, { steps }]) => `${name}: ${steps}`)
        .sort(),
    ).toEqual([
      "database-reader-ana-password: delete",
      "database-reader-ana: delete",
      "database-readers-of-globex: create",
    ]);
    const { rows } = await platform.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'reader\\_%'");
    expect(rows).toEqual([{ rolname: "reader_bo" }]);
  });

  test("is not believed by the certificate of another authority, nor under another name", async () => {
    const { access } = reached;
    const { ca } = await certifyServer(["localhost"]);
    expect(await codeOf(asked({ ...access, ca }, async () => {}))).toBe("CERT_SIGNATURE_FAILURE");
    expect(await codeOf(asked({ ...access, host: "127.0.0.1" }, async () => {}))).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
    await expect(
      restore({
        ...{ tenant: "acme", force: false, held: false },
        connection: { ...access, ca },
        to: join(home, "none.db"),
      }),
    ).rejects.toThrow(/cannot be asked/);
  });
});
