import { randomUUID } from "node:crypto";
import { request } from "node:https";
import { json } from "node:stream/consumers";
import * as z from "zod";
import { Conflict, ConflictDiff } from "./conflict-view.ts";
import type { FleetOutputs } from "./fleet-outputs.ts";
import { operatorToken } from "./operator-token.ts";
import { BackupView, type KnownBackup } from "./protection.ts";
import { PastSync, TenantSync } from "./sync-view.ts";

/** A node that does not answer within this is as good as gone. */
const patienceMs = 3_000;

const Cluster = z.object({
  nodes: z.array(z.object({ id: z.string(), leader: z.boolean(), epoch: z.number().nullable() })),
  // A node of an earlier version knows of none.
  certificates: z.array(z.object({ name: z.string(), expires_at: z.string() })).prefault([]),
});
const Syncs = z.object({ tenants: z.array(TenantSync), next: z.string().nullable() });
const ActiveUsers = z.object({
  all: z.number(),
  tenants: z.array(
    z.object({
      client: z.string(),
      users: z.number(),
      licence: z.object({ basis: z.string(), users: z.number() }).nullable(),
    }),
  ),
});
const Backups = z.object({
  tenants: z.array(z.object({ client: z.string(), reached: z.boolean(), backup: BackupView.nullable() })),
});
const History = z.object({ jobs: z.array(PastSync) });
const Queued = z.object({ job: z.string() });
const Conflicts = z.object({ conflicts: z.array(Conflict) });
const Resolved = z.object({ client: z.string(), job: z.string() });
const ProblemDetails = z.object({
  type: z.string().prefault(""),
  detail: z.string(),
  errors: z.array(z.object({ detail: z.string(), pointer: z.string().optional() })).prefault([]),
});

/** What the cluster says about itself and about every tenant's replica. */
export interface ClusterView {
  nodes: z.infer<typeof Cluster>["nodes"];
  /** Those that the answering node shows, believes or was shown; ISO 8601. */
  certificates: z.infer<typeof Cluster>["certificates"];
  syncs: TenantSync[];
  /** Undefined: the answering node is of a version that does not count. */
  users?: ActiveUsers | undefined;
  /** Of each tenant, by its id. */
  backups: ReadonlyMap<string, KnownBackup>;
}

/** Persons who used the application within the last 30 days: of all tenants, each person once, and by tenant. */
export type ActiveUsers = z.infer<typeof ActiveUsers>;

/** A node understood what was asked, and will not do it. Another node would say the same. */
export class RefusedError extends Error {
  override name = "RefusedError";
  /** `tenant-busy` and its like (docs/api.md); undefined where the node did not say. */
  readonly kind: string | undefined;

  constructor(message: string, kind?: string) {
    super(message);
    this.kind = kind;
  }
}

/** Asks the nodes one after the other until one answers: either knows everything. Undefined when none does. */
export const askCluster = (outputs: FleetOutputs): Promise<ClusterView | undefined> =>
  fromAnyNode(outputs, "read", async (call) => {
    const [cluster, syncs, users, backups] = await Promise.all([
      call("GET", "/api/v1/cluster"),
      syncsOfAll(call),
      usersOf(call),
      backupsOfAll(call),
    ]);
    return { ...Cluster.parse(cluster), syncs, users, backups };
  });

/** Who used the tenants lately; undefined where no node answers, or none that counts. */
export const askActiveUsers = (outputs: FleetOutputs): Promise<ActiveUsers | undefined> =>
  fromAnyNode(outputs, "read", usersOf);

/** A node of an earlier version knows of no such question. */
const usersOf = (call: Call): Promise<ActiveUsers | undefined> =>
  call("GET", "/api/v1/users/active").then(
    (answer) => ActiveUsers.parse(answer),
    (error) => (error instanceof RefusedError ? undefined : Promise.reject(error)),
  );

