import type { Logger } from "pino";
import type { LeaseTiming } from "./lease-timing.ts";
import type { Metrics } from "./metrics.ts";
import type { Postgres } from "./postgres.ts";
import type { Clock } from "./service.ts";

/** What every service of a node is given. */
export interface NodeContext {
  cluster: string;
  /** The node's name in the stack's config. */
  node: string;
  /** A fresh id per process start, so that a restarted node is never taken for its former self. */
  run: string;
  timing: LeaseTiming;
  postgres: Postgres;
  clock: Clock;
  /** A number in [0, 1). */
  random: () => number;
  metrics: Metrics;
  log: Logger;
}
