import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { failureReport } from "./failure-report.ts";
import { Fleet } from "./fleet.ts";

/**
 * One fleet on the real engine, from nothing to nothing: real Pulumi, Docker, Postgres and Open WebUI, driven by the project's
 * own commands. Bringing a fleet up is dear, so scenarios share one and run in their order; each leaves the fleet as the next
 * expects it: up, with acme and globex healthy.
 *
 * Skipped for others than root, who can make no network namespace and see no other process.
 * OWUI_E2E_KEEP=1 leaves the fleet running and takes up the one that an earlier such run left: `-t` then chooses the scenario
 * to work on.
 */
export const onOneFleet = (name: string, ...scenarios: ((fleet: Fleet) => void)[]): void => {
  describe.skipIf(process.getuid?.() !== 0)(name, () => {
    const fleet = new Fleet();

    beforeAll(() => fleet.prepare());
    afterAll(() => fleet.finish());
    afterEach(async ({ task }) => {
      if (task.result?.state === "fail") console.log(await failureReport(fleet));
    });

    for (const scenario of scenarios) scenario(fleet);
  });
};
