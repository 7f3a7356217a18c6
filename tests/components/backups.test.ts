import { describe, expect, it } from "vitest";
import { Backups } from "../../components/backups.ts";
import type { RepositorySpec, TenantSpec } from "../../components/fleet-config.ts";
import { backupLayout, versionOf } from "../../components/host/backup.ts";
import { backupBridge } from "../../components/host/egress.ts";
import { Tenant } from "../../components/tenant.ts";
import { declaredBy, plain } from "./engine.ts";
import { declareHost, replicas, tenantSpec } from "./specs.ts";

const folder: RepositorySpec = { kind: "folder", path: "/mnt/backups" };
const s3: RepositorySpec = {
  ...{ kind: "s3", endpoint: "https://s3.amazonaws.com", bucket: "b", region: "us-east-1" },
  ...{ keyId: "id", key: "secret half" },
};
const sftp: RepositorySpec = {
  ...{ kind: "sftp", address: "backups.example.com", port: 2222, user: "fleet", path: "/srv" },
  ...{ hostKey: "ssh-ed25519 AAAA", key: "private key" },
};
const secretive = tenantSpec({
  connections: [{ url: "https://models.example.com", key: "key of the model server" }],
  environment: { OPENAI_KEY: "value of the variable" },
});

const declared = (
  repository: RepositorySpec = folder,
  { running = true, specs = [secretive] }: { running?: boolean; specs?: TenantSpec[] } = {},
) =>
  declaredBy(() => {
    const { host, edge } = declareHost({ backedUp: true });
    const tenants = specs.map(
      (spec) => new Tenant(spec.id, { stack: "test", host, spec, replicas, edge, running: true }),
    );
    const spec = { repository, every: 21_600, keep: 2_592_000, drill: 604_800, postgres: 15 };
    new Backups("local-backups", { stack: "test", spec, host, tenants, running });
  });

/** What a layout puts into a file. */
const fileOf = (stdin: unknown, path: string): string => {
  const line = String(plain(stdin))
    .split("\n")
    .find((line) => line.split(" ")[3] === path);
  return Buffer.from(line?.split(" ")[4] ?? "", "base64").toString();
};

