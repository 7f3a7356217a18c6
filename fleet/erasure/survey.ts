import type { Fleet } from "../../components/fleet-config.ts";
import type { Connection } from "../../sync-runtime/database/connection.ts";
import type { LastUp } from "../../toolchain/commands/invocation.ts";
import { type Backend, backendOf } from "../../toolchain/setup/backend.ts";
import { replicasConnection } from "../commands/replicas-connection.ts";
import { type AskedHost, askedHost } from "../on-host/asked-host.ts";
import { type OnHost, onHost } from "./host.ts";
import { isNothing, type Left, leftOfTenant } from "./replica.ts";
import { administrator, olderStates, resourcesOf, stateOfTenant } from "./state.ts";
import {
  type InStorage,
  inStorage,
  requiredInStorage,
  type Storage,
  storageText,
  storedText,
} from "./storage.ts";

/** Whose traces are looked for, and where. */
export interface Scope {
  stack: string;
  tenant: string;
  /** Names that it had. */
  domains: readonly string[];
  hosts: readonly AskedHost[];
  administrator: Connection;
  backend: Backend;
  /** The folder on each host that holds the backups' repositories; undefined where they are elsewhere, or none are made. */
  backups: string | undefined;
  /** Where else they are kept; undefined: nowhere. */
  storage: Storage | undefined;
}

/** Everything that was found of a tenant. */
export interface Survey {
  /** By host. */
  hosts: Record<string, OnHost>;
  database: Left;
  /** What the storage has of its backups; null where there is none. */
  stored: InStorage | null;
  /** URNs of what the stack's state holds. */
  state: string[];
  /** Files of older states that name it; null where they are not on this machine. */
  older: string[] | null;
}

/** The places where a tenant of a stack can have left anything. */
export async function scopeOf(
  { fleet, ...last }: LastUp,
  { tenant, domains }: { tenant: string; domains: readonly string[] },
): Promise<Scope> {
  const { stack } = fleet;
  const backend = backendOf(stack);
  const resources = await resourcesOf(stack, backend, ["--show-secrets"]);
  const whole = { fleet, ...last };
  const hosts = fleet.hosts.map((spec) => askedHost(spec, fleet.operators.identity, whole));
  return {
    ...{ stack, tenant, domains, backend, hosts, ...repositoryOf(fleet, tenant, hosts) },
    administrator: administrator(resources, replicasConnection(stack, whole)),
  };
}

/** Where a fleet's backups are. */
function repositoryOf(
  { backups, stack }: Fleet,
  tenant: string,
  hosts: readonly AskedHost[],
): Pick<Scope, "backups" | "storage"> {
  const repository = backups?.repository;
  if (!repository) return { backups: undefined, storage: undefined };
  if (repository.kind === "folder") return { backups: repository.path, storage: undefined };
  return { backups: undefined, storage: { where: storageText(repository, tenant), stack, hosts } };
}

/**
 * Looks everywhere, and changes nothing.
 * @param despite whether a storage that does not answer is passed over; it ends this otherwise
 */
export async function survey(scope: Scope, despite = false): Promise<Survey> {
  const { stack, tenant, hosts, backend, storage } = scope;
  const look = despite ? inStorage : requiredInStorage;
  const [found, database, resources, stored] = await Promise.all([
    Promise.all(hosts.map(async (host) => [host.spec.id, await onHost(host, scope, "look")] as const)),
    leftOfTenant(scope.administrator, tenant),
    resourcesOf(stack, backend),
    storage ? look(storage, tenant, "stored") : null,
  ]);
  return {
    hosts: Object.fromEntries(found),
    ...{ database, stored },
    state: stateOfTenant(resources, tenant),
    older: backend.kind === "file" ? await olderStates(stack, tenant) : null,
  };
}

/** What is left, a line for each place; nothing where the tenant is erased. Pure. */
export function leftovers({ hosts, database, stored, state, older }: Survey): string[] {
  const lines = Object.entries(hosts).flatMap(([id, { things }]) =>
    things.map(({ kind, what }) => `${kind} ${what} on host ${id}`),
  );
  if (!isNothing(database.found)) lines.push(`in the database: ${countsText(database.found)}`);
  if (stored && "objects" in stored && stored.objects > 0) lines.push(`backups: ${storedText(stored)}`);
  if (state.length > 0) lines.push(`${state.length} resources in the stack's state`);
  if (older !== null && older.length > 0) lines.push(`${older.length} older states of the stack`);
  return lines;
}

/** `1 schemas, 43 tables, 412 rows`; "nothing" of zeros. Pure. */
export function countsText(found: Record<string, number>): string {
  const there = Object.entries(found).filter(([, count]) => count > 0);
  return there.length === 0 ? "nothing" : there.map(([kind, count]) => `${count} ${kind}`).join(", ");
}
