import type { Fleet } from "../../components/fleet-config.ts";
import { controlHosts } from "../../components/sync/control-hosts.ts";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import { type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { columns } from "../../toolchain/commands/status-table.ts";
import { sizeText } from "../../toolchain/commands/sync-view.ts";
import { exitCodes } from "../exit-code.ts";
import { askedHost } from "../on-host/asked-host.ts";
import { type HostUsage, usageOf } from "../on-host/usage.ts";

/** One line of `fleet hosts --json`. An interface: scripts read it. Sizes in bytes. */
export interface HostLine {
  id: string;
  kind: string;
  /** Null for this machine. */
  address: string | null;
  /** Whether nodes and monitoring run on it. */
  control: boolean;
  tenants: number;
  cpus: number | null;
  load: number | null;
  memory: HostUsage["memory"] | null;
  disk: HostUsage["disk"];
  /** Why it could not be asked. */
  failure?: string;
}

/** `fleet hosts`: every host, and what is left of it. Ends with 1 where one could not be asked. */
export async function hosts({ stack, json }: Invocation): Promise<void> {
  const last = await lastUp(stack);
  if (!last) {
    process.stderr.write(noFleet(stack));
    if (json) process.stdout.write(`${JSON.stringify({ hosts: [] })}\n`);
    return;
  }
  const { fleet, outputs } = last;
  const usages = await Promise.all(
    fleet.hosts.map(async (spec) => {
      const usage = await usageOf(askedHost(spec, fleet.operators.identity, last), stack);
      return [spec.id, usage] as const;
    }),
  );
  const lines = hostLines(fleet, outputs, new Map(usages));
  process.stdout.write(
    json ? `${JSON.stringify({ hosts: lines }, undefined, 2)}\n` : `${hostTable(lines)}\n`,
  );
  if (lines.some(({ failure }) => failure !== undefined)) process.exitCode = exitCodes.failed;
}

/** The lines, from what the hosts said; pure. */
export const hostLines = (
  {
    hosts,
    tenants,
    sync,
  }: Pick<Fleet, "hosts" | "tenants"> & { sync: Pick<Fleet["sync"], "host" | "nodes"> },
  outputs: Pick<FleetOutputs, "hosts">,
  usages: ReadonlyMap<string, HostUsage | string>,
): HostLine[] =>
  hosts.map(({ id, kind }) => {
    const usage = usages.get(id) ?? "nobody asked it";
    const known = typeof usage === "object" ? usage : undefined;
    return {
      ...{ id, kind, address: outputs.hosts[id]?.target?.address ?? null },
      control: controlHosts(sync).includes(id),
      tenants: tenants.filter(({ host }) => host === id).length,
      cpus: known?.cpus ?? null,
      load: known?.load ?? null,
      memory: known?.memory ?? null,
      disk: known?.disk ?? null,
      ...(typeof usage === "string" ? { failure: usage } : {}),
    };
  });

/** The same for people. */
export function hostTable(lines: readonly HostLine[]): string {
  const left = (size: { total: number; free: number } | null) =>
    size ? `${sizeText(size.free)} of ${sizeText(size.total)} free` : "-";
  const rows = lines.map(({ id, kind, address, control, tenants, cpus, load, memory, disk, failure }) => [
    control ? `${id} (control)` : id,
    kind,
    address ?? "this machine",
    String(tenants),
    cpus === null || load === null ? "-" : `${load.toFixed(1)} of ${cpus}`,
    left(memory),
    left(disk),
    failure ?? "",
  ]);
  return columns([["host", "kind", "address", "tenants", "load", "memory", "disk", ""], ...rows]).join("\n");
}