/** Every tenant's backups; a node of an earlier version knows of none, and one that waits for a lost host says nothing in time. */
async function backupsOfAll(call: Call): Promise<ReadonlyMap<string, KnownBackup>> {
  const answer = await call("GET", "/api/v1/backups").catch(() => undefined);
  const { tenants } = Backups.safeParse(answer).data ?? { tenants: [] };
  return new Map(
    tenants.map(({ client, reached, backup }) => [
      client,
      reached ? { known: true, backup } : { known: false },
    ]),
  );
}

/** Every tenant's backups; undefined where no node answers. */
export const askBackups = (outputs: FleetOutputs): Promise<ReadonlyMap<string, KnownBackup> | undefined> =>
  fromAnyNode(outputs, "read", backupsOfAll);

/** Every tenant's syncs, page after page. */
async function syncsOfAll(call: Call): Promise<TenantSync[]> {
  const syncs: TenantSync[] = [];
  for (let after: string | null = ""; after !== null; ) {
    const behind = after && `&after=${after}`;
    const { tenants, next } = Syncs.parse(await call("GET", `/api/v1/sync/status?limit=1000${behind}`));
    syncs.push(...tenants);
    after = next;
  }
  return syncs;
}

/** What is known of one tenant's syncs; undefined when no node answers, or the cluster does not have it. */
export const askTenant = (outputs: FleetOutputs, tenant: string): Promise<TenantSync | undefined> =>
  fromAnyNode(
    outputs,
    "read",
    async (call) => Syncs.parse(await call("GET", `/api/v1/sync/status?client=${tenant}`)).tenants[0],
  );

/** A tenant's latest syncs, newest first. */
export const askHistory = (outputs: FleetOutputs, tenant: string): Promise<PastSync[] | undefined> =>
  fromAnyNode(
    outputs,
    "read",
    async (call) => History.parse(await call("GET", `/api/v1/sync/history?client=${tenant}&limit=20`)).jobs,
  );

/** What an operator may have done with one tenant's replica. */
export type Order =
  | { what: "trigger" }
  | { what: "verify" }
  /** `held`: the id of what is accepted. */
  | { what: "accept"; held: string };

/**
 * Has something done with a tenant's replica now, without waiting for its interval. Answers the job that does it;
 * undefined where no node answers.
 */
export const order = (outputs: FleetOutputs, tenant: string, what: Order): Promise<string | undefined> => {
  // The same for both nodes: one that did it and died before it said so is not asked to do it twice.
  const key = randomUUID();
  return fromAnyNode(outputs, "operate", async (call) => {
    const body = what.what === "accept" ? { held: what.held } : undefined;
    return Queued.parse(await call("POST", `/api/v1/sync/${what.what}/${tenant}`, { body, key })).job;
  });
};

const Moved = z.object({ status: z.string(), since: z.string(), by: z.string() });
const Cancelled = z.object({ jobs: z.array(z.object({ job: z.string(), status: z.string() })) });

/** Pauses or resumes a tenant. Answers the state it is in then; undefined where no node answers. */
export const move = (
  outputs: FleetOutputs,
  tenant: string,
  where: "pause" | "resume",
): Promise<z.infer<typeof Moved> | undefined> =>
  fromAnyNode(outputs, "operate", async (call) =>
    Moved.parse(await call("POST", `/api/v1/sync/${where}/${tenant}`)),
  );

/** Cancels what waits and what runs of a tenant. Answers those jobs; undefined where no node answers. */
export const cancel = (
  outputs: FleetOutputs,
  tenant: string,
): Promise<z.infer<typeof Cancelled>["jobs"] | undefined> =>
  fromAnyNode(
    outputs,
    "operate",
    async (call) => Cancelled.parse(await call("POST", `/api/v1/sync/cancel/${tenant}`)).jobs,
  );

/** Has a tenant synced now; nothing happens where no node answers. */
export const triggerSync = (outputs: FleetOutputs, tenant: string): Promise<unknown> =>
  order(outputs, tenant, { what: "trigger" });