describe("what backs a host's tenants up", () => {
  it("has no capability, sees tenants' directories read-only, and with a folder no network at all", async () => {
    const { inputs, after } = (await declared()).one("local-backups-container");
    expect(inputs).toMatchObject({
      name: "owui-test-backup",
      command: ["node", "/app/backup.mjs"],
      user: "0:0",
      readOnly: true,
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges:true"],
      networkMode: "none",
    });
    expect(inputs.ports).toBeUndefined();
    expect(inputs.mounts).toEqual([
      { type: "bind", source: "/srv/fleet/tenants", target: "/tenants", readOnly: true },
      { type: "bind", source: "/srv/fleet/backup/config", target: "/etc/fleet", readOnly: true },
      { type: "bind", source: "/srv/fleet/backup/state", target: "/state", readOnly: false },
      { type: "bind", source: "/srv/fleet/backup/status", target: "/status", readOnly: false },
      { type: "bind", source: "/mnt/backups", target: "/repository", readOnly: false },
    ]);
    expect(after).toEqual(
      expect.arrayContaining(["acme-home", "local-backups-home", "local-backups-folder"]),
    );
  });

  it("is the same container whatever its tenants, their entries, the intervals and the keys are", async () => {
    const one = (await declared(s3)).one("local-backups-container").inputs;
    const other = { ...s3, key: "another key" } as RepositorySpec;
    const specs = [
      tenantSpec({ image: "ghcr.io/open-webui/open-webui:v0.9.6" }),
      tenantSpec({ id: "globex" }),
    ];
    expect((await declared(other, { specs })).one("local-backups-container").inputs).toEqual(one);
  });

  it.each([
    [s3, "plain"],
    [sftp, "ssh"],
  ] as const)(
    "reaches a place elsewhere by the network, with what it takes for that",
    async (repository, target) => {
      const fleet = await declared(repository);
      expect(fleet.one("local-backups-container").inputs.networkMode).toBe("bridge");
      expect(fleet.one("local-backups-image").inputs.build).toMatchObject({ target });
      expect(fleet.all.map(({ name }) => name)).not.toContain("local-backups-folder");
    },
  );

  it("keeps keys and passphrases in files of root's, and out of everything else that is declared", async () => {
    const fleet = await declared(sftp);
    const { stdin } = fleet.one("local-backups-home").inputs;
    expect(fileOf(stdin, "backup/config/passwords/acme")).toBe("password of acme-backup-password");
    expect(fileOf(stdin, "backup/config/repository.key")).toBe("private key\n");
    expect(fileOf(stdin, "backup/config/known_hosts")).toBe("[backups.example.com]:2222 ssh-ed25519 AAAA\n");
    for (const line of String(plain(stdin)).split("\n"))
      if (/passwords\/|repository\.key|backup\.json/.test(line))
        expect(line).toMatch(/^(file|passphrase) 0400 0:0 /);
    const config = fileOf(stdin, "backup/config/backup.json");
    for (const secret of ["private key", "password of", "key of the model server", "value of the variable"])
      expect(config).not.toContain(secret);
    const { stdin: _, ...rest } = fleet.one("local-backups-home").inputs;
    const shown = JSON.stringify([rest, fleet.one("local-backups-container").inputs]);
    for (const secret of ["private key", "password of acme"]) expect(shown).not.toContain(secret);
  });

  it("tells the program of tenants by their entries", async () => {
    const { stdin } = (await declared(folder)).one("local-backups-home").inputs;
    expect(JSON.parse(fileOf(stdin, "backup/config/backup.json"))).toMatchObject({
      repository: { kind: "folder", path: "/repository", mark: "test" },
      ...{ every: 21_600, keep: 2_592_000, drill: 604_800 },
      tenants: [
        {
          ...{ id: "acme", version: "v0.11.3" },
          entry: {
            domain: "acme.localhost",
            connections: ["https://models.example.com"],
            environment: ["OPENAI_KEY"],
          },
        },
      ],
    });
  });

  it.each([{ restore: "replica" as const }, { fresh: true }])(
    "is told nothing of %j, which `up` does once with lost data",
    async (once) => {
      const told = async (spec: TenantSpec) =>
        (await declared(folder, { specs: [spec] })).one("local-backups-home").inputs.stdin;
      expect(plain(await told(tenantSpec(once)))).toBe(plain(await told(tenantSpec())));
    },
  );

  describe("with a tenant on a Postgres", () => {
    const database = {
      kind: "postgres",
      url: "postgresql://owui@10.1.2.3/acme",
      password: "password of the Postgres",
    } as const;
    const specs = [tenantSpec({ database }), tenantSpec({ id: "globex" })];

    it("has pg_dump, and a network of its own that the host's rules know by its bridge", async () => {
      const fleet = await declared(folder, { specs });
      expect(fleet.one("local-backups-image").inputs).toMatchObject({
        imageName: expect.stringMatching(/^owui-backup:[0-9a-f]{16}-plain-postgres15$/),
        build: { target: "plain-postgres", args: { POSTGRES: "postgres:15-bookworm" } },
      });
      const network = fleet.one("local-backups-network").inputs;
      expect(network).toMatchObject({
        name: "owui-test-backup",
        options: { "com.docker.network.bridge.name": backupBridge("test") },
      });
      expect(fleet.one("local-backups-container").inputs.networkMode).toBe("owui-test-backup");
      expect(fleet.all.map(({ name }) => name)).toContain("local-image-postgres:15-bookworm");
    });

    it("reaches it over the network that leads to a place elsewhere, where there is one", async () => {
      const fleet = await declared(s3, { specs });
      expect(fleet.one("local-backups-container").inputs.networkMode).toBe("bridge");
      expect(fleet.all.map(({ name }) => name)).not.toContain("local-backups-network");
    });

    it("is told its place openly, and its password by a file of root's alone", async () => {
      const fleet = await declared(folder, { specs });
      const { stdin } = fleet.one("local-backups-home").inputs;
      expect(JSON.parse(fileOf(stdin, "backup/config/databases.json"))).toEqual({
        acme: database.password,
      });
      const [line = ""] = String(plain(stdin))
        .split("\n")
        .filter((line) => line.includes("databases.json"));
      expect(line).toMatch(/^(file|passphrase) 0400 0:0 /);
      const config = fileOf(stdin, "backup/config/backup.json");
      expect(JSON.parse(config).tenants[0]).toMatchObject({
        database: { url: database.url },
        entry: { database: { kind: "postgres", url: database.url } },
      });
      expect(JSON.parse(config).tenants[1]).not.toHaveProperty("database");
      const shown = JSON.stringify([config, fleet.one("local-backups-container").inputs]);
      expect(shown).not.toContain(database.password);
    });
  });

  it("does not run in a fleet that does not, and keeps its files and passphrases", async () => {
    const fleet = await declared(folder, { running: false });
    expect(fleet.all.map(({ name }) => name)).not.toContain("local-backups-container");
    expect(fleet.all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["acme-backup-password", "local-backups-home"]),
    );
  });

  it("is told of by the host's agent, which only reads", async () => {
    const { inputs } = (await declared()).one("local-agent");
    expect(inputs.mounts).toContainEqual({
      ...{ type: "bind", source: "/srv/fleet/backup/status", target: "/backup", readOnly: true },
    });
  });
});

it("an agent of a host without backups sees no folder of them", async () => {
  const fleet = await declaredBy(() => void declareHost());
  expect(JSON.stringify(fleet.one("local-agent").inputs.mounts)).not.toContain("backup");
});

it("a version is that of the image's tag", () => {
  expect(versionOf("ghcr.io/open-webui/open-webui:v0.11.3")).toBe("v0.11.3");
  expect(versionOf("registry:5000/x/y:v1@sha256:00")).toBe("v1");
  expect(versionOf("registry:5000/x/y@sha256:00")).toBe("unknown");
});

it("passphrases of tenants that are gone stay on the host", () => {
  const kinds = new Set(backupLayout({ repository: folder }, "{}", []).map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["directory", "file"]);
});
