import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DrillLine } from "../../../fleet/commands/drill.ts";
import type { promotedOf } from "../../../fleet/commands/promotion.ts";
import type { CommandOptions } from "../../support/fleet/command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { Promoted } from "../../support/fleet/promoted.ts";
import type { Session } from "../../support/fleet/tenant-client.ts";
import { until } from "../../support/fleet/until.ts";

const onSqlite = "What was asked on SQLite";
const onPostgres = "What was asked on Postgres";

/** What both scenarios do: acme, a Postgres beside the fleet, and the operator's command. */
function setting(fleet: Fleet) {
  const promoted = new Promoted(fleet.engine);
  const promote = (flags: readonly string[], options?: CommandOptions) =>
    fleet.driver.operate("promote", ["acme", "--json", ...flags], {
      ...options,
      environment: { PGPASSWORD: promoted.password },
    });
  const titles = async (session?: Session) =>
    (await (session ?? (await fleet.signIn("acme"))).chats()).map(({ title }) => title);
  const forget = async () => {
    const session = await fleet.signIn("acme");
    for (const { id, title } of await session.chats()) if (title === onSqlite) await session.deleteChat(id);
  };
  return { promoted, promote, titles, forget };
}

/** What the status tells of acme's protection. */
interface Protection {
  protected: boolean;
  missing: string[];
  backup: { lastGood: string | null; failing: unknown } | null;
}

/** A tenant's way from SQLite to Postgres, a while there with backups of that, and back, since it is not confirmed. */
export const promotion = (fleet: Fleet) =>
  describe("a tenant that goes to Postgres", () => {
    const { promoted, promote, titles, forget } = setting(fleet);
    let session: Session;
    let outcome: ReturnType<typeof promotedOf>;

    beforeAll(async () => {
      session = await fleet.signIn("acme");
      await Promise.all([session.createChat(onSqlite), promoted.startDatabase()]);
      const { stdout } = await promote(["--to", promoted.url, "--yes"]);
      outcome = JSON.parse(stdout);
    });
    afterAll(async () => {
      await forget();
      await promoted[Symbol.asyncDispose]();
    });

    it("works on what the schema of its own version was filled with, row for row", async () => {
      expect(outcome).toMatchObject({ tenant: "acme", leftOut: 0, downtime: expect.any(Number) });
      expect(outcome.tables).toBeGreaterThan(40);
      const [{ n } = {}] = await promoted.query("SELECT count(*)::int AS n FROM chat WHERE title = $1", [
        onSqlite,
      ]);
      expect(n).toBe(1);
    });

    it("lets people go on with the session and the chats they had", async () => {
      expect(await titles(session)).toContain(onSqlite);
    });

    it("writes there, and nowhere else", async () => {
      const added = await session.createChat(onPostgres);
      expect(await promoted.query("SELECT title FROM chat WHERE id = $1", [added])).toEqual([
        { title: onPostgres },
      ]);
    });

    it("has a replica that follows nothing, and says so", async () => {
      const { tenants } = (await fleet.driver.status()) as unknown as { tenants: Record<string, unknown>[] };
      expect(tenants.find(({ id }) => id === "acme")).toMatchObject({
        live_database: promoted.url.replace("postgres:", "postgresql:"),
        state: { is: "paused", reason: "its live database is a Postgres" },
      });
      const refused = await fleet.driver.operate("sync", ["acme"], { mayFail: true });
      expect(refused.code).not.toBe(0);
      expect(refused.stderr + refused.stdout).toContain("which no replica follows");
    });

    it("is backed up from there by itself, and protected once that was restored for a trial", async () => {
      const backedUp = await until("a backup of the Postgres", async () => {
        const acme = (await fleet.tenantStatus("acme")) as unknown as Protection;
        return acme.backup?.lastGood && acme;
      });
      expect(backedUp).toMatchObject({
        ...{ protected: false, missing: ["no backup was restored for a trial yet"] },
        backup: { failing: null },
      });
      const { stdout } = await fleet.driver.operate("drill", ["acme", "--json"], { mayFail: true });
      const [drilled] = (JSON.parse(stdout) as { drills: DrillLine[] }).drills;
      expect(drilled?.drill).toMatchObject({ ok: true, why: null });
      expect(await fleet.tenantStatus("acme")).toMatchObject({ protected: true, missing: [] });
      const listed = await fleet.driver.operate("backup", ["list", "acme", "--json"]);
      expect(JSON.parse(listed.stdout).acme.at(-1)).toMatchObject({ database: "postgres" });
    });

    it("is reached from what backs it up, which reaches nothing else", async () => {
      const tries = (address: string, port: number) =>
        fleet.engine.exec(fleet.name("backup"), ["node", "-e", connecting, address, String(port)]);
      const { hostname, port } = new URL(promoted.url);
      expect((await tries(hostname, Number(port))).stdout).toBe("open");
      // Nobody listens there: what the host itself answered would be another error.
      expect((await tries(hostname, Number(port) + 1)).stdout).toBe("EHOSTUNREACH");
      expect((await tries(fleet.outside.address, fleet.model.port)).stdout).toBe("EHOSTUNREACH");
    });

    it("has its password in root-only files alone", async () => {
      const names = ["tenant-acme", "backup"].map((name) => fleet.name(name));
      expect(await fleet.engine.inspect("container", names)).not.toContain(promoted.password);
      expect(await readFile(fleet.file.path, "utf8")).not.toContain(promoted.password);
      expect(await fleet.secretFile("backup/config/backup.json")).not.toContain(promoted.password);
      for (const path of ["tenants/acme/config/environment", "backup/config/databases.json"])
        expect(await fleet.secretFile(path)).toContain(promoted.password);
    });

    it("goes back only once it was said what that loses", async () => {
      const asked = await promote(["--rollback", "--yes"], { mayFail: true });
      expect(asked.code).not.toBe(0);
      expect(asked.stderr).toMatch(/lost to its users.*chat 1 rows made or changed, 0 changed or deleted/);
      expect(await titles(session)).toContain(onPostgres);
    });

    it("is on its SQLite file again then, as that was, and its replica follows", async () => {
      await promote(["--rollback", "--yes", "--accept-losses"]);
      const found = await titles(session);
      expect(found).toContain(onSqlite);
      expect(found).not.toContain(onPostgres);
      expect(await fleet.syncUntil("acme", "success")).toMatchObject({ replica: { equal: true } });
      expect(await readFile(fleet.file.path, "utf8")).not.toContain("kind: postgres");
    });

    it("has its SQLite file backed up again, by what has no network any more and knows no password", async () => {
      await fleet.driver.operate("backup", ["run", "acme"]);
      const listed = await fleet.driver.operate("backup", ["list", "acme", "--json"]);
      expect(JSON.parse(listed.stdout).acme.at(-1)).toMatchObject({ database: "sqlite" });
      const [shown] = JSON.parse(await fleet.engine.inspect("container", [fleet.name("backup")]));
      expect(shown.HostConfig.NetworkMode).toBe("none");
      expect(await fleet.secretFile("backup/config/databases.json")).toBe("{}");
    });
  });

