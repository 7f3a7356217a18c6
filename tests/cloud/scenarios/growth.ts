import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { entryOf, patience, type Staging } from "../../support/cloud/staging.ts";
import { until } from "../../support/fleet/until.ts";

const host = "fra1-c";

const isHeard = (status: number): boolean => status >= 200 && status < 300;
/** Times are ISO 8601. */
const later = (than: string) => (time: string) => time > than;

/** A host is added, and much goes wrong on the way. Each `up` goes on where the one before it ended. */
export const growth = (staging: Staging) =>
  describe("a host added", () => {
    const [mirrors, packages] = ["/etc/apt/sources.list.d", "/var/cache/apt/archives"];
    const away = [
      `mkdir /root/away && mv ${mirrors} ${packages}/*.deb /root/away/`,
      "echo deb http://127.0.0.1:9/debian bookworm main >/etc/apt/sources.list",
    ].join(" && ");
    const back = [
      "rm /etc/apt/sources.list && mv /root/away/*.deb /var/cache/apt/archives/",
      `mv /root/away/sources.list.d ${mirrors}`,
    ].join(" && ");
    let before: Record<string, string>;
    let interrupted: number;

    /** The process that holds the stack's lock. */
    const engine = async (): Promise<number> => {
      const locks = join(staging.home, "state/.pulumi/locks/organization/open-webui-infrastructure/staging");
      const [lock = ""] = await readdir(locks);
      return (JSON.parse(await readFile(join(locks, lock), "utf8")) as { pid: number }).pid;
    };

    beforeAll(async () => {
      before = await staging.containers("control", "fra1-a", "fra1-b");
      interrupted = Date.now();
      await staging.edit(({ hosts, tenants }) => {
        hosts[host] = { kind: "digitalocean", region: "fra1", size: "s-2vcpu-4gb" };
        tenants.umbrella = entryOf("umbrella", host);
      });
    });

    describe("while the API is out of breath and the engine is killed", () => {
      it(
        "leaves a droplet that nobody noted",
        async () => {
          const earlier = (await staging.dropletsOf(host)).map(({ id }) => id);
          const up = staging.driver.up({ mayFail: true });
          // Writes, so that nothing that only looks uses them up.
          await staging.harm("digitalOcean", [
            { method: "POST", path: "^/v2/(tags|firewalls|droplets)$", answer: "rate-limit", times: 2 },
            { method: "POST", path: "^/v2/droplets$", answer: "unavailable" },
          ]);
          await until(
            "the cloud makes the droplet",
            async () => (await staging.dropletsOf(host)).some(({ id }) => !earlier.includes(id)),
            900,
          );
          process.kill(await engine(), "SIGKILL");
          expect((await up).code).not.toBe(0);
        },
        patience,
      );

      it("and everybody else goes on", async () => {
        expect(await staging.containers("control", "fra1-a", "fra1-b")).toEqual(before);
        expect(await staging.site("fra1-a", "globex.fleet.example")).toMatchObject({ status: 200 });
      });
    });

    describe("while Debian's mirror cannot be reached", () => {
      let half: number;
      let said: string;

      beforeAll(async () => {
        half = (await staging.dropletsOf(host))[0]?.id ?? 0;
        const up = staging.upFails();
        await staging.harm("digitalOcean", [
          { method: "GET", path: "^/v2/actions/", answer: "server-error", times: 2 },
        ]);
        await until(
          "another droplet boots, without its packages",
          async () => {
            const [droplet] = await staging.dropletsOf(host);
            if (!droplet || droplet.id === half) return false;
            await staging.within(host, away);
            return true;
          },
          900,
        );
        said = await up;
      }, patience);

      it("removes the droplet that was left, and has one", async () => {
        expect(said).toContain("removed what a killed run left: droplet owui-staging-fra1-c");
        const droplets = await staging.dropletsOf(host);
        expect(droplets).toHaveLength(1);
        expect(droplets[0]?.id).not.toBe(half);
        expect(await staging.machines()).toHaveLength(4);
      });

      it("fails by saying which host it waited for, and how cloud-init ended", () => {
        expect(said).toMatch(/fra1-c: it answers; cloud-init sets it up/);
        expect(said).toMatch(/that failed, and the next `up` goes on with it/);
        expect(said).toMatch(/127\.0\.0\.1:9|Unable to locate package/);
        expect(said).toMatch(/status: error/);
      });

      it("and everybody else goes on", async () => {
        expect(await staging.containers("control", "fra1-a", "fra1-b")).toEqual(before);
      });
    });

    describe("once it can be", () => {
      let droplet: number | undefined;

      beforeAll(async () => {
        droplet = (await staging.dropletsOf(host))[0]?.id;
        await staging.within(host, back);
        const since = Date.now();
        const breathless = staging.harm("cloudflare", [
          { method: "POST", path: "/dns_records$", answer: "unavailable" },
          { method: "POST", path: "/dns_records$", answer: "rate-limit" },
        ]);
        await Promise.all([staging.up(), breathless]);
        await staging.well(since);
      }, patience);

      it("met every refusal of the APIs, and asked again until it was heard", async () => {
        const requests = await staging.requests(interrupted);
        const refused = requests.filter(({ fault }) => fault !== undefined);
        expect(refused.map(({ fault, method }) => `${fault} ${method}`).sort()).toEqual([
          ...["rate-limit POST", "rate-limit POST", "rate-limit POST"],
          ...["server-error GET", "server-error GET", "unavailable POST", "unavailable POST"],
        ]);
        for (const { method, url, time } of refused)
          expect(requests).toContainEqual(
            expect.objectContaining({
              method,
              url,
              status: expect.toSatisfy(isHeard),
              time: expect.toSatisfy(later(time)),
            }),
          );
      });

      it("is finished on the same droplet, with its tenant healthy and the replica equal", async () => {
        expect((await staging.dropletsOf(host)).map(({ id }) => id)).toEqual([droplet]);
        expect(await staging.site(host, "umbrella.fleet.example")).toMatchObject({ status: 200 });
      });

      it("left nothing in the cloud that leads nowhere, and nothing in the state that was never made", async () => {
        const { droplets, reservedIps, firewalls } = await staging.account();
        const ids = droplets.map(({ id }) => id).sort();
        expect(reservedIps.map(({ droplet }) => droplet).sort()).toEqual(ids);
        expect(firewalls).toHaveLength(ids.length);
        const { deployment } = JSON.parse((await staging.driver.pulumi(["stack", "export"])).stdout);
        expect(deployment.pending_operations ?? []).toEqual([]);
      });

      it("changed nothing on the other hosts but who is known to the nodes", async () => {
        const after = await staging.containers("fra1-a", "fra1-b");
        for (const [name, started] of Object.entries(after))
          expect([name, started]).toEqual([name, before[name]]);
      });

      it("is all there is: the next preview is empty", () => staging.nothingIsDue(), patience);
    });
  });
