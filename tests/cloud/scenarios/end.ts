import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { docker } from "../../../toolchain/fakes/digitalocean/docker/engine.ts";
import { goesOn, patience, type Staging } from "../../support/cloud/staging.ts";

/** To nothing. */
export const end = (staging: Staging) =>
  describe.skipIf(goesOn)("the end", () => {
    it(
      "a plain `pulumi destroy` is refused: what holds data is protected",
      async () => {
        const machines = await staging.machines();
        const outcome = await staging.driver.pulumi(["destroy", "--yes", "--skip-preview"], {
          mayFail: true,
        });
        expect(outcome.code).not.toBe(0);
        expect(outcome.stdout + outcome.stderr).toMatch(/protected/);
        expect(await staging.machines()).toEqual(machines);
      },
      patience,
    );

    it(
      "`down --purge` leaves no machine, no network and no folder",
      async () => {
        await staging.driver.down(["--purge", "--yes"]);
        expect(await staging.machines()).toEqual([]);
        const networks = await docker(["network", "ls", "--format", "{{.Name}}"]);
        expect(networks.split("\n")).not.toContain(staging.publicNetwork);
        expect(existsSync(`${staging.home}/stacks/staging`)).toBe(false);
      },
      patience,
    );
  });
