import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { listeners } from "../../support/fleet/listeners.ts";
import { brandFiles } from "../../support/fleet/logo.ts";
import { PORTS } from "../../support/fleet/stack-file.ts";

/** `up` on a machine with nothing of the stack. */
export const birth = (fleet: Fleet) =>
  describe("up from nothing", () => {
    let said: string;

    beforeAll(async () => {
      said = await fleet.up();
    });

    it.each(["acme", "globex"])("serves %s through nginx by its host name", async (tenant) => {
      const { status, body } = await fleet.tenant(tenant).get("/health");
      expect(status).toBe(200);
      expect(JSON.parse(body.toString())).toEqual({ status: true });
    });

    it("serves nobody under a name that no tenant has", async () => {
      await expect(fleet.tenant("stranger").get("/health")).rejects.toThrow(/socket hang up/);
    });

    it("ends with a table of the tenants, their replicas and the leading node", () => {
      expect(said).toContain(`http://acme.localhost:${PORTS.http}`);
      expect(said).toContain(`http://globex.localhost:${PORTS.http}`);
      expect(said).toMatch(/equal, verified \d+ s ago, \d+ tables, \d+ rows/);
    });

    it("ends with both replicas equal and one node leading, as status --json says", async () => {
      const { tenants, nodes } = await fleet.driver.status();
      expect(tenants).toEqual(
        ["acme", "globex"].map((id) => ({
          id,
          url: `http://${id}.localhost:${PORTS.http}`,
          health: "healthy",
          replica: {
            verified_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
            tables: expect.any(Number),
            rows: expect.any(Number),
            equal: true,
            held: null,
            decided: 0,
            deep_verified_at: null,
          },
          backup: null,
          ...{ protected: false, missing: ["not backed up"] },
          running: null,
          state: expect.objectContaining({ is: "active" }),
          quarantine: null,
          write_refused: null,
          live_database: null,
          // Where `up` took longer than the interval, a second sync has found nothing new.
          last: expect.objectContaining({ status: expect.stringMatching(/^(success|unchanged)$/) }),
        })),
      );
      expect(nodes.map(({ id }) => id)).toEqual(["a", "b"]);
      expect(nodes.filter(({ leader }) => leader)).toHaveLength(1);
      expect(nodes.map(({ epoch }) => epoch)).toEqual([expect.any(Number), expect.any(Number)]);
      for (const { replica } of tenants) {
        expect(replica.tables).toBeGreaterThanOrEqual(40); // 43 in Open WebUI 0.11.3
        expect(replica.rows).toBeGreaterThan(0);
      }
    });

    it("closes sign-up to strangers, since the admin is there from the first second", async () => {
      const { status } = await fleet.tenant("acme").signUp("stranger@example.com");
      expect(status).toBe(403);
    });

    it("names acme by its brand and globex as upstream does", async () => {
      const acme = await fleet.tenant("acme").json<{ name: string }>("/api/config");
      const globex = await fleet.tenant("globex").json<{ name: string }>("/api/config");
      expect(acme.name).toBe("Acme AI (Open WebUI)");
      expect(globex.name).toBe("Open WebUI");
    });

    it.each(brandFiles)("serves acme's own %s, as it was rendered, and globex upstream's", async (file) => {
      const acme = await fleet.tenant("acme").get(`/static/${file}`);
      const globex = await fleet.tenant("globex").get(`/static/${file}`);
      expect([acme.status, globex.status]).toEqual([200, 200]);
      expect(acme.body.equals(globex.body)).toBe(false);
      expect(acme.body.equals(await readFile(join(fleet.root, "tenants/acme/branding", file)))).toBe(true);
    });

    it("adds security headers and hides what nginx it is", async () => {
      const { headers } = await fleet.tenant("acme").get("/");
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": expect.any(String),
        server: "nginx",
      });
    });

    it("lets uploads of megabytes through and stops those above 100 MB", async () => {
      const session = await fleet.signIn("acme");
      const small = await session.uploadFile("notes.txt", Buffer.alloc(3_000_000, "a note\n"));
      expect(small.status).toBe(200);
      const large = await fleet.tenant("acme").get("/api/v1/files/", {
        method: "POST",
        headers: { "Content-Length": String(101 * 1024 * 1024), Expect: "100-continue" },
      });
      expect(large.status).toBe(413);
    });

    it("bounds what a tenant can take, and starts it again after a crash", async () => {
      const [seen] = JSON.parse(await fleet.engine.inspect("container", [fleet.name("tenant-globex")]));
      expect(seen.HostConfig).toMatchObject({
        Memory: 1335 * 2 ** 20, // 1400 MB
        MemoryReservation: 668 * 2 ** 20, // 700 MB
        NanoCpus: 1_000_000_000,
        PidsLimit: 512,
        RestartPolicy: { Name: "unless-stopped" },
        SecurityOpt: ["no-new-privileges:true"],
        CapDrop: ["ALL"],
        LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
      });
      expect(seen.Config.Healthcheck).toMatchObject({ Interval: 10e9, Timeout: 5e9, Retries: 3 });
    });

    it("publishes on the machine's loopback only", async () => {
      const { nodes, promoted: _, ...others } = PORTS;
      const ports = [...Object.values(nodes), ...Object.values(others)];
      const listening = await listeners(ports);
      expect(listening.map(({ port }) => port).sort()).toEqual(ports.sort());
      for (const { address } of listening) expect(address).toBe("127.0.0.1");
    });
  });
