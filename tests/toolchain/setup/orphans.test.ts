import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { run } from "../../../toolchain/setup/child.mjs";
import { endOrphans } from "../../../toolchain/setup/orphans.ts";
import { lives } from "../../../toolchain/setup/stack-lock.ts";
import { until } from "../../support/fleet/until.ts";

/** Leaves a child behind as a killed program does; answers its process id. */
const orphan = async (environment: Record<string, string>): Promise<number> => {
  const script = "sleep 600 >/dev/null 2>&1 & echo $!; kill -9 $$";
  const { code, stdout } = await run(["sh", "-c", script], { env: { ...process.env, ...environment } });
  expect(code).toBe(124);
  return Number(stdout);
};

test.skipIf(!existsSync("/proc/self/environ"))(
  "what a killed program left is ended, and nobody else",
  async () => {
    const mark = randomUUID();
    const [left, other] = [await orphan({ OWUI_RUN: mark }), await orphan({ OWUI_RUN: `${mark}-other` })];
    try {
      expect(await endOrphans(`OWUI_RUN=${mark}`)).toEqual([left]);
      await until("it is gone", () => !lives(left), 10);
      expect(lives(other)).toBe(true);
    } finally {
      process.kill(other, "SIGKILL");
    }
  },
);
