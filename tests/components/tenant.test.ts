import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as docker from "@pulumi/docker";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TenantSpec } from "../../components/fleet-config.ts";
import { LocalMachine } from "../../components/machine/local-machine.ts";
import { Tenant, type TenantArgs } from "../../components/tenant.ts";
import { declaredBy, isSecret, plain, unknown } from "./engine.ts";
import { declareHost, hostSpec, replicas, tenantSpec } from "./specs.ts";

const logo = `${process.cwd()}/examples/logos/acme.svg`;
const branding: TenantSpec["branding"] = { logo, name: "Acme AI", basis: "up-to-50-users" };

/** A tenant on the tests' host. */
const declared = (
  spec: Partial<TenantSpec> = {},
  { preview = false, ...args }: Partial<TenantArgs> & { preview?: boolean } = {},
) =>
  declaredBy(
    () => {
      const { host, edge } = declareHost();
      new Tenant(spec.id ?? "acme", {
        ...{ stack: "test", host, spec: tenantSpec(spec), replicas, edge, running: true },
        ...args,
      });
    },
    { preview },
  );

/** As declared with nothing special; what several tests look at. */
const tenant = await declared();

/** What a resource sends to its script. */
const stdinOf = (tenant: Awaited<ReturnType<typeof declared>>, name: string): string =>
  String(plain(tenant.one(name).inputs.stdin));

describe("a tenant on Postgres", () => {
  const database = { kind: "postgres", url: "postgresql://a@10.1.2.3/acme", password: "hunter2" } as const;

  const container = (tenant: Awaited<ReturnType<typeof declared>>) => tenant.one("acme-container").inputs;
  const createOf = (tenant: Awaited<ReturnType<typeof declared>>, name: string) =>
    String(plain(tenant.one(name).inputs.create));

  it("shows where in a label, and its password nowhere", async () => {
    const tenant = await declared({ database });
    expect(container(tenant).labels).toContainEqual({ label: "owui.database", value: database.url });
    expect(JSON.stringify(container(tenant))).not.toContain("hunter2");
    expect(JSON.stringify(container(await declared()).labels)).not.toContain("owui.database");
  });

  it("is not looked for among what was lost, and is tried on its former file", async () => {
    const tenant = await declared({ database });
    expect(createOf(tenant, "acme-data")).toContain("ELSEWHERE='yes'");
    expect(createOf(tenant, "acme-trial")).toContain("DATABASE_URL=sqlite:////app/backend/data/webui.db");
    expect(createOf(await declared(), "acme-trial")).not.toContain("DATABASE_URL");
    expect(createOf(await declared(), "acme-data")).not.toContain("ELSEWHERE=");
  });
});

describe("a tenant", () => {
  it("is a handful of resources, all below itself", async () => {
    expect((await declared({ branding })).below("acme")).toEqual([
      "acme-brand",
      "acme-container",
      "acme-data",
      "acme-first-admin",
      "acme-home",
      "acme-network",
      "acme-processes",
      "acme-site",
      "acme-trial",
    ]);
  });

  it("keeps only its data and its brand while it does not run", async () => {
    expect((await declared({ branding }, { running: false })).below("acme")).toEqual([
      "acme-brand",
      "acme-home",
    ]);
  });

  it("has a password and an address also in a preview, as far as they can be known", async () => {
    const outputs: unknown[] = [];
    await declaredBy(
      () => {
        const { host, edge } = declareHost();
        const tenant = new Tenant("acme", {
          ...{ stack: "test", host, spec: tenantSpec(), replicas, edge, running: true },
        });
        outputs.push(tenant.url, tenant.admin.email);
      },
      { preview: true },
    );
    expect(outputs).toEqual(["http://acme.localhost:8080", "admin@acme.example"]);
  });

  it("comes up in order: home, data and brand, container, first admin, and only then the site", async () => {
    const tenant = await declared({ branding });
    expect(tenant.one("acme-home").after).toEqual(
      expect.arrayContaining(["local-directories", "local-egress"]),
    );
    expect(tenant.one("acme-brand").after).toContain("acme-home");
    expect(tenant.one("acme-data").after).toContain("acme-home");
    expect(tenant.one("acme-container").after).toEqual(expect.arrayContaining(["acme-data", "acme-brand"]));
    // What does not start beside the one that serves never replaces it.
    expect(tenant.one("acme-container").after).toContain("acme-trial");
    expect(tenant.one("acme-trial").after).toEqual(expect.arrayContaining(["acme-data", "acme-network"]));
    expect(tenant.one("acme-first-admin").after).toContain("acme-container");
    expect(tenant.one("acme-site").after).toEqual(
      expect.arrayContaining(["acme-first-admin", "local-nginx"]),
    );
  });

  it("is declared the same beside any other tenant", async () => {
    const alone = tenant;
    const together = await declaredBy(() => {
      const { host, edge } = declareHost();
      for (const id of ["globex", "acme"]) {
        const spec =
          id === "acme" ? tenantSpec() : tenantSpec({ id, domain: "globex.localhost", port: 18_002 });
        new Tenant(id, { stack: "test", host, spec, replicas, edge, running: true });
      }
    });
    // Both look for a database at moments of their own.
    const moment = expect.stringMatching(/^[0-9a-f]{16}20\d\d-/);
    for (const name of alone.below("acme")) {
      const { inputs, ...resource } = alone.one(name);
      const environment = name === "acme-data" ? { environment: { RUN_AGAIN_FOR: moment } } : {};
      expect(together.one(name)).toEqual({ ...resource, inputs: { ...inputs, ...environment } });
    }
  });
});

