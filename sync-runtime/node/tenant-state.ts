import * as z from "zod";
import type { Postgres } from "./postgres.ts";

/** Where a tenant can be in its life; database/migrations says what each means and which moves are legal. */
export const State = z.enum(["provisioning", "active", "paused", "migrating", "retired", "erased"]);
export type State = z.infer<typeof State>;

/** A row of deployments.sql: a tenant as the database has it. */
export const Deployment = z.object({
  client: z.string(),
  host: z.string(),
  url: z.string(),
  /** Seconds between syncs. */
  interval: z.number(),
  status: State,
  /** What the stack's config says about pausing, whatever became of it since. */
  declared_paused: z.boolean(),
  /** Where its live database is when that is no SQLite file, without a password: its replica follows nothing then. */
  live_database: z.string().nullable(),
  /** Whether its replica was ever found equal to its source. */
  verified: z.boolean(),
  /** The move that led to the status: when, by whom and why. */
  since: z.date(),
  by: z.string(),
  reason: z.string(),
});
export type Deployment = z.infer<typeof Deployment>;

/** A row of move-tenant.sql. */
const Moved = z.object({ moved: z.string().nullable() });

/** No tenant moves so, or this one may not now. Nothing was changed. */
export class IllegalMoveError extends Error {
  override name = "IllegalMoveError";
  readonly code = "illegal-move";
}

/** The tenant was moved by others again and again while this one was to be moved. */
export class MovedMeanwhileError extends Error {
  override name = "MovedMeanwhileError";
  readonly code = "moved-meanwhile";
}

/** Who wants a tenant moved, and why. */
export interface Mover {
  actor: string;
  reason: string;
}

/** How often a move that somebody else forestalled is thought over. */
const TRIES = 3;
/** What Postgres says of a move that is not legal, or not for a node's login. */
const REFUSED = new Set(["23514", "42501"]);

/** A tenant as it is now; undefined where the cluster has none of that name. */
export async function readDeployment(
  postgres: Pick<Postgres, "rows">,
  tenant: string,
): Promise<Deployment | undefined> {
  const [row] = await postgres.rows("deployments", [tenant]);
  return row === undefined ? undefined : Deployment.parse(row);
}

/**
 * Moves a tenant to where an operator wants it. One that is there already stays as it is, with whoever moved it first.
 * @param target the state wanted, given where the tenant is
 * @returns the tenant behind the move; undefined where the cluster has none of that name
 */
export async function moveTenant(
  postgres: Pick<Postgres, "rows">,
  tenant: string,
  target: (now: Deployment) => State,
  { actor, reason }: Mover,
): Promise<Deployment | undefined> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const now = await readDeployment(postgres, tenant);
    if (!now) return undefined;
    const to = target(now);
    if (now.status === to) return now;
    if (await tryMove(postgres, now, to, { actor, reason })) return readDeployment(postgres, tenant);
  }
  throw new MovedMeanwhileError(
    `Others moved ${tenant} at the same moment, again and again. Look where it is, and decide again.`,
  );
}

/** False: the tenant was moved by somebody else since it was read. */
async function tryMove(
  postgres: Pick<Postgres, "rows">,
  { client, status }: Deployment,
  to: State,
  { actor, reason }: Mover,
): Promise<boolean> {
  try {
    const [row] = await postgres.rows("move-tenant", [client, status, to, actor, reason]);
    return Moved.parse(row).moved !== null;
  } catch (cause) {
    const { code, message } = cause as Error & { code?: string };
    if (!REFUSED.has(code ?? "")) throw cause;
    throw new IllegalMoveError(`${client} is ${status} and stays so: ${message}.`, { cause });
  }
}

/** Where a tenant goes that is not to be synced but when asked for. */
export function asleep({ client, status }: Deployment): State {
  if (status === "migrating") throw new IllegalMoveError(onItsWay(client));
  return "paused";
}

/** Where a tenant goes that is to be synced again: active, or provisioning as long as it was never verified. */
export function awake({ client, status, verified, live_database: live }: Deployment): State {
  if (status === "migrating") throw new IllegalMoveError(onItsWay(client));
  if (live !== null) throw new IllegalMoveError(onPostgres(client));
  if (status === "provisioning" || status === "active") return status;
  return verified ? "active" : "provisioning";
}

/** Why a tenant is not synced, where it never is. */
export const onPostgres = (client: string): string =>
  `The live database of ${client} is a Postgres, which no replica follows: its replica stays as it was when it was promoted.`;

const onItsWay = (client: string): string =>
  `${client} is migrating and is synced only when asked for: who moves it says when it has arrived.`;
