import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** A question as a reader; the error's code where it is refused. */
async function ask(credentials: Record<string, string>, text: string): Promise<unknown> {
  const client = new pg.Client({
    host: credentials.host,
    port: Number(credentials.port),
    database: credentials.database,
    user: credentials.user,
    password: credentials.password,
    ssl: { rejectUnauthorized: false }, // the node's tests prove the certificate
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } catch (error) {
    return (error as pg.DatabaseError).code;
  } finally {
    await client.end().catch(() => {});
  }
}

/** An analyst's login, from the config's entry to its removal. */
export const readers = (fleet: Fleet) =>
  describe("a reader of replicas", () => {
    let ana: Record<string, string>;

    beforeAll(async () => {
      await fleet.file.setReaders({
        ana: { tenants: ["acme"] },
        auditor: { tenants: "all", columns: ["auth.password"] },
      });
      await fleet.up();
      ana = await credentialsOf("ana");
    });

    const credentialsOf = async (reader: string) =>
      Object.fromEntries(
        (await fleet.driver.readerPassword(reader))
          .split("\n")
          .map((line) => line.split(/\s+/, 2) as [string, string]),
      );

    it("connects as the operator is told, and sees its tenant", async () => {
      expect(ana.user).toBe("reader_ana");
      expect(await ask(ana, "SELECT * FROM tenant_acme.auth")).toBe("42501");
      expect(await ask(ana, "SELECT count(id) > 0 AS some FROM tenant_acme.auth")).toEqual([{ some: true }]);
    });

    it("sees no password hash, no other tenant and nothing of the fleet's own", async () => {
      for (const statement of [
        "SELECT password FROM tenant_acme.auth",
        "SELECT id FROM tenant_globex.auth",
        "SELECT * FROM sync_metadata.replicas",
        "DELETE FROM tenant_acme.chat",
      ])
        expect([statement, await ask(ana, statement)]).toEqual([statement, "42501"]);
    });

    it("sees what was granted to it by name, in every tenant", async () => {
      const auditor = await credentialsOf("auditor");
      for (const tenant of ["acme", "globex"])
        expect(
          await ask(auditor, `SELECT password ~ '^\\$2' AS hashed FROM tenant_${tenant}.auth LIMIT 1`),
        ).toEqual([{ hashed: true }]);
    });

    it("is gone with its entry", async () => {
      await fleet.file.setReaders({});
      await fleet.up();
      expect(await ask(ana, "SELECT 1")).toBe("28P01");
    });
  });