describe("a tenant's data", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "fleet-"));
    mkdirSync(join(root, "tenants/acme/data"), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** A tenant of a host whose data root exists, beside a database that is made ready by another resource. */
  const onDisk = async (spec: Partial<TenantSpec> = {}, begun = true) => {
    const declaration = await declaredBy(() => {
      const { host, edge } = declareHost({ machine: new LocalMachine({ ...hostSpec, root }) });
      const prepared = [new docker.Network("prepared", {})];
      const args = { stack: "test", host, edge, running: true, replicas: { ...replicas, begun, prepared } };
      new Tenant("acme", { ...args, spec: tenantSpec(spec) });
    });
    return declaration.one("acme-data");
  };

  it("is asked for in every run while there is no database, once the replicas can be asked", async () => {
    const [one, other] = [await onDisk(), await onDisk()];
    expect(one).toMatchObject({ after: expect.arrayContaining(["prepared"]), ignored: [] });
    expect(one.inputs.environment.RUN_AGAIN_FOR).not.toBe(other.inputs.environment.RUN_AGAIN_FOR);
  });

  it("waits for nothing while no replica was ever kept", async () => {
    const { after, inputs } = await onDisk({}, false);
    expect(after).not.toContain("prepared");
    expect(inputs.create).toContain("REPLICAS='none'");
  });

  it("counts as missing while the database is empty", async () => {
    writeFileSync(join(root, "tenants/acme/data/webui.db"), "");
    expect((await onDisk()).ignored).toEqual([]);
  });

  it("is of no further interest once there is a database, and then waits for no other", async () => {
    writeFileSync(join(root, "tenants/acme/data/webui.db"), "SQLite format 3");
    const { after, ignored } = await onDisk();
    expect(ignored).toEqual(["create", "stdin", "environment"]);
    expect(after).not.toContain("prepared");
  });

  it.each([
    [{}, "refuse"],
    [{ restore: "replica" as const }, "replica"],
    [{ fresh: true }, "fresh"],
  ])("that is lost is treated as the entry says: %j", async (spec, ifLost) => {
    expect((await onDisk(spec)).inputs.create).toBe(
      `ROOT='${root}' FLEET='test' TENANT='acme' CONTAINER='owui-test-tenant-acme' IF_LOST='${ifLost}' REPLICAS='asked' ` +
        `NGINX='${root}/nginx' NGINX_CONTAINER='owui-test-nginx' SITE='sites/acme.conf' sh components/host/tenant-data.sh`,
    );
  });

  it("has an id: for other data the first admin is made anew, and the site opened behind it", () => {
    for (const name of ["acme-first-admin", "acme-site"])
      expect(tenant.one(name).inputs.environment.RUN_AGAIN_FOR).toMatch(/^[0-9a-f]{16}stdout of acme-data$/);
  });

  it("comes back over a connection that is told on standard input alone, as a secret", async () => {
    const { stdin } = (await onDisk()).inputs;
    expect(isSecret(stdin)).toBe(true);
    expect(JSON.parse(String(plain(stdin)))).toEqual({
      connection: {
        ...{ host: "127.0.0.1", port: 15_432, database: "fleet", user: "postgres" },
        ...{ password: "password of the superuser", ca: "certificate of the authority" },
      },
    });
  });
});

