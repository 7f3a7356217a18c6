import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { json } from "node:stream/consumers";
import type { Fleet, TenantSpec } from "../../components/fleet-config.ts";
import { quote } from "../../components/host/shell.ts";
import { sshArguments } from "../../components/machine/ssh.ts";
import { run } from "../setup/child.mjs";
import type { FleetOutputs } from "./fleet-outputs.ts";
import { smallFleetOf } from "./licence-gate.ts";
import { type ActiveUsers, askCluster, type ClusterView } from "./node-api.ts";
import { type BackupView, type KnownBackup, missingProtection } from "./protection.ts";
import type { TenantSync } from "./sync-view.ts";

/** How a tenant is seen from outside. `stopped`: it has no container, by the config or by `npm run down`. */
export type Health = "healthy" | "starting" | "unhealthy" | "stopped";

/** A tenant's replica, as it was at its last verified sync. */
export interface ReplicaStatus {
  /** ISO 8601; null before the first verified sync, and while no node can be asked. */
  verified_at: string | null;
  tables: number;
  rows: number;
  /** Whether the latest sync ended with source and replica equal. */
  equal: boolean;
  /** Rows in which it differs from its source all the same, because a conflict was decided so (`sync.conflicts`). */
  decided: number;
  /** When every row was last read back and compared; ISO 8601, null before the first time. */
  deep_verified_at: string | null;
  /** Why the replica keeps what it has until an operator decides; null when it does not. */
  held: TenantSync["replica"]["held"];
}

/** `npm run status -- --json`. An interface: scripts read it. */
export interface FleetStatus {
  tenants: {
    id: string;
    url: string;
    health: Health;
    /** Where it is in its life (provisioning, active, paused, migrating), since when, by whom and why. */
    state: TenantSync["state"] | null;
    /** While its syncs failed so often in a row that it is tried hourly at most; null while it is not so. */
    quarantine: TenantSync["quarantine"];
    /** Why decided rows are not written into the tenant's own database (`direction: both`); null: they are, or none are. */
    write_refused: TenantSync["write_refused"];
    /** Where its live database is when that is a Postgres, which its replica does not follow; null: its SQLite file. */
    live_database: string | null;
    replica: ReplicaStatus;
    /** How its backups are; null: there are none, or they are not known. */
    backup: BackupView | null;
    /** Whether it could be brought back: its replica is verified, its backup fresh, and that one was restored for a trial. */
    protected: boolean;
    /** What is missing for that, in words. */
    missing: string[];
    /** The sync that runs, with how far it is; null while none does. */
    running: TenantSync["running"];
    /** The sync that ended last; null before the first. */
    last: TenantSync["last"];
  }[];
  /** `epoch` is the cluster's: that of the lease in force; null while nobody leads or no node answers. */
  nodes: { id: string; leader: boolean; epoch: number | null }[];
  /** When the certificates inside the fleet end, ISO 8601; none while no node answers. */
  certificates: { name: string; expires_at: string }[];
  /**
   * Persons who used any tenant within the last 30 days, each counted once, and how many there may be where a tenant shows
   * its own look on the basis up-to-50-users (null: none does); null while no node says.
   */
  users: { active: number; allowed: number | null; tenants: Record<string, number> } | null;
}

/** What the table says beyond the interface. */
export interface FleetView extends FleetStatus {
  /** Ids of nodes that the cluster has heard of lately. */
  alive: string[];
  /** Ids of tenants whose sync is paused, or that do not run: nothing is to be waited for. */
  resting: string[];
  /** Why the latest sync of a tenant failed, by its id. */
  errors: Record<string, string>;
}

const unknownReplica: ReplicaStatus = {
  verified_at: null,
  tables: 0,
  rows: 0,
  equal: false,
  decided: 0,
  deep_verified_at: null,
  held: null,
};

/** Looks at every tenant through nginx and asks the cluster about replicas and nodes. */
export async function viewFleet(fleet: Fleet, outputs: FleetOutputs): Promise<FleetView> {
  const [containers, cluster, healthy] = await Promise.all([
    containersOf(fleet, outputs),
    askCluster(outputs),
    Promise.all(fleet.tenants.map((tenant) => answersHealth(fleet, outputs, tenant))),
  ]);
  const seen = new Map(
    fleet.tenants.map((tenant, index) => [
      tenant.id,
      hidden(tenant, outputs)
        ? /\(healthy\)/.test(containers.get(tenant.id) ?? "")
        : (healthy[index] ?? false),
    ]),
  );
  return combine(fleet, outputs, containers, cluster, seen, Date.now());
}

/** Whether nobody here reaches a tenant: the proxy alone does, and its container listens on another machine's loopback. */
const hidden = ({ proxied, host }: TenantSpec, outputs: FleetOutputs): boolean =>
  proxied && outputs.hosts[host]?.target !== undefined;

