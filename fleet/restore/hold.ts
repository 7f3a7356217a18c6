import { askHistory, askTenant, order, RefusedError } from "../../toolchain/commands/node-api.ts";
import type { PastSync, TenantSync } from "../../toolchain/commands/sync-view.ts";
import type { Progress } from "../../toolchain/setup/progress.ts";
import type { TenantPlace } from "../tenant-place.ts";
import { until } from "../until.ts";

/** For how long a sync may last; its next one comes at its interval in any case. */
const patienceMs = 5 * 60_000;
const lookMs = 1_000;

/** What a tenant's replica is held for right now. */
export async function heldNow(
  { last: { outputs } }: TenantPlace,
  tenant: string,
): Promise<NonNullable<TenantSync["replica"]["held"]> | undefined> {
  return (await askTenant(outputs, tenant))?.replica.held ?? undefined;
}

/**
 * Has the replica follow what was put in place. Rows that vanish by it hold the replica: that very occasion is what the
 * operator decided by restoring, so it is accepted, and nothing that was held before. Answers what came of it.
 * @param before id of what it was held for before; null: nothing
 */
export async function acceptRestored(
  place: TenantPlace,
  tenant: string,
  before: string | null,
  say: Progress,
): Promise<string> {
  const { outputs } = place.last;
  const later = `It follows at its interval; look at it: npx fleet sync ${tenant}`;
  if (before !== null)
    return `Its replica was held before, and stays so until you decide: npx fleet sync ${tenant} --accept`;
  try {
    say("its replica is brought up to date");
    const first = await ended(place, tenant, await order(outputs, tenant, { what: "trigger" }));
    if (first === undefined) return `Its replica was not synced yet. ${later}`;
    if (first.status !== "held") return endText(first, later);
    const held = await heldNow(place, tenant);
    if (!held) return `Its replica was not synced yet. ${later}`;
    const second = await ended(
      place,
      tenant,
      await order(outputs, tenant, { what: "accept", held: held.id }),
    );
    if (second === undefined) return `Its replica was not synced yet. ${later}`;
    return second.status === "success"
      ? `Its replica follows what was restored (${held.text}), and equals it.`
      : endText(second, later);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return `Its replica was not synced: ${error.message} ${later}`;
  }
}

const endText = ({ status }: PastSync, later: string): string =>
  status === "success" || status === "unchanged"
    ? "Its replica equals what was restored."
    : `The sync of its replica ended as ${status}. ${later}`;

/** How a job ended; undefined where that is not seen within five minutes. */
export async function ended(
  { last: { outputs } }: Pick<TenantPlace, "last">,
  tenant: string,
  job: string | undefined,
): Promise<PastSync | undefined> {
  if (job === undefined) return undefined;
  const look = async () => {
    const history = await askHistory(outputs, tenant);
    // Its number is not found again where a run that found nothing new was folded into the next.
    const found = history?.findLast(({ id }) => Number(id) >= Number(job));
    return found?.finished_at ? found : undefined;
  };
  return until(look, { patienceMs, lookMs });
}
