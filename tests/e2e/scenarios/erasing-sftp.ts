import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCertificate, type Statement } from "../../../fleet/erasure/certificate.ts";
import { installPackages } from "../../../toolchain/setup/packages.ts";
import type { CommandOptions } from "../../support/fleet/command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { entryOf } from "../../support/fleet/stack-file.ts";
import { Sshd } from "../../support/sftp/sshd.ts";

/** Tenants that leave a fleet whose backups are on a server that is reached over ssh, and that is not always there. */
export const erasingSftp = (fleet: Fleet) =>
  describe("erasing a tenant whose backups are on a server behind ssh", () => {
    const [leaver, other] = ["leaver", "leaver-eu"];
    const keys = join(fleet.workspace, "sshd");
    const path = join(fleet.workspace, "over-ssh");
    const kept = (tenant: string) => join(path, tenant);
    const operate = (command: string, args: string[], options?: CommandOptions) =>
      fleet.driver.operate(command, args, { mayFail: true, input: "", ...options });
    const erase = (tenant: string, options?: CommandOptions) =>
      operate("erase", [tenant, "--yes", "--confirm", tenant, "--json"], options);
    const numberIn = (said: string) => /operation (\d+)/.exec(said)?.[1] ?? "";
    let server: Sshd;

    /** What the certificate of an erasure says of the server. */
    const certified = async (tenant: string, operation: string): Promise<Statement | undefined> => {
      const file = join(fleet.home, "stacks", fleet.stack, "erasures", `${tenant}-${operation}.json`);
      await fleet.driver.operate("erase", ["--verify", file]);
      const statement = readCertificate(readFileSync(file, "utf8"))?.statement;
      expect(statement?.things).toContainEqual(
        expect.objectContaining({
          where: `${kept(tenant)} on ${server.address}`,
          found: expect.stringMatching(/^\d+ objects, /),
          verified: expect.stringContaining("was asked again"),
        }),
      );
      expect(JSON.stringify(statement?.remains)).not.toContain("left on purpose");
      return statement;
    };

    beforeAll(async () => {
      await installPackages(["openssh-server"], console.log);
      // What backs tenants up is on the engine's own bridge, and reaches this machine there.
      const address = networkInterfaces().docker0?.[0]?.address ?? "";
      server = await Sshd.start(keys, { at: { address } });
      mkdirSync(path, { recursive: true });
      const { port, user, hostKey, keyFile } = server;
      await fleet.file.setBackups({ kind: "sftp", address, port, user, path, hostKey });
      await fleet.setSecret("backups.repository.key", readFileSync(keyFile, "utf8"));
      for (const tenant of [leaver, other]) await fleet.file.setTenant(tenant, entryOf(tenant));
      await fleet.up();
      for (const tenant of [leaver, other]) await fleet.driver.operate("backup", ["run", tenant]);
    });
    afterAll(async () => {
      for (const tenant of [leaver, other]) await fleet.file.removeTenant(tenant);
      await server?.stop();
    });
    const comesBack = async () => {
      server = await Sshd.start(keys, { at: server });
    };

    it("touches nothing while the server is away, and goes on once it is back", async () => {
      const others = await fleet.snapshotBeside(leaver);
      await server.stop();
      const stopped = await erase(leaver);
      expect([stopped.code, stopped.stderr]).toEqual([
        1,
        expect.stringMatching(/stopped at look: .*cannot be reached.*--leave-backups.*operations resume/s),
      ]);
      expect((await fleet.signIn(leaver)).role).toBe("admin");
      await comesBack();
      const id = numberIn(stopped.stderr);
      await fleet.driver.operate("operations", ["resume", id]);
      expect([existsSync(kept(leaver)), existsSync(join(kept(other), "config"))]).toEqual([false, true]);
      expect((await operate("backup", ["check", other, "--data"])).code).toBe(0);
      expect(await certified(leaver, id)).toMatchObject({ tenant: leaver });
      expect(await fleet.snapshot()).toEqual(others);
    });

    it("finds nothing the second time, there neither", async () => {
      const { stdout } = await operate("erase", [leaver, "--yes", "--confirm", leaver]);
      expect(stdout).toMatch(/Nothing of leaver was found: .*not where backups are kept/);
    });

    it("stops at last where the server went away meanwhile, and certifies nothing before it was emptied", async () => {
      let gone: Promise<void> | undefined;
      const heard = (line: string) => {
        if (/✓ look/.test(line)) gone ??= server.stop();
      };
      const stopped = await erase(other, { heard });
      await gone;
      expect([stopped.code, stopped.stderr]).toEqual([
        1,
        expect.stringMatching(/stopped at backups: .*cannot be reached.*operations resume/s),
      ]);
      expect(existsSync(join(fleet.root, "tenants", other))).toBe(false);
      expect(existsSync(join(kept(other), "config"))).toBe(true);
      const id = numberIn(stopped.stderr);
      const still = await operate("operations", ["resume", id]);
      expect([still.code, still.stderr]).toEqual([1, expect.stringMatching(/stopped at backups/)]);
      await comesBack();
      await fleet.driver.operate("operations", ["resume", id]);
      expect(existsSync(kept(other))).toBe(false);
      expect(await certified(other, id)).toMatchObject({ tenant: other });
    });
  });
