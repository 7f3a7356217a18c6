import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { ClientHost } from "../../components/client-host.ts";
import type { ReaderSpec } from "../../components/fleet-config.ts";
import { LocalMachine } from "../../components/machine/local-machine.ts";
import { SyncCluster } from "../../components/sync-cluster.ts";
import { SyncDatabase } from "../../components/sync-database.ts";
import { Tenant } from "../../components/tenant.ts";
import { declaredBy, plain } from "./engine.ts";
import { declareHost, externalDatabase, hostSpec, syncSpec, tenantSpec } from "./specs.ts";

const declared = ({
  running = true,
  preview = false,
  tenants = [tenantSpec()],
  readers = [] as ReaderSpec[],
  operatorKey = 1,
  generation = 1,
  place = syncSpec.database,
} = {}) =>
  declaredBy(
    () => {
      const shared = { stack: "test", running };
      const spec = { ...syncSpec, readers, operatorKey, database: place };
      const { host, edge, authority } = declareHost({
        running,
        authority: new CertificateAuthority("authority", { generation }),
      });
      const database = new SyncDatabase("database", {
        ...shared,
        host,
        spec,
        tenants: tenants.map(({ id }) => id),
        authority,
      });
      new SyncCluster("main", {
        ...shared,
        spec,
        watched: true,
        database,
        hosts: [host],
        tenants: tenants.map(
          (spec) => new Tenant(spec.id, { ...shared, host, spec, edge, replicas: database }),
        ),
        authority,
      });
    },
    { preview },
  );

/** What the first node's config file says. */
function configOf(cluster: Awaited<ReturnType<typeof declared>>): unknown {
  const [line = ""] =
    String(plain(cluster.one("main-node-a-home").inputs.stdin)).match(/.*node.json.*/) ?? [];
  return JSON.parse(Buffer.from(line.split(" ").at(-1) ?? "", "base64").toString());
}

/** As declared with nothing special; what several tests look at. */
const cluster = await declared();

describe("a sync cluster", () => {
  it("starts its nodes once the database is migrated", () => {
    expect(cluster.one("main-intent").after).toEqual(
      expect.arrayContaining(["database-login", "database-metadata"]),
    );
    expect(cluster.one("main-node-a").after).toEqual(
      expect.arrayContaining(["main-node-a-tls", "main-intent"]),
    );
  });

  it("replaces one node after the other, so that one always works", () => {
    expect(cluster.one("main-node-b").after).toEqual(
      expect.arrayContaining(["main-node-b-tls", "main-node-a"]),
    );
  });

  it("keeps certificates and keys, and writes to no database, while the fleet does not run", async () => {
    const [running, stopped] = [cluster, await declared({ running: false })];
    expect(running.below("main").filter((name) => !stopped.below("main").includes(name))).toEqual([
      "main-intent",
      "main-node-a",
      "main-node-b",
    ]);
  });

  it("can be previewed before anything exists", async () => {
    expect((await declared({ preview: true })).one("main-node-b").inputs).toMatchObject({
      name: "owui-test-node-b",
    });
  });

  it("restarts no node for a tenant more or less", async () => {
    const [one, two] = [
      cluster,
      await declared({ tenants: [tenantSpec(), tenantSpec({ id: "globex", port: 18_002 })] }),
    ];
    for (const node of ["main-node-a", "main-node-b"]) expect(two.one(node)).toEqual(one.one(node));
    expect(two.one("main-intent").inputs.stdin).not.toEqual(one.one("main-intent").inputs.stdin);
  });

  it("restarts neither node nor Postgres for another authority", async () => {
    const rotated = await declared({ generation: 2 });
    for (const container of ["main-node-a", "main-node-b", "database-postgres"])
      expect(rotated.one(container).inputs).toEqual(cluster.one(container).inputs);
    for (const files of ["main-node-a-tls", "main-node-b-tls", "database-server-tls"])
      expect(rotated.one(files).inputs).not.toEqual(cluster.one(files).inputs);
  });
});

