import { test } from "vitest";
import { requireOrder } from "./random-runs.ts";

/** Some hundred runs on a quiet machine with two cores. */
const SECONDS = Number(process.env.OWUI_PROPERTY_SECONDS ?? 600);

test(
  "through hundreds of random runs, guarded writes are ordered by their epochs and none is lost",
  () => requireOrder(SECONDS),
  (SECONDS + 120) * 1000,
);
