/**
 * Servers that are there before any `up` (kind ssh), from bare Debian to a fleet with two control hosts of which one
 * is lost, driven by the project's own commands. The tests share one fleet and run in their order.
 *
 * OWUI_SERVERS_KEEP=<folder> leaves servers and fleet there and takes up what an earlier such run left: `-t` then chooses
 * the test to work on.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { defaultVersion } from "../../components/fleet-config/tenant-entry.ts";
import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import type { Supabase } from "../../toolchain/fakes/supabase/supabase.ts";
import { Driver } from "../support/fleet/driver.ts";
import { until } from "../support/fleet/until.ts";
import { type Server, Servers } from "../support/servers.ts";

// biome-ignore lint/suspicious/noExplicitAny: a stack's config as an operator edits it
type Config = any;

/** For what sets machines up and starts applications on them, ms. */
const patience = 25 * 60_000;
/** Has no Open WebUI. */
const brokenImage = "owui-servers-broken:1";
const kept = process.env.OWUI_SERVERS_KEEP;

describe.skipIf(process.getuid?.() !== 0)("a fleet of servers that were there", () => {
  let folder: string;
  let file: string;
  let fleet: Driver;
  let servers: Servers;
  let database: Supabase;
  let cellar: Server;
  let attic: Server;

  beforeAll(async () => {
    folder = kept ?? (await mkdtemp(join(tmpdir(), "owui-servers-")));
    await mkdir(folder, { recursive: true });
    file = join(folder, "Pulumi.servers.yaml");
    servers = await Servers.create(
      join(folder, "servers"),
      ["v0.9.6", defaultVersion].map((version) => `ghcr.io/open-webui/open-webui:${version}`),
    );
    [database, cellar] = await Promise.all([servers.startDatabase(), servers.boot("cellar")]);
    attic = await servers.boot("attic");
    fleet = new Driver("servers", file, join(folder, "home"), join(folder, "logs"));
    if (existsSync(file)) return;
    const { host, password, ca } = database;
    await writeFile(
      file,
      stringify({
        config: {
          operators: await servers.operators(),
          hosts: { cellar: entryOf(cellar) },
          tenants: { acme: tenantOn("cellar", "acme") },
          sync: {
            ...{ host: "cellar", nodes: { a: { port: 9443 }, b: { port: 9444 } } },
            database: { kind: "external", host, user: "postgres", database: "postgres", ca },
          },
        },
      }),
    );
    const set = ["config", "set", "--secret", "--path", "sync.database.password"];
    await fleet.pulumi(set, { input: password });
  }, patience);
  afterAll(async () => {
    if (kept) return;
    await fleet.down(["--purge", "--yes"]);
    await database.remove();
    await servers.remove();
    await docker(["rmi", brokenImage]);
    await rm(folder, { recursive: true });
  }, patience);

  const entryOf = ({ address, privateAddress, hostKey }: Server) => ({
    ...{ kind: "ssh", address, privateAddress, hostKey, memory: "4GB" },
  });
  const tenantOn = (host: string, id: string) => ({
    ...{ host, domain: `${id}.fleet.example`, admin: { email: `admin@${id}.example` } },
    sync: { interval: "1m" },
  });
  const edit = async (change: (config: Config) => void) => {
    const document = parse(await readFile(file, "utf8"));
    change(document.config);
    await writeFile(file, stringify(document));
  };
  const within = ({ container }: Server, command: string) => docker(["exec", container, "sh", "-c", command]);

  const named = (role: string) => `owui-servers-${role}`;
  const containersOn = async (server: Server): Promise<string[]> =>
    (await within(server, "docker ps --format '{{.Names}}'")).split("\n").sort();
  /** Another value when it was started anew. */
  const containerOf = (server: Server, name: string): Promise<string> =>
    within(server, `docker inspect --format '{{.Id}} {{.State.StartedAt}}' ${name}`);
  /** Whether a port answers this machine, which is an operator's. */
  const reaches = (host: string, port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ host, port, timeout: 3_000 });
      const end = (answer: boolean) => {
        socket.destroy();
        resolve(answer);
      };
      socket.once("connect", () => end(true));
      socket.once("timeout", () => end(false));
      socket.once("error", () => end(false));
    });

  /** How the fleet is, once these tenants are healthy with an equal replica that was verified after `since`. */
  const well = (since: number, ids: readonly string[]) =>
    until(
      `${ids.join(" and ")} are healthy, and their replicas equal`,
      async () => {
        const status = await fleet.status();
        const fine = status.tenants
          .filter(({ id }) => ids.includes(id))
          .every(
            ({ health, replica }) =>
              health === "healthy" && replica.equal && Date.parse(replica.verified_at ?? "") > since,
          );
        return fine && status.nodes.some(({ leader }) => leader) && status;
      },
      600,
    );

  const stillness = async () => {
    const report = JSON.parse((await fleet.preview(["--json"])).stdout);
    expect(report).toMatchObject({ subjects: [], errors: [] });
    expect(Object.keys(report.counts)).toEqual(["same"]);
  };

  test("a bare server becomes the host of a tenant and of the nodes", { timeout: patience }, async () => {
    const { stdout } = await fleet.up();
    expect(stdout).toContain("healthy, replicas equal");
    const { tenants, nodes } = await well(0, ["acme"]);
    expect(tenants.map(({ id }) => id)).toEqual(["acme"]);
    expect(nodes.filter(({ leader }) => leader)).toHaveLength(1);
    expect(await within(cellar, "id -un qbmgr && sshd -T | grep -x 'permitrootlogin no'")).toBe(
      "qbmgr\npermitrootlogin no",
    );
  });

  test("a second preview is empty", { timeout: patience }, stillness);

  test("the server is as its set-up left it, and safe but for updates that come", async () => {
    expect((await fleet.host("check")).stdout).toBe("cellar: as it should be\n");
    const { hosts } = JSON.parse((await fleet.host("security", ["--json"])).stdout);
    const bad = hosts[0].findings
      .filter(({ state }: { state: string }) => state !== "good")
      .map(({ check }: { check: string }) => check);
    expect(bad.filter((check: string) => check !== "pending updates")).toEqual([]);
  });

  test("a second server joins, with a tenant and one of the nodes", { timeout: patience }, async () => {
    const acme = await containerOf(cellar, "owui-servers-tenant-acme");
    await edit(({ hosts, tenants, sync }) => {
      hosts.attic = entryOf(attic);
      tenants.globex = tenantOn("attic", "globex");
      sync.nodes.b = { port: 9443, host: "attic" };
    });
    const since = Date.now();
    await fleet.up();
    await well(since, ["acme", "globex"]);
    expect(await containersOn(cellar)).toEqual(
      ["agent", "alertmanager", "nginx", "node-a", "prometheus", "tenant-acme"].map(named),
    );
    expect(await containersOn(attic)).toEqual(["agent", "nginx", "node-b", "tenant-globex"].map(named));
    expect(await containerOf(cellar, "owui-servers-tenant-acme")).toBe(acme);
    await stillness();
  });

  test("what watches the fleet sees both nodes and both agents", { timeout: 120_000 }, async () => {
    const files = ["cacert ca.crt", "cert tls.crt", "key tls.key"].map((file) => {
      const [option, name] = file.split(" ");
      return `--${option} /srv/fleet/monitoring/prometheus/${name}`;
    });
    const ask = `curl -sS ${files.join(" ")} 'https://localhost:9090/api/v1/targets?state=active'`;
    type Target = { health: string; labels: Record<string, string> };
    const seen = async () => {
      const { data } = JSON.parse(await within(cellar, ask));
      const up = data.activeTargets.filter(({ health }: Target) => health === "up");
      return up.map(({ labels }: Target) => labels.node ?? labels.host ?? labels.job).sort();
    };
    const all = "a,alertmanager,attic,b,cellar";
    await until("Prometheus reaches everybody", async () => (await seen()).join() === all, 90);
  });

  test("nobody but control hosts reaches agents and nodes from outside", async () => {
    const opened = async ({ address, privateAddress }: Server) => {
      const tried = [address, privateAddress].flatMap((to) => [8050, 9443].map((port) => reaches(to, port)));
      return (await Promise.all(tried)).some(Boolean);
    };
    expect([await opened(cellar), await opened(attic)]).toEqual([false, false]);
    expect(await reaches(attic.address, 443)).toBe(true);
  });

  test(
    "a tenant's new settings are tried on a copy of its data before they replace what serves",
    async () => {
      const before = await containerOf(attic, "owui-servers-tenant-globex");
      await edit(({ tenants }) => {
        tenants.globex.environment = { ENABLE_CHANNELS: "true" };
      });
      const since = Date.now();
      await fleet.up();
      await well(since, ["globex"]);
      expect(await containerOf(attic, "owui-servers-tenant-globex")).not.toBe(before);
      expect(await containersOn(attic)).not.toContain("owui-servers-tenant-globex-trial");
      expect(await within(attic, "ls /srv/fleet/tenants/globex")).not.toContain("trial");
    },
    patience,
  );

  test(
    "an image that does not start changes nothing of the tenant that serves",
    async () => {
      const before = await containerOf(attic, "owui-servers-tenant-globex");
      // What a registry would serve, here and there.
      await docker(["tag", "nginx:stable-bookworm", brokenImage]);
      await within(attic, `docker tag nginx:stable-bookworm ${brokenImage}`);
      await edit(({ tenants }) => {
        tenants.globex.image = brokenImage;
      });
      const refused = await fleet.up({ mayFail: true });
      expect(refused.code).not.toBe(0);
      expect(`${refused.stdout}${refused.stderr}`).toContain(
        "tenant globex: it was not changed, and what served it goes on",
      );
      expect(await containerOf(attic, "owui-servers-tenant-globex")).toBe(before);
      const { tenants } = await fleet.status();
      expect(tenants.find(({ id }) => id === "globex")?.health).toBe("healthy");

      await edit(({ tenants }) => {
        delete tenants.globex.image;
      });
      await fleet.up();
      expect(await containerOf(attic, "owui-servers-tenant-globex")).toBe(before);
      await stillness();
    },
    patience,
  );

  test("the first control host is lost, and everything else goes on", { timeout: patience }, async () => {
    const globex = await containerOf(attic, "owui-servers-tenant-globex");
    await docker(["kill", cellar.container]);
    const since = Date.now();
    const { nodes, tenants } = await well(since, ["globex"]);
    expect(nodes.filter(({ leader }) => leader).map(({ id }) => id)).toEqual(["b"]);
    expect(tenants.find(({ id }) => id === "acme")?.health).not.toBe("healthy");
    expect(await containerOf(attic, "owui-servers-tenant-globex")).toBe(globex);
  });

  test("while it is away an `up` says so, and changes all others without it", {
    timeout: patience,
  }, async () => {
    const before = await containerOf(attic, "owui-servers-tenant-globex");
    await edit(({ tenants }) => {
      tenants.globex.environment = { ENABLE_CHANNELS: "false" };
    });
    const refused = await fleet.up({ mayFail: true });
    expect(refused.code).not.toBe(0);
    expect(`${refused.stdout}${refused.stderr}`).toMatch(
      /Host cellar \(.+\) was set up before and cannot be asked now[\s\S]*--without cellar/,
    );
    expect(await containerOf(attic, "owui-servers-tenant-globex")).toBe(before);

    const since = Date.now();
    const { stdout } = await fleet.up({ flags: ["--without", "cellar"] });
    expect(stdout).toContain("left as it was: host cellar");
    await well(since, ["globex"]);
    expect(await containerOf(attic, "owui-servers-tenant-globex")).not.toBe(before);
  });

  test("it comes back by itself, and nothing is to be done", { timeout: patience }, async () => {
    const since = Date.now();
    await docker(["start", cellar.container]);
    await well(since, ["acme", "globex"]);
    await stillness();
  });
});
