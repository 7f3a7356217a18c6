/**
 * The staging stack in its fake clouds, from nothing to nothing: droplets that boot, certificates, DNS, a database that
 * is somebody else's, driven by the project's own commands. The tests share one fleet and run in their order. Apart
 * from the other suites (`npm run test:cloud`), since three machines and what runs on them want a machine to themselves.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as plain, type RequestOptions } from "node:http";
import { request as secure } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import { Driver } from "../support/fleet/driver.ts";
import { until } from "../support/fleet/until.ts";

interface StagingFile {
  config: { hosts: Record<string, object>; tenants: Record<string, Record<string, unknown>> };
}

/** For what makes machines and starts applications on them, ms. */
const patience = 25 * 60_000;

/** What the stack's outputs say of a host that is a droplet. */
interface Reached {
  target: { address: string };
}

describe.skipIf(process.getuid?.() !== 0)("the staging stack in its fake clouds", () => {
  let folder: string;
  let file: string;
  let fleet: Driver;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "owui-cloud-"));
    file = join(folder, "Pulumi.staging.yaml");
    await writeFile(file, await readFile("Pulumi.staging.yaml"));
    fleet = new Driver("staging", file, join(folder, "home"), join(folder, "logs"), ["--fake"]);
  });
  afterAll(async () => {
    await fleet.down(["--purge", "--yes"]);
    expect(await droplets()).toEqual([]);
    await rm(folder, { recursive: true });
  }, patience);

  /** Names of the containers that are this stack's droplets. */
  const droplets = async (): Promise<string[]> => {
    const all = await docker(["ps", "--all", "--quiet", "--filter", "name=owui-droplet-"]);
    const ids = all.split("\n").filter(Boolean);
    if (ids.length === 0) return [];
    const format = "{{.Name}} {{range .Mounts}}{{.Source}} {{end}}";
    const mounts = await docker(["inspect", "--format", format, ...ids]);
    const own = mounts.split("\n").filter((line) => line.includes(folder));
    return own.map((line) => (line.split(" ")[0] ?? "").slice(1)).sort();
  };
  /** Every container of the fleet on every droplet: `<id> <name> <when it started>`. */
  const containers = async (): Promise<string[]> => {
    const inspect = "docker ps -q | xargs docker inspect --format '{{.Id}} {{.Name}} {{.State.StartedAt}}'";
    const told = await Promise.all(
      (await droplets()).map((name) => docker(["exec", name, "sh", "-c", inspect])),
    );
    return told.flatMap((lines) => lines.split("\n").filter(Boolean)).sort();
  };
  const outputs = async () => JSON.parse((await fleet.pulumi(["stack", "output", "--json"])).stdout);
  const addressOf = async (host: string): Promise<string> =>
    ((await outputs()).hosts as Record<string, Reached>)[host]?.target.address ?? "";

  /** How the fleet is, once every tenant is healthy with an equal replica that was verified after `since`. */
  const well = (since: number) =>
    until(
      "every tenant is healthy, and its replica equal",
      async () => {
        const status = await fleet.status();
        const fine = status.tenants.every(
          ({ health, replica }) =>
            health === "healthy" && replica.equal && Date.parse(replica.verified_at ?? "") > since,
        );
        return fine && status.nodes.some(({ leader }) => leader) && status;
      },
      600,
    );

  const ask = (how: typeof plain, options: RequestOptions & { ca?: string; servername?: string }) =>
    new Promise<{ status: number; location: string | undefined; body: string }>((resolve, reject) => {
      const asked = how({ ...options, agent: false, timeout: 10_000 });
      asked.once("error", reject);
      asked.once("response", async (answer) => {
        const { statusCode: status = 0, headers } = answer;
        resolve({ status, location: headers.location, body: await text(answer) });
      });
      asked.end();
    });

  test(
    "from nothing, `up` ends with every tenant healthy and every replica equal",
    async () => {
      const { stdout } = await fleet.up();
      expect(stdout).toContain("healthy, replicas equal");
      const { tenants, nodes } = await well(0);
      expect(tenants.map(({ id }) => id)).toEqual(["acme", "globex", "initech"]);
      expect(nodes.filter(({ leader }) => leader)).toHaveLength(1);
      expect(await droplets()).toHaveLength(3);
    },
    patience,
  );

  test("a second preview is empty", { timeout: patience }, async () => {
    const report = JSON.parse((await fleet.preview(["--json"])).stdout);
    expect(report).toMatchObject({ subjects: [], errors: [] });
    expect(Object.keys(report.counts)).toEqual(["same"]);
  });

  test("a site shows a certificate for its name, and plain HTTP only leads there", async () => {
    const host = await addressOf("fra1-a");
    const { certificateAuthority: ca } = await outputs();
    const site = { host, headers: { Host: "acme.fleet.example" }, path: "/health" };
    const answer = await ask(secure as typeof plain, { ...site, servername: "acme.fleet.example", ca });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { status: true }]);
    expect(await ask(plain, site)).toMatchObject({
      status: expect.toBeOneOf([301, 308]),
      location: "https://acme.fleet.example/health",
    });
  });

  test("a proxied tenant lets nobody in but the proxy", async () => {
    const host = await addressOf("fra1-b");
    const { certificateAuthority: ca } = await outputs();
    const site = { host, headers: { Host: "initech.fleet.example" }, path: "/health" };
    const asked = ask(secure as typeof plain, { ...site, servername: "initech.fleet.example", ca });
    expect(
      await asked.then(
        ({ status }) => status,
        () => "refused",
      ),
    ).not.toBe(200);
  });

  test("a tenant is added, and nothing else is started anew", { timeout: patience }, async () => {
    const before = await containers();
    await edit((config) => {
      config.tenants.hooli = {
        ...{ host: "fra1-b", domain: "hooli.fleet.example", admin: { email: "admin@hooli.example" } },
        sync: { interval: "1m" },
      };
    });
    const since = Date.now();
    await fleet.up();
    const { tenants } = await well(since);
    expect(tenants.map(({ id }) => id)).toContain("hooli");
    const after = await containers();
    expect(after).toEqual(expect.arrayContaining(before));
    expect(after.filter((line) => !before.includes(line))).toEqual([
      expect.stringContaining("/owui-staging-tenant-hooli "),
    ]);
  });

  test("a droplet that is restarted brings everything back by itself", { timeout: patience }, async () => {
    const names = await droplets();
    const hosts = await Promise.all(names.map((name) => docker(["exec", name, "hostname"])));
    const droplet = names[hosts.findIndex((host) => host.endsWith("fra1-a"))] ?? "";
    const since = Date.now();
    await docker(["restart", "--time", "60", droplet]);
    const { tenants } = await well(since);
    expect(tenants.every(({ replica }) => replica.rows > 0)).toBe(true);
    const report = JSON.parse((await fleet.preview(["--json"])).stdout);
    expect(report).toMatchObject({ subjects: [], errors: [] });
  });

  const edit = async (change: (config: StagingFile["config"]) => void) => {
    const document = parse(await readFile(file, "utf8")) as StagingFile;
    change(document.config);
    await writeFile(file, stringify(document));
  };
});
