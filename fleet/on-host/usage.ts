import { readFileSync } from "node:fs";
import { parseSize } from "../../components/fleet-config/size.ts";
import { type AskedHost, runOn } from "./asked-host.ts";

/** What one tenant uses of its host. Null: it does not run, or it was not to be found out. */
export interface TenantUsage {
  /** Bytes of memory. */
  memory: number | null;
  /** Of one processor; 1.5 is one and a half. */
  cpu: number | null;
  /** Bytes on disk, everything in its directory. */
  stored: number | null;
}

/** What a host has, and what its tenants use of it; sizes in bytes. */
export interface HostUsage {
  memory: { total: number; free: number };
  cpus: number;
  /** Processes that run or wait to, over the last minute. */
  load: number;
  /** Where the fleet's data lies. */
  disk: { total: number; free: number } | null;
  tenants: Map<string, TenantUsage>;
}

const script = readFileSync(new URL("usage.sh", import.meta.url), "utf8");

/** Asks a host; a text says why it could not be asked. */
export async function usageOf(host: AskedHost, stack: string): Promise<HostUsage | string> {
  const answer = await runOn(host, script, { DATA_ROOT: host.spec.root, STACK: stack });
  if ("failure" in answer) return answer.failure;
  return readUsage(answer.said, stack) ?? "what it said of itself was cut off";
}

/** Undefined where the report does not have its last line. */
export function readUsage(report: string, stack: string): HostUsage | undefined {
  const lines = report.split("\n").map((line) => line.split(" "));
  const first = (name: string) => lines.find(([word]) => word === name)?.slice(1);
  if (!first("end")) return undefined;
  const kib = (text: string | undefined) => Number(text) * 1024;
  const [total, free] = first("memory") ?? [];
  const [cpus, load] = first("cpus") ?? [];
  const disk = first("disk");
  const tenants = new Map<string, TenantUsage>();
  const of = (id: string): TenantUsage => {
    const usage = tenants.get(id) ?? { memory: null, cpu: null, stored: null };
    tenants.set(id, usage);
    return usage;
  };
  const container = `owui-${stack}-tenant-`;
  for (const [word, name = "", value, ...rest] of lines) {
    if (word === "stored") of(name).stored = kib(value);
    if (word !== "uses" || !name.startsWith(container)) continue;
    const usage = of(name.slice(container.length));
    usage.cpu = Math.round(Number.parseFloat(value ?? "") * 100) / 10_000;
    usage.memory = parseSize(rest[0] ?? "") ?? null;
  }
  return {
    memory: { total: kib(total), free: kib(free) },
    cpus: Number(cpus),
    load: Number(load),
    disk: disk ? { total: kib(disk[0]), free: kib(disk[1]) } : null,
    tenants,
  };
}
