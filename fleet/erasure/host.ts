import { readFileSync } from "node:fs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, runOn } from "../on-host/asked-host.ts";

/** One thing of a tenant's on its host. */
export interface HostThing {
  kind: "container" | "network" | "image" | "file" | "directory" | "backups";
  /** Bytes on disk; 0 of what has none of its own. */
  bytes: number;
  /** A name or an absolute path. */
  what: string;
}

/** What a host has of a tenant. */
export interface OnHost {
  /** The id of its data; null where there is none any more. */
  identity: string | null;
  things: HostThing[];
  /** Lines about it in logs that all tenants of the host share, by program. */
  logs: Record<string, number>;
}

/** Whose things, and under which names it was reached. */
export interface Erased {
  stack: string;
  tenant: string;
  domains: readonly string[];
  /** The folder on each host that holds the backups' repositories, where they are kept in one. */
  backups?: string | undefined;
}

const script = readFileSync(new URL("../on-host/erase-tenant.sh", import.meta.url), "utf8");

/** Looks what a host has of a tenant, or removes it first; a host that cannot be asked is an error. */
export async function onHost(
  host: AskedHost,
  { stack, tenant, domains, backups = "" }: Erased,
  action: "look" | "erase",
): Promise<OnHost> {
  const answer = await runOn(host, script, {
    ...{
      DATA_ROOT: host.spec.root,
      STACK: stack,
      TENANT: tenant,
      ACTION: action,
      DOMAINS: domains.join(" "),
      BACKUPS: backups,
    },
  });
  const said = "said" in answer ? readOnHost(answer.said) : undefined;
  if (said) return said;
  const why = "failure" in answer ? answer.failure : "what it said was cut off";
  throw new CommandError(`host ${host.spec.id} did not ${action}: ${why}`);
}

/** Undefined where the report does not have its last line. Pure. */
export function readOnHost(report: string): OnHost | undefined {
  const lines = report.split("\n");
  if (!lines.includes("end ok")) return undefined;
  const found: OnHost = { identity: null, things: [], logs: {} };
  for (const line of lines) {
    const [word, first = "", second = "", ...rest] = line.split(" ");
    if (word === "identity") found.identity = first;
    if (word === "remains") found.logs[first] = Number(second);
    if (word === "found")
      found.things.push({
        kind: first as HostThing["kind"],
        bytes: Number(second) * 1024,
        what: rest.join(" "),
      });
  }
  return found;
}