/** The view, from what was seen; pure. `containers` is the engine's word on each tenant's container, `now` in milliseconds. */
export function combine(
  { tenants, sync }: Pick<Fleet, "tenants" | "sync">,
  outputs: Pick<FleetOutputs, "tenants">,
  containers: ReadonlyMap<string, string>,
  cluster: ClusterView | undefined,
  healthy: ReadonlyMap<string, boolean>,
  now: number,
): FleetView {
  const syncs = new Map(cluster?.syncs.map((line) => [line.id, line]));
  const nodes = new Map(cluster?.nodes.map((node) => [node.id, node]));
  const epoch = cluster?.nodes.find(({ leader }) => leader)?.epoch ?? null;
  const failed = [...syncs.values()].filter(({ last }) => last?.error && last.status !== "cancelled");
  const backupOf = (id: string): KnownBackup => cluster?.backups.get(id) ?? { known: false };
  const protection = (id: string) => {
    const kept = backupOf(id);
    const { replica, live_database: live = null } = syncs.get(id) ?? { replica: unknownReplica };
    const missing = missingProtection(live === null ? replica : undefined, kept, now);
    return { backup: kept.known ? kept.backup : null, protected: missing.length === 0, missing };
  };
  return {
    tenants: tenants.map(({ id }) => ({
      id,
      url: outputs.tenants[id]?.url ?? "",
      health: healthOf(healthy.get(id) ?? false, containers.get(id)),
      state: syncs.get(id)?.state ?? null,
      quarantine: syncs.get(id)?.quarantine ?? null,
      write_refused: syncs.get(id)?.write_refused ?? null,
      live_database: syncs.get(id)?.live_database ?? null,
      replica: syncs.get(id)?.replica ?? unknownReplica,
      ...protection(id),
      running: syncs.get(id)?.running ?? null,
      last: syncs.get(id)?.last ?? null,
    })),
    nodes: sync.nodes.map(({ id }) => ({
      id,
      leader: nodes.get(id)?.leader ?? false,
      epoch,
    })),
    certificates: cluster?.certificates ?? [],
    users: cluster?.users ? usersView(cluster.users) : null,
    alive: [...nodes.keys()],
    resting: tenants.filter(({ id, running }) => !running || syncs.get(id)?.paused).map(({ id }) => id),
    errors: Object.fromEntries(failed.map(({ id, last }) => [id, last?.error ?? ""])),
  };
}

const usersView = ({ all, tenants }: ActiveUsers): FleetStatus["users"] => ({
  active: all,
  allowed: smallFleetOf(tenants),
  tenants: Object.fromEntries(tenants.map(({ client, users }) => [client, users])),
});

const healthOf = (answers: boolean, container: string | undefined): Health => {
  if (answers) return "healthy";
  if (!container) return "stopped";
  return container.includes("(unhealthy)") ? "unhealthy" : "starting";
};

/** The engines' status of each tenant's container, by the tenant's id. A host that does not answer has none. */
async function containersOf({ stack, hosts, operators }: Fleet, outputs: FleetOutputs) {
  const format = '{{.Label "owui.tenant"}}\t{{.Status}}';
  const filters = [`label=owui.stack=${stack}`, "label=owui.role=tenant"].flatMap((is) => ["--filter", is]);
  const listing = ["docker", "ps", "--format", format, ...filters];
  const remote = hosts.flatMap(({ id }) => {
    const target = outputs.hosts[id]?.target;
    const identity = operators.identity;
    return target
      ? [[...sshArguments({ ...(identity && { identity }), ...target }), ...listing.map(quote)]]
      : [];
  });
  const local = hosts.some(({ kind }) => kind === "local") ? [listing] : [];
  const told = await Promise.all([...local, ...remote].map((argv) => run(argv, { timeout: 10_000 })));
  const lines = told.flatMap(({ stdout }) => stdout.split("\n").filter(Boolean));
  return new Map(lines.map((line) => line.split("\t") as [string, string]));
}

/** Whether a tenant's application answers through nginx. */
const answersHealth = (fleet: Fleet, outputs: FleetOutputs, tenant: TenantSpec): Promise<boolean> =>
  new Promise((resolve) => {
    const front = fleet.hosts.find(({ id }) => id === tenant.host);
    if (!front) return resolve(false);
    // A proxied site answers nobody but the proxy; its container is asked instead.
    const { address, port } = tenant.proxied
      ? { address: "127.0.0.1", port: tenant.port }
      : (front.https ?? front.http);
    const options = {
      host: outputs.hosts[front.id]?.target?.address ?? (address === "0.0.0.0" ? "127.0.0.1" : address),
      port,
      path: "/health",
      headers: { Host: tenant.domain },
      agent: false,
      timeout: 3_000,
    } as const;
    // Whether it answers is asked here, and who certifies it is not.
    const asked =
      front.https && !tenant.proxied
        ? secureRequest({ ...options, servername: tenant.domain, rejectUnauthorized: false })
        : request(options);
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.once("response", (answer) => {
      json(answer).then(
        (body) => resolve((body as { status?: unknown }).status === true),
        () => resolve(false),
      );
    });
    asked.end();
  });
