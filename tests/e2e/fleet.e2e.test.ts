/**
 * One fleet on the real engine, from nothing to nothing: real Pulumi, Docker, Postgres and Open WebUI,
 * driven by the project's own commands. Bringing a fleet up is dear, so the scenarios share one and run in
 * the order below; each leaves the fleet as the next expects it: up, with acme and globex healthy.
 *
 * Skipped for others than root, who can make no network namespace and see no other process.
 * OWUI_E2E_KEEP=1 leaves the fleet running and takes up the one that an earlier such run left: `-t` then
 * chooses the scenario to work on.
 */
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { failureReport } from "../support/fleet/failure-report.ts";
import { Fleet } from "../support/fleet/fleet.ts";
import { alerts } from "./scenarios/alerts.ts";
import { birth } from "./scenarios/birth.ts";
import { bothWays } from "./scenarios/both-ways.ts";
import { branding } from "./scenarios/branding.ts";
import { certificates } from "./scenarios/certificates.ts";
import { chats } from "./scenarios/chats.ts";
import { connections } from "./scenarios/connections.ts";
import { erasure } from "./scenarios/erasure.ts";
import { failover } from "./scenarios/failover.ts";
import { isolation } from "./scenarios/isolation.ts";
import { mistakes } from "./scenarios/mistakes.ts";
import { neighbours } from "./scenarios/neighbours.ts";
import { operating } from "./scenarios/operating.ts";
import { promotion } from "./scenarios/promotion.ts";
import { readers } from "./scenarios/readers.ts";
import { rest } from "./scenarios/rest.ts";
import { restoration } from "./scenarios/restoration.ts";
import { secrecy } from "./scenarios/secrecy.ts";
import { stillness } from "./scenarios/stillness.ts";
import { tampering } from "./scenarios/tampering.ts";
import { upgrade } from "./scenarios/upgrade.ts";

describe.skipIf(process.getuid?.() !== 0)("a fleet on the real engine, as root", () => {
  const fleet = new Fleet();

  beforeAll(() => fleet.prepare());
  afterAll(() => fleet.finish());
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") console.log(await failureReport(fleet));
  });

  birth(fleet);
  alerts(fleet);
  chats(fleet);
  upgrade(fleet);
  promotion(fleet);
  readers(fleet);
  connections(fleet);
  stillness(fleet);
  mistakes(fleet);
  neighbours(fleet);
  branding(fleet);
  operating(fleet);
  erasure(fleet);
  failover(fleet);
  certificates(fleet);
  isolation(fleet);
  tampering(fleet);
  bothWays(fleet);
  restoration(fleet);
  secrecy(fleet);
  rest(fleet);
});
