import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import type { LastUp } from "../../toolchain/commands/invocation.ts";
import { type Invocation, stepsOf } from "../../toolchain/commands/invocation.ts";
import { adoption } from "../adoption/saga.ts";
import { erasure } from "../erasure/erasure.ts";
import { retirement } from "../erasure/retirement.ts";
import { moveSaga } from "../move/saga.ts";
import { promotionSaga } from "../promotion/saga.ts";
import { restoreSaga } from "../restore/saga.ts";
import { rollbackSaga, upgradeSaga } from "../upgrade/saga.ts";
import { operationsOf } from "./operation.ts";
import type { Saga, Workshop } from "./saga.ts";

/** Every kind of long operation that this version can do; an operation of another kind is another version's. */
export const sagas: ReadonlyMap<string, Saga> = new Map(
  [adoption, restoreSaga, upgradeSaga, rollbackSaga, promotionSaga, moveSaga, retirement, erasure].map(
    (saga) => [saga.kind, saga],
  ),
);

/** What this process works on operations with. Ctrl-C interrupts the step at hand; a second one waits for nobody. */
export function workshopOf(invocation: Invocation, last: LastUp): Workshop {
  const interrupted = new AbortController();
  process.removeAllListeners("SIGINT");
  process.once("SIGINT", () => {
    process.stderr.write(
      "\nStopping; the operation can be taken on later. Ctrl-C again to wait for nothing.\n",
    );
    interrupted.abort(new Error("it was interrupted"));
    process.once("SIGINT", () => process.exit(130));
  });
  return {
    invocation,
    operations: operationsOf(last.outputs),
    runner: { run: randomUUID(), name: `${nameOf()} at ${hostname()}, process ${process.pid}`.slice(0, 200) },
    screen: stepsOf(invocation),
    interrupted: interrupted.signal,
  };
}

/** A user without a name has a number. */
function nameOf(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}
