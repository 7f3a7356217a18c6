import { dockerName } from "../../components/container.ts";
import type { HostSpec, TenantSpec } from "../../components/fleet-config.ts";
import { type LastUp, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, askedHost } from "../on-host/asked-host.ts";
import { MoveSide } from "../on-host/tenant-move.ts";
import type { StepContext } from "../saga/saga.ts";
import { MoveFound, MoveRequest } from "./request.ts";

/** A tenant on its way, and both its hosts. */
export interface Subject {
  context: StepContext;
  last: LastUp;
  spec: TenantSpec;
  /** Name of its container, the same on both. */
  container: string;
  from: MoveSide;
  to: MoveSide;
  request: MoveRequest;
  found: MoveFound;
}

/** What the steps of a move work on. */
export async function subjectOf(context: StepContext): Promise<Subject> {
  const { tenant, operation, invocation } = context;
  const { stack } = invocation;
  const request = MoveRequest.parse(context.request);
  const last = await lastUp(stack);
  if (!last) throw new CommandError(noFleet(stack));
  const spec = last.fleet.tenants.find(({ id }) => id === tenant);
  if (!spec) throw new CommandError(`stack ${stack} has no tenant ${tenant} any more`);
  const side = (id: string) => new MoveSide(hostIn(last, id), stack, tenant, operation);
  return {
    ...{ context, last, spec, request, found: MoveFound.parse(context.found) },
    container: dockerName({ stack, role: "tenant", of: tenant }),
    from: side(request.from),
    to: side(request.to),
  };
}

export function hostIn(last: LastUp, id: string): AskedHost {
  const spec = last.fleet.hosts.find((host) => host.id === id);
  if (!spec) throw new CommandError(`the stack has no host ${id} any more`);
  return askedHost(spec, last.fleet.operators.identity, last);
}

/** The address at which users reach a host. */
export const addressOf = ({ outputs }: LastUp, { id, kind, http }: HostSpec): string =>
  kind === "local" ? http.address : (outputs.hosts[id]?.target?.address ?? "");