/** Says `open`, or the code of what kept it from that. */
const connecting = `require("node:net").connect(process.argv[2], process.argv[1], function () {
  process.stdout.write("open"); this.destroy();
}).on("error", ({ code }) => process.stdout.write(code))`;

/** The same, but its container does not reach what this machine reaches. */
export const failedPromotion = (fleet: Fleet) =>
  describe("a tenant that cannot reach the Postgres it goes to", () => {
    const { promoted, promote, titles, forget } = setting(fleet);
    let failed: Awaited<ReturnType<typeof promote>>;

    beforeAll(async () => {
      await Promise.all([(await fleet.signIn("acme")).createChat(onSqlite), promoted.startDatabase()]);
      failed = await promoted.unreachable(() => promote(["--to", promoted.url, "--yes"], { mayFail: true }));
    });
    afterAll(async () => {
      await forget();
      await promoted[Symbol.asyncDispose]();
    });

    it("is told why", () => {
      expect(failed.code).not.toBe(0);
      expect(failed.stderr).toContain("Open WebUI does not start on it, and ended by itself");
      expect(failed.stderr + failed.stdout).not.toContain(promoted.password);
    });

    it("serves on its SQLite file by itself, followed by its replica", async () => {
      expect(await titles()).toContain(onSqlite);
      expect(await fleet.syncUntil("acme", "success")).toMatchObject({ replica: { equal: true } });
      expect(await readFile(fleet.file.path, "utf8")).not.toContain("kind: postgres");
    });
  });
