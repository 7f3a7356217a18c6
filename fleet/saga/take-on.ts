import { RefusedError } from "../../toolchain/commands/node-api.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { BusyError } from "../exit-code.ts";
import type { Operation } from "./operation.ts";
import { type Saga, type Workshop, work } from "./saga.ts";

/** Something else is open for the tenant: what, by whom, and where to look. */
export const busyWith = ({ kind, id, client, by, runner, held }: Operation, why?: string): BusyError =>
  new BusyError(
    [
      `\n  ✗ ${kind} ${id} of ${client}, begun by ${by}, has not ended${held ? `; ${runner} works on it` : ""}.`,
      ...(why === undefined ? [] : [`    why:    ${why}`]),
      `    remedy: look at it: npx fleet operations show ${id}`,
    ].join("\n"),
  );

/** Takes on what was begun, forward or back; whoever has it is told of. */
export async function takeOn(
  { operations, runner }: Workshop,
  open: Operation,
  undo = false,
): Promise<Operation> {
  try {
    return await operations.take(open.id, runner, undo);
  } catch (error) {
    throw error instanceof RefusedError ? busyWith(open, error.message) : error;
  }
}

/** Works on an operation that is to get through; that somebody took it back meanwhile is a failure. */
export async function workThrough(saga: Saga, begun: Operation, shop: Workshop): Promise<void> {
  if ((await work(saga, begun, shop)) === "aborted")
    throw new CommandError(
      `\n  ✗ ${saga.kind} ${begun.id} of ${begun.client} was aborted; everything is as it was before.`,
    );
}
