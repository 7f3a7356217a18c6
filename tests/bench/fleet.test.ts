import { expect, test } from "vitest";
import { fleetWith } from "../../bench/preview/fleet.ts";
import { parseFleet } from "../../components/fleet-config.ts";

test.each([0, 1, 100, 1_000])("a generated fleet of %d tenants is a config without problems", (tenants) => {
  const where = { repository: import.meta.dirname, dataHome: "/data" };
  expect(parseFleet("bench", fleetWith(tenants), where).tenants).toHaveLength(tenants);
});