describe("a node", () => {
  it("is nobody in particular, writes nowhere, and answers on the host's loopback", () => {
    expect(cluster.one("main-node-b").inputs).toMatchObject({
      user: "9443:9443",
      readOnly: true,
      capabilities: { drops: ["ALL"] },
      ports: [{ internal: 9443, external: 9444, ip: "127.0.0.1" }],
      mounts: [{ source: "/srv/fleet/nodes/b", target: "/etc/fleet", readOnly: true }],
      networksAdvanced: [{ name: "local-control-id" }],
    });
  });

  it("learns its database password from a file", () => {
    expect(JSON.stringify(cluster.one("main-node-a").inputs)).not.toContain("password of");
    expect(configOf(cluster)).toEqual({
      cluster: "main",
      node: "a",
      listen: { address: "0.0.0.0", port: 9443 },
      tls: { certificate: "/etc/fleet/tls.crt", key: "/etc/fleet/tls.key", ca: "/etc/fleet/ca.crt" },
      operatorKeys: ["public key of main-operator"],
      parallel: 5,
      lease: { beat: 1, duration: 3 },
      database: {
        host: "owui-test-postgres",
        port: 5432,
        database: "fleet",
        user: "sync_main",
        password: "password of database-login-password",
        ca: "/etc/fleet/ca.crt",
      },
    });
  });
});

describe("a node on another host than what watches it", async () => {
  const nodes = [
    { id: "a", host: "first", port: 9443 },
    { id: "b", host: "local", port: 9444 },
  ];
  const apart = async (watched: boolean) => {
    const seen: Record<string, string> = {};
    const fleet = await declaredBy(() => {
      const cluster = { ...syncSpec, host: "first", nodes, database: externalDatabase };
      const authority = new CertificateAuthority("authority", { generation: 1 });
      const hosts = ["first", "local"].map((id) => {
        const machine = Object.assign(new LocalMachine({ ...hostSpec, id, root: `/srv/${id}` }), {
          callers: pulumi.output(["10.0.0.9"]),
          privateAddress: pulumi.output(`private of ${id}`),
        });
        return new ClientHost(id, {
          ...{ stack: "test", running: true, machine, tenants: [], cluster, authority },
        });
      });
      const shared = { stack: "test", running: true, spec: cluster, authority };
      const [host] = hosts as [ClientHost, ClientHost];
      const database = new SyncDatabase("database", { ...shared, host, tenants: [] });
      const declared = new SyncCluster("main", { ...shared, watched, database, hosts, tenants: [] });
      for (const { id, address } of declared.watched)
        address.apply((address) => {
          seen[id] = address;
        });
      expect(declared.nodes).toEqual({
        a: { url: "https://localhost:9443", host: "first" },
        b: { url: "https://localhost:9444", host: "local" },
      });
    });
    return { fleet, seen };
  };

  it("runs in its own host's engine, from its own host's files", async () => {
    const { fleet } = await apart(true);
    expect(fleet.one("main-node-b").inputs.mounts).toMatchObject([{ source: "/srv/local/nodes/b" }]);
    expect(fleet.one("main-node-b").after).toEqual(
      expect.arrayContaining(["local-runtime-image", "main-node-a"]),
    );
    expect(fleet.one("main-node-a").inputs.mounts).toMatchObject([{ source: "/srv/first/nodes/a" }]);
  });

  it("answers there beside its loopback, under that address, and the other one does not", async () => {
    const { fleet, seen } = await apart(true);
    expect(fleet.one("main-node-b").inputs.ports).toEqual([
      { internal: 9443, external: 9444, ip: "127.0.0.1", protocol: "tcp" },
      { internal: 9443, external: 9444, ip: "private of local", protocol: "tcp" },
    ]);
    expect(fleet.one("main-node-b-request").inputs.ipAddresses).toEqual(["127.0.0.1", "private of local"]);
    expect(fleet.one("main-node-a").inputs.ports).toHaveLength(1);
    expect(seen).toEqual({ a: "node-a.main:9443", b: "private of local:9444" });
  });

  it("answers on its loopback alone where nothing watches", async () => {
    expect((await apart(false)).fleet.one("main-node-b").inputs.ports).toHaveLength(1);
  });
});

