import { type LastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";

/** How the database of a stack's replicas is reached as its cluster. */
export function replicasConnection(stack: string, last: LastUp | undefined) {
  const replicas = last?.outputs.replicas;
  if (last && replicas) return { ...replicas, ca: replicas.ca ?? last.outputs.certificateAuthority };
  throw new SetupError([
    {
      what: `How the replicas of stack ${stack} are reached is not known.`,
      why: last ? "It was last brought up by an earlier version of this program." : noFleet(stack).trim(),
      remedy: "Run `npm run up`, then this again.",
    },
  ]);
}
