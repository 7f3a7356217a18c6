import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { answers, OpenPorts } from "../../support/fleet/open-ports.ts";
import { Stranger } from "../../support/fleet/stranger.ts";

/** Services of the host: ssh, Postgres, the agent, a node. */
const HOST_PORTS = [22, 5432, 8050, 9443];

/** Every other container that listens on a network of the engine's, with its port. */
const CONTAINERS: [string, number][] = [
  ["tenant-globex", 8080],
  ["agent", 8050],
  ["postgres", 5432],
  ["node-a", 9443],
];

/** The cloud's metadata, the private ranges and the carrier's. */
const PRIVATE = ["169.254.169.254", "10.255.255.1", "172.31.255.1", "192.168.255.1", "100.64.0.1"];

/** What a tenant's users can reach, who are root in its container. */
export const isolation = (fleet: Fleet) => {
  describe("a tenant's network", () => {
    const tenant = fleet.name("tenant-acme");
    const stranger = new Stranger(fleet.engine, fleet.name("stranger"));
    const ports = new OpenPorts();
    let gateway: string;

    /** Whether the stranger and the tenant get through, in this order. */
    const throughFor = async (address: string, port: number) => [
      await fleet.engine.connects(stranger.name, address, port),
      await fleet.engine.connects(tenant, address, port),
    ];
    const strangerOnly = [true, false];

    beforeAll(async () => {
      await stranger.create();
      const bridge = await fleet.engine.bridge(tenant);
      gateway = (await fleet.engine.container(tenant)).gateways[tenant] ?? "";
      await ports.open(gateway, HOST_PORTS);
      for (const target of PRIVATE) {
        await fleet.outside.answerAt(target, stranger.bridge);
        await fleet.outside.answerAt(target, bridge);
      }
    });
    afterAll(async () => {
      await ports.close();
      await stranger.remove();
    });

    it.each(HOST_PORTS)("leads to no port %i of the host, which is open", async (port) => {
      expect(await throughFor(gateway, port)).toEqual(strangerOnly);
    });

    it.each(PRIVATE)("leads to nothing at %s, where a server answers others", async (address) => {
      expect(await throughFor(address, fleet.model.port)).toEqual(strangerOnly);
    });

    it.each(CONTAINERS)("leads not to %s, which answers the host", async (name, port) => {
      const { addresses } = await fleet.engine.container(fleet.name(name));
      const [address = ""] = Object.values(addresses);
      expect(await answers(address, port)).toBe(true);
      expect(await fleet.engine.connects(tenant, address, port)).toBe(false);
    });

    it("leads to what is public, such as a model server", async () => {
      expect(await throughFor(fleet.model.address, fleet.model.port)).toEqual([true, true]);
    });
  });

  describe("the agent", () => {
    it("cannot write where tenants' data lies, not even as root", async () => {
      const touch = ["touch", "/tenants/acme/data/webui.db"];
      const { code, stderr } = await fleet.engine.exec(fleet.name("agent"), touch, { mayFail: true });
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/Read-only file system|Permission denied/);
    });
  });

  describe("a tenant that puts a link to its neighbour's database in place of its own", () => {
    const tenant = fleet.name("tenant-globex");
    const inside = (script: string) =>
      fleet.engine.exec(tenant, ["bash", "-euc", `cd /app/backend/data; ${script}`]);
    let chat: string;

    beforeAll(async () => {
      chat = await (await fleet.signIn("acme")).createChat("Not for the neighbour");
      await fleet.syncUntil("acme", "success");
      await inside("mv webui.db kept.db");
    });
    afterAll(() => inside("if [ -e kept.db ]; then mv -f kept.db webui.db; fi"));

    // Both ways in which a link could lead there from where the agent stands.
    it.each(["../../acme/data/webui.db", "/tenants/acme/data/webui.db"])(
      "by %s: its sync fails and says why",
      async (target) => {
        await inside(`ln -sfn ${target} webui.db`);
        expect((await fleet.syncUntil("globex", "failed")).last?.error).toMatch(/link|regular file/);
      },
    );

    it("gets nothing of the neighbour's into its replica", async () => {
      expect(await fleet.replica.chat("globex", chat)).toBeUndefined();
      const [row] = await fleet.replica.query('SELECT email FROM tenant_globex."user"');
      expect(row).toEqual({ email: "admin@globex.example" });
    });

    it("disturbs no sync of the neighbour's", async () => {
      await fleet.syncUntil("acme", "success");
      expect((await fleet.tenantStatus("acme")).replica.equal).toBe(true);
    });

    it("is synced again once its own database is back", async () => {
      await inside("mv -fT kept.db webui.db");
      await fleet.syncUntil("globex", "success");
      expect((await fleet.tenantStatus("globex")).replica.equal).toBe(true);
    });
  });
};
