import { afterAll, beforeAll, expect, test } from "vitest";
import type { FleetOutputs } from "../../../toolchain/commands/fleet-outputs.ts";
import { askCluster, askTenant } from "../../../toolchain/commands/node-api.ts";
import { TestAuthority } from "../../support/certificates.ts";
import { NodeProcess } from "../../support/node-process.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";

/** More than a page holds. */
const TENANTS = 1001;

let database: TestDatabase;
let node: NodeProcess;

beforeAll(async () => {
  database = await TestDatabase.create();
  const { tenants, ...intent } = intentOf(Array.from({ length: TENANTS }, (_, nth) => `tenant-${nth}`));
  await database.apply({ ...intent, tenants: tenants.map((tenant) => ({ ...tenant, paused: true })) });
  node = await NodeProcess.start({ database, authority: await TestAuthority.create(), node: "a" });
});
afterAll(async () => {
  await node?.[Symbol.asyncDispose]();
  await database?.drop();
});

test("the cluster's view has every tenant, also when they do not fit on a page", async () => {
  const view = await askCluster(node.outputs as FleetOutputs);
  expect(new Set(view?.syncs.map(({ id }) => id)).size).toBe(TENANTS);
  expect(view?.syncs).toHaveLength(TENANTS);
});

test("one tenant is found wherever it stands in the list, and one that there is not is not", async () => {
  expect(await askTenant(node.outputs as FleetOutputs, "tenant-999")).toMatchObject({ id: "tenant-999" });
  expect(await askTenant(node.outputs as FleetOutputs, "nobody")).toBeUndefined();
});
