/** What a fleet does and takes, in the order in which it happens to one (tests/support/fleet/one-fleet.ts). */
import { onOneFleet } from "../support/fleet/one-fleet.ts";
import { adopting } from "./scenarios/adopting.ts";
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
import { restoring } from "./scenarios/restoring.ts";
import { secrecy } from "./scenarios/secrecy.ts";
import { stillness } from "./scenarios/stillness.ts";
import { tampering } from "./scenarios/tampering.ts";
import { upgrading } from "./scenarios/upgrading.ts";

onOneFleet(
  "a fleet on the real engine, as root",
  birth,
  alerts,
  chats,
  upgrading,
  restoring,
  // Behind what has the fleet backed up: its backups move with it.
  promotion,
  readers,
  connections,
  stillness,
  mistakes,
  neighbours,
  branding,
  operating,
  adopting,
  erasure,
  failover,
  certificates,
  isolation,
  tampering,
  bothWays,
  restoration,
  secrecy,
  rest,
);
