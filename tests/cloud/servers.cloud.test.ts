/**
 * Servers that are there before any `up` (kind ssh), from bare Debian to a fleet, driven by the
 * project's own commands. The tests share one fleet and run in their order.
 *
 * OWUI_SERVERS_KEEP=<folder> leaves servers and fleet there and takes up what an earlier such run left: `-t` then chooses
 * the test to work on.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { defaultVersion } from "../../components/fleet-config/tenant-entry.ts";
import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import type { Supabase } from "../../toolchain/fakes/supabase/supabase.ts";
import { Driver } from "../support/fleet/driver.ts";
import { until } from "../support/fleet/until.ts";
import { type Server, Servers } from "../support/servers.ts";

/** For what sets machines up and starts applications on them, ms. */
const patience = 25 * 60_000;
const kept = process.env.OWUI_SERVERS_KEEP;

describe.skipIf(process.getuid?.() !== 0)("a fleet of servers that were there", () => {
  let folder: string;
  let file: string;
  let fleet: Driver;
  let servers: Servers;
  let database: Supabase;
  let cellar: Server;

  beforeAll(async () => {
    folder = kept ?? (await mkdtemp(join(tmpdir(), "owui-servers-")));
    await mkdir(folder, { recursive: true });
    file = join(folder, "Pulumi.servers.yaml");
    servers = await Servers.create(
      join(folder, "servers"),
      ["v0.9.6", defaultVersion].map((version) => `ghcr.io/open-webui/open-webui:${version}`),
    );
    [database, cellar] = await Promise.all([servers.startDatabase(), servers.boot("cellar")]);
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
    await rm(folder, { recursive: true });
  }, patience);

  const entryOf = ({ address, privateAddress, hostKey }: Server) => ({
    ...{ kind: "ssh", address, privateAddress, hostKey, memory: "4GB" },
  });
  const tenantOn = (host: string, id: string) => ({
    ...{ host, domain: `${id}.fleet.example`, admin: { email: `admin@${id}.example` } },
    sync: { interval: "1m" },
  });
  const within = ({ container }: Server, command: string) => docker(["exec", container, "sh", "-c", command]);

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
});
