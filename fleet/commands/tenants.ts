import type { Fleet } from "../../components/fleet-config.ts";
import { type Health, viewFleet } from "../../toolchain/commands/fleet-status.ts";
import { type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { columns } from "../../toolchain/commands/status-table.ts";
import { sizeText } from "../../toolchain/commands/sync-view.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { askedHost } from "../on-host/asked-host.ts";
import { type HostUsage, type TenantUsage, usageOf } from "../on-host/usage.ts";

/** One line of `fleet tenants --json`. An interface: scripts read it. Sizes in bytes. */
export interface TenantLine {
  id: string;
  host: string;
  url: string;
  /** Full reference of its image. */
  image: string;
  health: Health;
  /** Where it is in its life; null while no node answers. */
  state: string | null;
  /** Of one processor; null while it does not run, or its host was not to be asked. */
  cpu: number | null;
  memory: { used: number | null; limit: number };
  stored: number | null;
}

/** `fleet tenants`: every tenant, and what it uses of its host. */
export async function tenants(invocation: Invocation & { host?: string }): Promise<void> {
  const { stack, json, host } = invocation;
  const last = await lastUp(stack);
  if (!last) {
    process.stderr.write(noFleet(stack));
    if (json) process.stdout.write(`${JSON.stringify({ tenants: [] })}\n`);
    return;
  }
  const { fleet, outputs } = last;
  const known = fleet.hosts.map(({ id }) => id);
  if (host !== undefined && !known.includes(host)) throw new SetupError([noHost(stack, host, known)]);
  const asked = fleet.hosts.filter(({ id }) => host === undefined || id === host);
  const [view, usages] = await Promise.all([
    viewFleet(fleet, outputs),
    Promise.all(
      asked.map(async (spec) => {
        const usage = await usageOf(askedHost(spec, fleet.operators.identity, last), stack);
        return [spec.id, usage] as const;
      }),
    ),
  ]);
  const seen = new Map(view.tenants.map((tenant) => [tenant.id, tenant]));
  const lines = tenantLines(fleet, new Map(usages), (id) => ({
    url: seen.get(id)?.url ?? "",
    health: seen.get(id)?.health ?? "stopped",
    state: seen.get(id)?.state?.is ?? null,
  })).filter((line) => host === undefined || line.host === host);
  process.stdout.write(
    json ? `${JSON.stringify({ tenants: lines }, undefined, 2)}\n` : `${tenantTable(lines)}\n`,
  );
  for (const [id, usage] of usages)
    if (typeof usage === "string") process.stderr.write(`Host ${id} was not to be asked: ${usage}\n`);
}

const nothing: TenantUsage = { memory: null, cpu: null, stored: null };

/** The lines, from what was seen; pure. */
export const tenantLines = (
  { tenants }: Pick<Fleet, "tenants">,
  usages: ReadonlyMap<string, HostUsage | string>,
  seen: (id: string) => Pick<TenantLine, "url" | "health" | "state">,
): TenantLine[] =>
  tenants.map(({ id, host, image, memory: { limit } }) => {
    const usage = usages.get(host);
    const { memory, cpu, stored } = (typeof usage === "object" && usage.tenants.get(id)) || nothing;
    return { id, host, image, ...seen(id), cpu, memory: { used: memory, limit }, stored };
  });

/** The same for people. */
export function tenantTable(lines: readonly TenantLine[]): string {
  if (lines.length === 0) return "There is no tenant.";
  const rows = lines.map(({ id, host, image, health, state, url, cpu, memory, stored }) => [
    id,
    host,
    versionOf(image),
    state === null || state === "active" ? health : `${health}, ${state}`,
    cpu === null ? "-" : `${Math.round(cpu * 100)} %`,
    `${memory.used === null ? "-" : sizeText(memory.used)} of ${sizeText(memory.limit)}`,
    stored === null ? "-" : sizeText(stored),
    url,
  ]);
  return columns([
    ["tenant", "host", "version", "health", "cpu", "memory", "stored", "address"],
    ...rows,
  ]).join("\n");
}

/** What an image is called by people: its tag, or the beginning of its digest. */
export function versionOf(image: string): string {
  const [name = "", digest] = image.split("@");
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  return tag ?? digest?.replace("sha256:", "").slice(0, 12) ?? image;
}

const noHost = (stack: string, host: string, known: readonly string[]) => ({
  what: `Stack ${stack} has no host "${host}".`,
  why: `Its hosts are: ${known.join(", ")}.`,
  remedy: "Name one of them, or none for all.",
});
