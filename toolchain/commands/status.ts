import { viewFleet } from "./fleet-status.ts";
import { type Invocation, lastUp, noFleet } from "./invocation.ts";
import { interfaceOf, statusTable } from "./status-table.ts";

/** `npm run status`: how every tenant, its replica and the nodes are, whatever of them answers. */
export async function status({ stack, json }: Invocation): Promise<void> {
  const last = await lastUp(stack);
  if (!last) {
    process.stderr.write(noFleet(stack));
    if (json) process.stdout.write(`${JSON.stringify({ tenants: [], nodes: [] })}\n`);
    return;
  }
  const view = await viewFleet(last.fleet, last.outputs);
  if (json) {
    process.stdout.write(`${JSON.stringify(interfaceOf(view), undefined, 2)}\n`);
    return;
  }
  const asleep = view.alive.length === 0 && view.tenants.every(({ health }) => health === "stopped");
  const hint = asleep ? "\nNothing runs; everything is kept. `npm run up` brings it back.\n" : "";
  process.stdout.write(`${statusTable(view, Date.now())}\n${hint}`);
}
