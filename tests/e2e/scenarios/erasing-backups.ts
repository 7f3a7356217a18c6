import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCertificate, type Statement } from "../../../fleet/erasure/certificate.ts";
import { exitCodes } from "../../../fleet/exit-code.ts";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import type { CommandOptions } from "../../support/fleet/command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { entryOf } from "../../support/fleet/stack-file.ts";
import { until } from "../../support/fleet/until.ts";
import { S3Server, s3Key } from "../../support/s3/s3-server.ts";

/** Tenants that leave a fleet whose backups are in a bucket: at once, at a time that was said, and against the bucket's will. */
export const erasingBackups = (fleet: Fleet) =>
  describe("erasing a tenant whose backups are in a bucket", () => {
    const [leaver, other] = ["leaver", "leaver-eu"];
    const bucket = "fleet-backups";
    const folder = join(fleet.workspace, "s3");
    const kept = (tenant: string) => join(folder, bucket, "prod", tenant);
    const operate = (command: string, args: string[], options?: CommandOptions) =>
      fleet.driver.operate(command, args, { mayFail: true, input: "", ...options });
    const confirmed = (tenant: string) => [tenant, "--yes", "--confirm", tenant];
    const erase = (tenant: string, args: string[] = [], options?: CommandOptions) =>
      operate("erase", [...confirmed(tenant), ...args], options);
    const statementOf = async (file: string): Promise<Statement | undefined> =>
      readCertificate(await readFile(file, "utf8"))?.statement;
    let server: S3Server | undefined;
    let address: string;

    beforeAll(async () => {
      // What backs tenants up is on the engine's own bridge, and reaches this machine there.
      address = `${networkInterfaces().docker0?.[0]?.address}:${await freePort()}`;
      server = await S3Server.start(folder, [bucket], { at: address });
      const place = { kind: "s3", endpoint: `http://${address}`, bucket, prefix: "prod", keyId: s3Key.id };
      await fleet.file.setBackups(place);
      await fleet.setSecret("backups.repository.key", s3Key.secret);
      for (const tenant of [leaver, other]) await fleet.file.setTenant(tenant, entryOf(tenant));
      await fleet.up();
      for (const tenant of [leaver, other]) await operate("backup", ["run", tenant], { mayFail: false });
    });
    afterAll(async () => {
      for (const tenant of [leaver, other]) await fleet.file.removeTenant(tenant);
      await server?.stop();
    });

    it("is told where the key is refused, and not that there is no backup", async () => {
      await fleet.setSecret("backups.repository.key", "another key");
      await fleet.up();
      const { code, stderr } = await operate("backup", ["list", leaver]);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/Check that the key in `backups.repository` may/),
      ]);
      await fleet.setSecret("backups.repository.key", s3Key.secret);
      await fleet.up();
      expect((await operate("backup", ["list", leaver])).stdout).toContain("v0.11.3");
    });

    describe("after a while", () => {
      let operation: string;
      let notBefore: string;

      it("touches nothing before, keeps others from the tenant, and can be taken back", async () => {
        const asked = JSON.parse((await erase(leaver, ["--after", "2h", "--json"])).stdout);
        expect(asked).toMatchObject({ outcome: "waiting", certificate: null });
        const early = await operate("operations", ["resume", asked.operation]);
        expect([early.code, early.stderr]).toEqual([
          1,
          expect.stringContaining(`waits until ${asked.notBefore}`),
        ]);
        expect((await operate("retire", [leaver, "--yes"])).code).toBe(exitCodes.busy);
        await operate("operations", ["abort", asked.operation], { mayFail: false });
        expect((await fleet.signIn(leaver)).role).toBe("admin");
        expect(existsSync(kept(leaver))).toBe(true);
      });

      it("is begun when it is time, and stops while nobody can see whether its backups are gone", async () => {
        ({ operation, notBefore } = JSON.parse((await erase(leaver, ["--after", "1m", "--json"])).stdout));
        await server?.stop();
        await until("its time", () => Date.now() > Date.parse(notBefore), 70);
        const stopped = await operate("operations", ["resume", operation]);
        expect([stopped.code, stopped.stderr]).toEqual([
          1,
          expect.stringMatching(/stopped at look: .*cannot be reached.*--leave-backups/s),
        ]);
        expect((await fleet.signIn(leaver)).role).toBe("admin");
        server = await S3Server.start(folder, [bucket], { at: address });
      });

      it("takes the tenant's folder out of the bucket, asked by a host whose own program is stopped, and no other", async () => {
        // The look is another container's then; the `up` behind it starts this one.
        await fleet.engine.docker(["stop", fleet.name("backup")]);
        await operate("operations", ["resume", operation], { mayFail: false });
        expect(existsSync(kept(leaver))).toBe(false);
        expect(existsSync(join(kept(other), "config"))).toBe(true);
        expect((await operate("backup", ["check", other, "--data"])).code).toBe(0);
        const file = join(fleet.home, "stacks", fleet.stack, "erasures", `${leaver}-${operation}.json`);
        const statement = await statementOf(file);
        expect(statement).toMatchObject({ tenant: leaver, waitedUntil: notBefore });
        expect(statement?.things).toContainEqual(
          expect.objectContaining({
            where: `prod/${leaver}/ in bucket ${bucket} at http://${address}`,
            found: expect.stringMatching(/^\d+ objects, /),
            verified: expect.stringContaining("was asked again"),
          }),
        );
        expect(JSON.stringify(statement?.remains)).not.toContain("left on purpose");
      });

      it("finds nothing the second time, there neither", async () => {
        const { stdout } = await erase(leaver);
        expect(stdout).toMatch(/Nothing of leaver was found: .*not where backups are kept/);
      });
    });

    it("that does not delete is stopped at last, and certified with what is left there only where that is said", async () => {
      let stopped: Promise<void> | undefined;
      const heard = (line: string) => {
        if (/✓ look/.test(line)) stopped ??= server?.stop();
      };
      const failed = await erase(other, [], { heard });
      await stopped;
      expect([failed.code, failed.stderr]).toEqual([
        1,
        expect.stringMatching(/stopped at backups: .*cannot be reached/s),
      ]);
      expect(existsSync(join(fleet.root, "tenants", other))).toBe(false);
      expect(existsSync(join(kept(other), "config"))).toBe(true);
      const { certificate } = JSON.parse((await erase(other, ["--leave-backups", "--json"])).stdout);
      const statement = await statementOf(certificate);
      expect(JSON.stringify(statement?.things)).not.toContain(`prod/${other}`);
      expect(statement?.remains).toContainEqual(
        expect.objectContaining({
          what: expect.stringMatching(/encrypted with a passphrase that was erased.*left on purpose/),
          where: expect.stringContaining(`prod/${other}`),
        }),
      );
      server = await S3Server.start(folder, [bucket], { at: address });
    });

    it("is gone from there by a second erasure, once the bucket deletes again", async () => {
      const { certificate } = JSON.parse((await erase(other, ["--json"])).stdout);
      expect(existsSync(kept(other))).toBe(false);
      expect(JSON.stringify((await statementOf(certificate))?.remains)).not.toContain("left on purpose");
    });
  });
