import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCertificate } from "../../../fleet/erasure/certificate.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { entryOf } from "../../support/fleet/stack-file.ts";

/** A tenant leaves for good. */
export const erasure = (fleet: Fleet) => {
  const tenant = "leaver";
  const home = join(fleet.root, "tenants", tenant);
  const stranger = fleet.name("stranger");
  const operate = (args: string[]) => fleet.driver.operate("erase", args, { mayFail: true, input: "" });
  const confirmed = [tenant, "--yes", "--confirm", tenant];

  describe("erasing a tenant", () => {
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;
    beforeAll(async () => {
      await fleet.file.setTenant(tenant, entryOf(tenant));
      await fleet.up();
      others = await fleet.snapshotBeside(tenant);
    });
    afterAll(async () => {
      await fleet.engine.docker(["rm", "--force", stranger], { mayFail: true });
      await fleet.file.removeTenant(tenant);
    });

    it("is refused unless its name is given", async () => {
      for (const args of [
        [tenant, "--yes"],
        [tenant, "--yes", "--confirm", "acme"],
      ]) {
        const { code, stderr } = await operate(args);
        expect([code, stderr]).toEqual([1, expect.stringContaining("it was not confirmed")]);
      }
      expect(existsSync(join(home, "data/webui.db"))).toBe(true);
    });

    it("stops where it cannot go on, keeps others from the tenant, and goes on when it is asked again", async () => {
      await fleet.engine.docker(["rm", "--force", stranger], { mayFail: true }); // of a run that was killed
      const volume = `type=bind,source=${home}/data,target=/data`;
      const image = "postgres:15-bookworm";
      await fleet.engine.docker([
        "run",
        "--detach",
        "--name",
        stranger,
        "--mount",
        volume,
        image,
        "sleep",
        "600",
      ]);
      const stopped = await operate(confirmed);
      expect([stopped.code, stopped.stderr]).toEqual([
        1,
        expect.stringMatching(/erase of leaver stopped at hosts.*stranger/),
      ]);
      expect(existsSync(join(home, "data/webui.db"))).toBe(true);
      await fleet.engine.docker(["rm", "--force", stranger]);
      const { stdout } = await fleet.driver.operate("erase", [...confirmed, "--json"]);
      const { outcome, certificate } = JSON.parse(stdout);
      expect(outcome).toBe("erased");
      const said = readCertificate(await readFile(certificate, "utf8"))?.statement;
      expect(said).toMatchObject({
        tenant,
        stack: fleet.stack,
        identity: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      expect(said?.things.map(({ found }) => found).join()).toMatch(/resources.*directory.*tables.*files/);
    });

    it("leaves nothing of it, and nobody else was touched", async () => {
      expect(existsSync(home)).toBe(false);
      expect(await fleet.snapshot()).toEqual(others);
      const [left] = await fleet.replica.query(
        "SELECT to_regnamespace('tenant_leaver') AS schema, state FROM sync_metadata.client_deployments WHERE id = 'leaver'",
      );
      expect(left).toEqual({ schema: null, state: "erased" });
      expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
    });

    it("finds nothing the second time", async () => {
      const { stdout } = await fleet.driver.operate("erase", [...confirmed, "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({ outcome: "nothing", operation: null });
    });

    it("certifies what can be checked, and a changed page is found out", async () => {
      const { operations } = JSON.parse(
        (await fleet.driver.operate("operations", ["list", tenant, "--json"])).stdout,
      );
      const page = join(fleet.home, "stacks", fleet.stack, "erasures", `${tenant}-${operations[0].id}.html`);
      const good = await fleet.driver.operate("erase", ["--verify", page]);
      expect(good.stdout).toContain(`the key of stack ${fleet.stack}`);
      const forged = join(fleet.workspace, "forged.html");
      await writeFile(forged, (await readFile(page, "utf8")).replaceAll('"identity":"', '"identity":"0'));
      const { code, stderr } = await operate(["--verify", forged]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("NOT what was signed")]);
    });

    it("a report tells of those that are left", async () => {
      const file = join(fleet.workspace, "report.html");
      await fleet.driver.operate("report", ["--to", file]);
      const page = await readFile(file, "utf8");
      expect(page).toMatch(/>acme<[\s\S]*>globex</);
      expect(page).not.toContain(`>${tenant}<`);
    });
  });
};
