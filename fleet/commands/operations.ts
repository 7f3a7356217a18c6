import { type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { RefusedError } from "../../toolchain/commands/node-api.ts";
import { agoText, columns } from "../../toolchain/commands/status-table.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import { BusyError } from "../exit-code.ts";
import type { Operation } from "../saga/operation.ts";
import { work } from "../saga/saga.ts";
import { sagas, workshopOf } from "../saga/workshop.ts";
import { tell } from "./tell.ts";

/** What `fleet operations` does. */
export type OperationsAction = "list" | "show" | "resume" | "abort";

/** How `fleet operations` is asked. */
export interface OperationsInvocation extends Invocation {
  /** list: those that have not ended. */
  open?: boolean;
}

/** `fleet operations [list [tenant]|show <id>|resume <id>|abort <id>]`: long operations on tenants. */
export async function operations(
  invocation: OperationsInvocation,
  action: OperationsAction,
  what: string | undefined,
): Promise<void> {
  const { stack, json, open = false } = invocation;
  if (action !== "list" && !/^[1-9]\d{0,17}$/.test(what ?? ""))
    throw refused(
      `Which operation to ${action} is not said.`,
      "Operations have numbers: npx fleet operations",
    );
  const last = await lastUp(stack);
  if (!last) throw refused(`Stack ${stack} has no nodes.`, noFleet(stack).trim());
  const shop = workshopOf(invocation, last);
  const known = shop.operations;
  try {
    if (action === "list") {
      const found = await known.list({ client: what, open });
      return tell(json, { operations: found }, operationTable(found, Date.now()));
    }
    const operation = await known.get(what ?? "");
    if (action === "show") return tell(json, operation, operationText(operation, Date.now()));
    const saga = sagas.get(operation.kind);
    // Whoever began to take it back was asked then; of one that has ended the nodes say so.
    const asked = operation.status === "undoing" || operation.abort_asked_by !== null;
    const own = action === "abort" && !asked && operation.ended_at === null && saga?.takenBackBy?.(operation);
    if (own)
      throw refused(`Taking ${operation.kind} ${operation.id} back loses what users wrote since.`, own);
    if (action === "abort" && isPast(operation))
      throw refused(
        `${operation.kind} ${operation.id} is past where it can be taken back: ${operation.steps[operation.done - 1]} is done.`,
        `Finish it: npx fleet operations resume ${operation.id}`,
      );
    if (action === "abort" && operation.held) {
      const told = await known.abort(operation.id);
      const said = `${operation.runner} works on it, and takes it back once the step at hand has ended.`;
      return tell(json, told, said);
    }
    if (!saga)
      throw refused(
        `This version does not know how to ${action} ${operation.kind}.`,
        "Use the version that began it.",
      );
    const taken = await known.take(operation.id, shop.runner, action === "abort");
    await work(saga, taken, shop);
    const ended = await known.get(operation.id);
    tell(json, ended, operationText(ended, Date.now()));
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    if (error.kind !== "not-to-be-had") throw new CommandError(`\n  ✗ ${error.message}`);
    throw new BusyError(
      `\n  ✗ ${error.message}\n    remedy: look at it, and wait: npx fleet operations show ${what}`,
    );
  }
}

/** Whether it can only go forward. */
const isPast = ({ ended_at, abort_asked_by, done, abortable }: Operation): boolean =>
  ended_at === null && abort_asked_by === null && done > abortable;

const refused = (what: string, remedy: string) =>
  new SetupError([{ what, why: "An operation is a row that the nodes keep.", remedy }]);

/** How one stands, in a word or two. */
export function standing({ status, held, abort_asked_by, steps, done }: Operation): string {
  if (status === "done" || status === "aborted") return status;
  const at = `${steps[Math.min(done, steps.length - 1)]} (${Math.min(done + 1, steps.length)} of ${steps.length})`;
  if (status === "stopped") return `STOPPED at ${at}`;
  if (!held) return `ABANDONED at ${at}`;
  return status === "undoing" || abort_asked_by !== null ? `taken back, at ${at}` : `at ${at}`;
}

export function operationTable(all: readonly Operation[], now: number): string {
  if (all.length === 0) return "There is no long operation.";
  const ago = (time: string) => `${agoText(now - Date.parse(time))} ago`;
  return columns([
    ["operation", "tenant", "what", "stands", "begun", "by"],
    ...all.map((one) => [one.id, one.client, one.kind, standing(one), ago(one.begun_at), one.by]),
  ]).join("\n");
}

/** Everything about one, and what can be done with it. */
export function operationText(one: Operation, now: number): string {
  const { id, client, kind, steps, done, error, runner, by, held, ended_at, changed_at } = one;
  const ago = `${agoText(now - Date.parse(changed_at))} ago`;
  const waits = ended_at === null && !held;
  const own = sagas.get(kind)?.takenBackBy?.(one);
  return [
    `${kind} ${id} of ${client}, begun by ${by}: ${standing(one)}; last heard of ${ago}, of ${runner}`,
    ...steps.map((step, index) => `  ${index < done ? "✓" : "·"} ${step}`),
    ...(error === null ? [] : [`It stopped because: ${error}`]),
    ...(waits && one.abort_asked_by === null ? [`Go on: npx fleet operations resume ${id}`] : []),
    ...(ended_at === null && !isPast(one)
      ? [own ? `Take back what it did. ${own}` : `Take back what it did: npx fleet operations abort ${id}`]
      : []),
  ].join("\n");
}