describe("a node of a database that somebody else runs", async () => {
  const elsewhere = await declared({ place: externalDatabase });

  it("signs in by the name that the pooler knows its login by, and believes the authority in a file of its own", () => {
    expect(configOf(elsewhere)).toMatchObject({
      database: {
        ...{ host: "pooler.example.com", port: 5432, database: "postgres" },
        ...{ user: "sync_main.abcdefgh", ca: "/etc/fleet/database-ca.crt" },
      },
    });
    const [line = ""] =
      String(plain(elsewhere.one("main-node-a-home").inputs.stdin)).match(/.*database-ca.crt.*/) ?? [];
    expect(Buffer.from(line.split(" ").at(-1) ?? "", "base64").toString()).toBe(externalDatabase.ca.pem);
  });

  it("is declared by an administrator of that database", () => {
    const { connection } = JSON.parse(String(plain(elsewhere.one("main-intent").inputs.stdin)));
    expect(connection).toEqual({
      ...{ host: "pooler.example.com", port: 5432, database: "postgres", user: "postgres.abcdefgh" },
      ...{ password: externalDatabase.password, ca: externalDatabase.ca.pem },
    });
  });
});

describe("the key that signs operators' tokens", () => {
  it("keeps its name while there was never another", () => {
    expect(cluster.below("main").filter((name) => name.includes("operator"))).toEqual(["main-operator"]);
  });

  it.each([
    [2, ["public key of main-operator-2", "public key of main-operator"]],
    [3, ["public key of main-operator-3", "public key of main-operator-2"]],
  ])("as number %i is accepted beside the one before it", async (operatorKey, accepted) => {
    expect(configOf(await declared({ operatorKey }))).toMatchObject({ operatorKeys: accepted });
  });
});

describe("what a cluster is told to replicate", () => {
  it("reaches the migrator by standard input, with every tenant, running or not", async () => {
    const conflicts = { default: "manual", tables: { chat: "merge" } } as const;
    const cluster = await declared({
      tenants: [
        tenantSpec({ running: false, sync: { interval: 60, paused: true, direction: "both", conflicts } }),
      ],
      readers: [{ id: "ana", tenants: ["acme"], columns: [{ table: "auth", column: "password" }] }],
    });
    const { inputs } = cluster.one("main-intent");
    expect(inputs.create).toBe("node sync-runtime/database/apply.ts");
    expect(JSON.parse(String(plain(inputs.stdin)))).toEqual({
      connection: {
        host: "127.0.0.1",
        port: 15_432,
        database: "fleet",
        user: "postgres",
        password: "stdout of database-home",
        ca: "certificate of authority-certificatecertificate of authority-certificate-2",
      },
      intent: {
        cluster: "main",
        settings: { verify: 604_800, tombstones: 7_776_000, quarantine: 5 },
        hosts: [
          {
            id: "local",
            agent: { address: "agent.local:8050", identity: "urn:owui:agent:local" },
            writer: { address: "writer.local:8051", identity: "urn:owui:writer:local" },
          },
        ],
        tenants: [
          {
            ...{ id: "acme", host: "local", url: "http://acme.localhost:8080" },
            ...{ interval: 60, paused: true, direction: "both", conflicts },
          },
        ],
        logins: [{ role: "sync_main", cluster: "main" }],
        readers: [
          { role: "reader_ana", tenants: ["acme"], columns: [{ table: "auth", column: "password" }] },
        ],
      },
    });
  });
});