describe("a tenant's container", () => {
  it("has no capability, limits on everything, and only the data to write to", () => {
    const { inputs } = tenant.one("acme-container");
    expect(inputs).toMatchObject({
      name: "owui-test-tenant-acme",
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges:true"],
      memory: 1400,
      memorySwap: 1400,
      memoryReservation: 700,
      cpus: "1",
      restart: "unless-stopped",
      logOpts: { "max-size": "10m", "max-file": "3" },
      healthcheck: { interval: "10s", timeout: "5s", retries: 3 },
      wait: true,
      ports: [{ internal: 8080, external: 18_001, ip: "127.0.0.1", protocol: "tcp" }],
    });
    const writable = inputs.mounts.filter(({ readOnly }: { readOnly: boolean }) => !readOnly);
    expect(writable).toEqual([
      { type: "bind", source: "/srv/fleet/tenants/acme/data", target: "/app/backend/data", readOnly: false },
    ]);
  });

  it("runs the image by its id, on a network of its own with the subnet and interface asked for", () => {
    expect(tenant.one("acme-container").inputs).toMatchObject({
      image: "sha256:local-image-ghcr.io/open-webui/open-webui:v0.11.3",
      networksAdvanced: [{ name: "acme-network-id" }],
    });
    expect(tenant.one("acme-network").inputs).toMatchObject({
      name: "owui-test-tenant-acme",
      ipamConfigs: [{ subnet: "10.128.0.16/28" }],
      options: { "com.docker.network.bridge.name": "owt01234567" },
    });
  });

  it("is replaced when what it may keep secret changes, without showing it", async () => {
    const connections = [{ url: "https://models.example/v1", key: "sk-one" }];
    const one = await declared({ connections });
    const same = await declared({ connections });
    const other = await declared({ connections: [{ url: "https://models.example/v1", key: "sk-two" }] });
    const container = (tenant: typeof one) => tenant.one("acme-container").inputs;
    const label = (tenant: typeof one) =>
      container(tenant).labels.find((entry: { label: string }) => entry.label === "owui.environment").value;
    expect(JSON.stringify(container(one))).not.toContain("sk-one");
    expect(label(one)).toMatch(/^[0-9a-f]{16}$/);
    expect(label(one)).toBe(label(same));
    expect(label(one)).not.toBe(label(other));
  });

  it("can be changed just before it is declared, and so can its network", async () => {
    const tenant = await declared(
      {},
      {
        transform: {
          container: (args) => ({ ...args, dns: ["192.0.2.1"] }),
          network: (args) => ({ ...args, internal: true }),
        },
      },
    );
    expect(tenant.one("acme-container").inputs.dns).toEqual(["192.0.2.1"]);
    expect(tenant.one("acme-network").inputs.internal).toBe(true);
  });

  it("is not known by id in a preview, nor is what limits its processes", async () => {
    const tenant = await declared({}, { preview: true });
    expect(tenant.one("acme-processes").inputs.create).toEqual(unknown);
  });
});

describe("a tenant's secrets", () => {
  it("reach its host by standard input alone", async () => {
    const connections = [{ url: "https://models.example/v1", key: "sk-secret" }];
    const tenant = await declared({ connections, environment: { OAUTH_CLIENT_SECRET: "oauth-secret" } });
    const shown = tenant.all.map(({ name, inputs }) =>
      JSON.stringify(name === "acme-home" ? { ...inputs, stdin: "" } : inputs),
    );
    expect(shown.join()).not.toMatch(/sk-secret|oauth-secret/);
    expect(isSecret(tenant.one("acme-home").inputs.stdin)).toBe(true);
    const [line = ""] = stdinOf(tenant, "acme-home").match(/.*config\/environment.*/) ?? [];
    expect(Buffer.from(line.split(" ").at(-1) ?? "", "base64").toString()).toBe(
      "OPENAI_API_KEYS='sk-secret'\nOAUTH_CLIENT_SECRET='oauth-secret'\n",
    );
  });

  it("come back from its host as secrets", () => {
    expect(tenant.one("acme-home").secretOutputs).toEqual(["stdout"]);
  });
});

describe("a tenant's first admin", () => {
  it("is told by name and address only; the host knows the password", async () => {
    const admin = { email: "o'neill@acme.example", name: 'Ann "the boss" $(id)' };
    const { create } = (await declared({ admin })).one("acme-first-admin").inputs;
    expect(create).toBe(
      "ROOT='/srv/fleet' TENANT='acme' CONTAINER='owui-test-tenant-acme' " +
        `PROFILE='"email":"o'\\''neill@acme.example","name":"Ann \\"the boss\\" $(id)"' sh components/host/first-admin.sh`,
    );
  });
});

describe("a tenant's site", () => {
  it("goes with the tenant, and takes no data with it", () => {
    expect(tenant.one("acme-site").inputs.delete).toBe(
      "NGINX='/srv/fleet/nginx' CONTAINER='owui-test-nginx' FILE='sites/acme.conf' sh components/host/remove-nginx-file.sh && " +
        "NGINX='/srv/fleet/nginx' CONTAINER='owui-test-nginx' sh components/host/reload-nginx.sh",
    );
    const others = tenant.below("acme").filter((name) => name !== "acme-site");
    for (const name of others) expect(tenant.one(name).inputs.delete).toBeUndefined();
  });
});

describe("a tenant's brand", () => {
  const withLogo = (file: string) =>
    declared({ branding: { logo: `${process.cwd()}/examples/logos/${file}`, basis: "up-to-50-users" } });

  it("is made again when the logo is another one, and the container never hears of it", async () => {
    const [one, same, other] = [
      await withLogo("acme.svg"),
      await withLogo("acme.svg"),
      await withLogo("globex.svg"),
    ];
    const key = (tenant: typeof one) => tenant.one("acme-brand").inputs.environment.RUN_AGAIN_FOR;
    expect(key(one)).toBe(key(same));
    expect(key(one)).not.toBe(key(other));
    expect(other.one("acme-container").inputs).toEqual(one.one("acme-container").inputs);
  });
});