/** Conflicts, newest first, a thousand at most. */
export const askConflicts = (
  outputs: FleetOutputs,
  { client, all }: { client?: string; all?: boolean },
): Promise<Conflict[] | undefined> =>
  fromAnyNode(outputs, "read", async (call) => {
    const filter = new URLSearchParams({
      limit: "1000",
      ...(client === undefined ? {} : { client }),
      ...(all ? {} : { status: "pending" }),
    });
    return Conflicts.parse(await call("GET", `/api/v1/sync/conflicts?${filter}`)).conflicts;
  });

/** One conflict field by field. */
export const askConflict = (outputs: FleetOutputs, id: string): Promise<ConflictDiff | undefined> =>
  fromAnyNode(outputs, "read", async (call) =>
    ConflictDiff.parse(await call("GET", `/api/v1/sync/conflicts/${id}/diff`)),
  );

/** An operator's word about a conflict. */
export type Resolution = { accept: "source" | "remote" } | { row: Record<string, unknown> };

/** Decides a conflict; answers the job that applies it, and of which tenant. */
export const resolveConflict = (
  outputs: FleetOutputs,
  id: string,
  resolution: Resolution,
): Promise<{ client: string; job: string } | undefined> => {
  const key = randomUUID();
  return fromAnyNode(outputs, "operate", async (call) =>
    Resolved.parse(await call("POST", `/api/v1/sync/resolve/${id}`, { body: resolution, key })),
  );
};

/** What a write carries. */
export interface Sent {
  body?: unknown;
  /** Idempotency-Key. */
  key?: string;
}

/** One call of the API; answers what the node does. */
export type Call = (method: "GET" | "POST", path: string, sent?: Sent) => Promise<unknown>;

/** Lets `ask` talk to the nodes in turn until one answers it; undefined when none does. */
export async function fromAnyNode<T>(
  outputs: FleetOutputs,
  scope: "read" | "operate",
  ask: (call: Call) => Promise<T>,
): Promise<T | undefined> {
  const token = await operatorToken(outputs.operatorKey, { scope });
  for (const { url } of Object.values(outputs.nodes)) {
    try {
      return await ask((method, path, sent = {}) =>
        send(method, new URL(path, url), outputs.certificateAuthority, token, sent),
      );
    } catch (error) {
      // An answer of another shape is a mistake of this program, not a node that is down.
      if (error instanceof z.ZodError || error instanceof RefusedError) throw error;
    }
  }
  return undefined;
}

/** What a node finds wrong, field by field where it says so. */
const problemText = ({ detail, errors }: z.infer<typeof ProblemDetails>): string =>
  [detail, ...errors.map(({ pointer, detail }) => `${pointer ? `${pointer}: ` : ""}${detail}.`)].join(" ");

const refusal = (data: z.infer<typeof ProblemDetails> | undefined, failed: string): RefusedError =>
  data
    ? new RefusedError(problemText(data), data.type.replace("urn:owui:problem:", ""))
    : new RefusedError(failed);

/** One call of a node's API; its certificate must be of the stack's own authority. */
const send = (method: string, url: URL, ca: string, token: string, { body, key }: Sent): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const asked = request(url, {
      method,
      // `localhost` may resolve to ::1 first, where nothing is published.
      lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
      ca,
      agent: false,
      timeout: patienceMs,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(key === undefined ? {} : { "Idempotency-Key": key }),
      },
    });
    asked.once("timeout", () => asked.destroy(new Error(`${url.host} did not answer`)));
    asked.once("error", reject);
    asked.once("response", (answer) => {
      const { statusCode = 0 } = answer;
      if (statusCode >= 200 && statusCode < 300) return json(answer).then(resolve, reject);
      const failed = `${url.pathname} was answered with ${statusCode}`;
      json(answer).then(
        (problem) => {
          const { data } = ProblemDetails.safeParse(problem);
          const refused = [400, 404, 409, 413].includes(statusCode);
          reject(refused ? refusal(data, failed) : new Error(failed));
        },
        () => reject(new Error(failed)),
      );
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
