import { expect, test } from "vitest";
import { monitoringImages } from "../../../toolchain/images/catalog.ts";
import { run } from "../../support/fleet/command.ts";

/** promtool out of Prometheus' own image, over the checkout. */
const promtool = (...args: string[]) =>
  run([
    ...["docker", "run", "--rm", "--network", "none", "--volume", `${process.cwd()}:/checkout:ro`],
    ...["--workdir", "/checkout", "--entrypoint", "promtool", monitoringImages[0] as string, ...args],
  ]);

test.each(["rules", "rules-of-days"])("alerts fire when they have to and not before: %s", async (name) => {
  const { stdout } = await promtool("test", "rules", `tests/components/monitoring/${name}.promtool.yaml`);
  expect(stdout).toContain("SUCCESS");
});

test("Prometheus takes the rules", async () => {
  const { stdout } = await promtool("check", "rules", "components/monitoring/rules.yaml");
  expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
});
