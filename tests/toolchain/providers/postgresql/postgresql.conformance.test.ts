import postgresql from "@pulumi/postgresql";
import pulumi from "@pulumi/pulumi";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker as cli, ownName } from "../conformance/docker-command.ts";
import { isSecret } from "../conformance/stack.ts";
import { conformance } from "../conformance/suite.ts";

const server = ownName("postgres");
const root = { host: "127.0.0.1", user: "postgres", password: "root's own" };

conformance("postgresql", (stack) => {
  let port: number;

  // It is still starting when the first update connects: the provider waits for it.
  beforeAll(async () => {
    const image = "postgres:15-bookworm";
    const environment = `POSTGRES_PASSWORD=${root.password}`;
    const published = ["--publish", "127.0.0.1::5432"];
    await cli(
      "run",
      "--detach",
      "--name",
      server,
      ...published,
      "--env",
      environment,
      image,
      "-c",
      "log_statement=all",
    );
    port = Number((await cli("port", server, "5432")).split(":").at(-1));
  });
  afterAll(() => cli("rm", "--force", "--volumes", server));

  const query = async (text: string, as: Partial<typeof root> & { database?: string } = {}) => {
    const client = new pg.Client({ ...root, port, ...as });
    await client.connect();
    try {
      return (await client.query({ text, rowMode: "array" })).rows.flat();
    } finally {
      await client.end();
    }
  };

  const password = "it's a \\ secret";

  const database = (
    given: { limit?: number; database?: string; role?: string; privileges?: string[] } = {},
  ) => {
    const provider = new postgresql.Provider("server", {
      host: root.host,
      port,
      password: pulumi.secret(root.password),
      sslmode: "disable",
    });
    const owner = new postgresql.Role("owner", { name: "fleet_owner" }, { provider });
    const login = new postgresql.Role(
      "login",
      {
        name: given.role ?? "sync_main",
        login: true,
        password: pulumi.secret(password),
        roles: [owner.name],
        searchPaths: ["a b", "public"],
        connectionLimit: given.limit ?? 5,
      },
      { provider },
    );
    const fleet = new postgresql.Database(
      "fleet",
      { name: given.database ?? "fleet", owner: owner.name },
      { provider },
    );
    const schema = new postgresql.Schema(
      "schema",
      { name: "metadata", database: fleet.name, owner: owner.name },
      { provider },
    );
    const extension = new postgresql.Extension(
      "extension",
      { name: "pgcrypto", database: fleet.name },
      { provider },
    );
    const grant = new postgresql.Grant(
      "grant",
      {
        role: "public",
        database: fleet.name,
        schema: schema.name,
        objectType: "schema",
        privileges: given.privileges ?? ["USAGE"],
      },
      { provider },
    );
    return { ids: pulumi.all([owner.id, login.id, fleet.id, schema.id, extension.id, grant.id]) };
  };

  test("waits for a server that is starting; ids tell what belongs to what", async () => {
    const { outputs } = await stack().up(() => database());
    expect(outputs.ids).toEqual([
      "fleet_owner",
      "sync_main",
      "fleet",
      "fleet.metadata",
      "fleet.pgcrypto",
      "public_fleet_metadata_schema",
    ]);
  });

  test("what was asked for is there: the login works, and belongs to the owner", async () => {
    const login = { user: "sync_main", password, database: "fleet" };
    expect(await query("SHOW search_path", login)).toEqual(['"a b", public']);
    expect(await query("SELECT pg_has_role('fleet_owner', 'member')", login)).toEqual([true]);
    const owner = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'metadata'";
    expect(await query(owner, login)).toEqual(["fleet_owner"]);
  });

  test("defaults stand in the inputs; passwords are secret in the state", async () => {
    const { login, fleet, schema, server: provider } = await stack().state();
    expect(login?.inputs).toMatchObject({ encryptedPassword: true, inherit: true, validUntil: "infinity" });
    expect(fleet?.inputs).toMatchObject({ allowConnections: true, connectionLimit: -1 });
    expect(schema?.inputs).toMatchObject({ ifNotExists: true });
    expect([login?.inputs.password, login?.outputs.password, provider?.inputs.password].every(isSecret)).toBe(
      true,
    );
  });

  test("a second preview and a refresh change nothing", async () => {
    expect(await stack().refresh()).toEqual({});
    expect(await stack().preview(() => database())).toEqual({});
  });

  test("a refresh sees another connection limit and other privileges, but not another password", async () => {
    await query("ALTER ROLE sync_main CONNECTION LIMIT 9 PASSWORD 'other'");
    await query("GRANT CREATE ON SCHEMA metadata TO public", { database: "fleet" });
    expect(Object.keys(await stack().refresh()).sort()).toEqual(["grant", "login"]);
    expect(await stack().preview(() => database())).toEqual({
      login: { steps: ["update"], because: ["connectionLimit"] },
      grant: { steps: ["update"], because: ["privileges"] },
    });
  });

  test("privileges, limits and names change in place", async () => {
    const program = () => database({ limit: 7, role: "sync_other", privileges: ["CREATE"] });
    const { changes } = await stack().up(program);
    expect(changes.login).toEqual({ steps: ["update"], because: ["connectionLimit", "name"] });
    expect(changes.grant).toEqual({ steps: ["update"], because: ["privileges"] });
    expect(await query("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'sync_other'")).toEqual([7]);
    expect(
      await query("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'metadata'", { database: "fleet" }),
    ).toEqual(["{fleet_owner=UC/fleet_owner,=C/fleet_owner}"]);
  });

  test("renaming a database would replace what it holds", async () => {
    const program = () => database({ database: "renamed", limit: 7, role: "sync_other" });
    const changes = await stack().preview(program);
    expect(changes.fleet).toEqual({ steps: ["update"], because: ["name"] });
    for (const held of ["schema", "extension", "grant"]) expect(changes[held]?.steps).toContain("replace");
  });

  test("destroying leaves nothing behind", async () => {
    await stack().destroy();
    const left = "SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'";
    expect((await query(`${left} ORDER BY 1`)).sort()).toEqual(["postgres", "template0", "template1"]);
  });
});
