import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import { viewFleet } from "../../toolchain/commands/fleet-status.ts";
import { type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { interfaceOf, statusTable } from "../../toolchain/commands/status-table.ts";
import { alertmanagerOf, firingAlerts } from "./alertmanager.ts";
import { alertsText, tellable } from "./alerts-text.ts";
import { eventLine } from "./event-line.ts";
import { type NodeEvent, nodeEvents } from "./node-events.ts";

/** How `npm run status` is asked. */
export interface StatusInvocation extends Invocation {
  /** Goes on with what happens, until it is interrupted. */
  follow?: boolean;
}

/** `npm run status`: how every tenant, its replica and the nodes are, and what fires, whatever of them answers. */
export async function status({ stack, json, follow }: StatusInvocation): Promise<void> {
  const last = await lastUp(stack);
  if (!last) {
    process.stderr.write(noFleet(stack));
    if (json)
      process.stdout.write(
        `${JSON.stringify({ tenants: [], nodes: [], certificates: [], users: null, alerts: null })}\n`,
      );
    return;
  }
  const alertmanager = alertmanagerOf(last.outputs);
  const [view, alerts] = await Promise.all([
    viewFleet(last.fleet, last.outputs),
    alertmanager && firingAlerts(alertmanager),
  ]);
  if (json) {
    // Null: not known, or nothing watches.
    const shown = { ...interfaceOf(view), alerts: alerts ? tellable(alerts) : null };
    process.stdout.write(follow ? `${JSON.stringify(shown)}\n` : `${JSON.stringify(shown, undefined, 2)}\n`);
    return follow ? tell(last.outputs, JSON.stringify) : undefined;
  }
  const asleep = view.alive.length === 0 && view.tenants.every(({ health }) => health === "stopped");
  const now = Date.now();
  process.stdout.write(`${statusTable(view, now)}\n`);
  if (asleep) process.stdout.write("\nNothing runs; everything is kept. `npm run up` brings it back.\n");
  else if (alertmanager) process.stdout.write(`\n${alertsText(alerts, now)}\n`);
  if (follow) await tell(last.outputs, eventLine);
}

/** Writes a line for everything that happens, until the command is interrupted. */
async function tell(outputs: FleetOutputs, lineOf: (event: NodeEvent) => string): Promise<void> {
  const interrupted = new AbortController();
  process.removeAllListeners("SIGINT");
  process.once("SIGINT", () => interrupted.abort());
  let silent = false;
  for await (const event of nodeEvents(outputs, interrupted.signal)) {
    if (event !== null) process.stdout.write(`${lineOf(event)}\n`);
    else if (!silent) process.stderr.write("No node answers; asking on.\n");
    silent = event === null;
  }
}
