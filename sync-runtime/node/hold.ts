import { randomUUID } from "node:crypto";
import * as z from "zod";

/** Rows of one table that vanished at once; `table` null: of all tables together. */
const Loss = z.object({ table: z.string().nullable(), held: z.number(), vanished: z.number() });
export type Loss = z.infer<typeof Loss>;

/**
 * What makes a source look wrong, as it is kept with the replica. Rows are counted as the replica held them:
 * of another identity `held` in all and how many `came`; of vanished rows every table that lost some.
 */
export const Finding = z.discriminatedUnion("reason", [
  z.object({
    reason: z.literal("identity-changed"),
    detail: z.object({ was: z.string(), now: z.string(), held: z.number(), came: z.number() }),
  }),
  z.object({ reason: z.literal("source-empty"), detail: z.object({ held: z.number() }) }),
  z.object({ reason: z.literal("rows-vanished"), detail: z.object({ losses: z.array(Loss) }) }),
]);
export type Finding = z.infer<typeof Finding>;

/** What a replica is held for, and whether an operator accepted it. */
export interface Hold {
  id: string;
  finding: Finding;
  /** The sync that was offered and not taken. */
  offered: string | null;
  accepted: boolean;
}

/** More than this share of what was held, and at least so many rows, do not vanish in everyday use. */
const SHARE = 0.3;
const FEW = 10;

/** Tables named in a sentence at most. */
const NAMED = 5;

const isSuspicious = ({ held, vanished }: { held: number; vanished: number }): boolean =>
  vanished >= FEW && vanished > held * SHARE;

/** What one sync would do to one table of the replica. */
export interface TableChange {
  table: string;
  /** Rows it held when it was last verified. */
  held: number;
  /** Rows it holds behind the sync. */
  holds: number;
  /** Rows whose key is gone. */
  vanished: number;
  /** The source has no such table any more. Its rows count as vanished in all, and the table for itself does not. */
  dropped?: boolean;
}

/** What is suspicious about a sync, by the rows it would take out; undefined when nothing is. */
export function findLosses(changes: readonly TableChange[]): Finding | undefined {
  const held = total(changes, "held");
  if (held > 0 && total(changes, "holds") === 0) return { reason: "source-empty", detail: { held } };
  const lost = changes.filter(({ vanished }) => vanished > 0);
  const all = { table: null, held, vanished: total(lost, "vanished") };
  const suspicious = lost.some((change) => !change.dropped && isSuspicious(change)) || isSuspicious(all);
  if (!suspicious) return undefined;
  const losses = lost.map(({ table, held, vanished }) => ({ table, held, vanished }));
  losses.sort((a, b) => b.vanished - a.vanished || (a.table < b.table ? -1 : 1));
  return { reason: "rows-vanished", detail: { losses: [all, ...losses] } };
}

const total = (changes: readonly TableChange[], what: "held" | "holds" | "vanished"): number =>
  changes.reduce((sum, change) => sum + change[what], 0);

/**
 * Whether what was found now is the occasion that is known already. The source goes on living meanwhile: what it lost
 * beyond what is known must not be suspicious by itself.
 */
export function isSameOccasion(known: Finding, found: Finding): boolean {
  if (known.reason === "identity-changed" && found.reason === "identity-changed") {
    const [before, now] = [known.detail, found.detail];
    return before.now === now.now && !isSuspicious({ held: before.came, vanished: before.came - now.came });
  }
  if (known.reason === "rows-vanished" && found.reason === "rows-vanished") {
    const before = new Map(known.detail.losses.map((loss) => [loss.table, loss]));
    return !found.detail.losses.some(({ table, held, vanished }) => {
      const gone = before.get(table)?.vanished ?? 0;
      return isSuspicious({ held: held - gone, vanished: vanished - gone });
    });
  }
  return known.reason === found.reason;
}

/** A finding as a sentence's middle: `80 of 100 rows of chat vanished at once`. */
export function findingText(finding: Finding): string {
  switch (finding.reason) {
    case "identity-changed": {
      const { was, now, held, came } = finding.detail;
      return `it is a copy of the data with identity ${was} (${held} rows), and the data directory now holds ${now} (${came} rows)`;
    }
    case "source-empty":
      return `the source is empty, and ${finding.detail.held} rows are held`;
    case "rows-vanished": {
      const [all, ...tables] = finding.detail.losses;
      const named = tables.slice(0, NAMED).map(lossText);
      const more = tables.length > NAMED ? ` and of ${tables.length - NAMED} tables more` : "";
      const inAll = tables.length > 1 && all ? `, ${all.vanished} of ${all.held} in all` : "";
      return `rows vanished at once: ${named.join(", ")}${more}${inAll}`;
    }
  }
}

const lossText = ({ table, held, vanished }: Loss): string => `${vanished} of the ${held} of ${table}`;

/** The source looks wrong: nothing was kept of this sync, and the replica stays as it is until somebody decides. */
export class HeldError extends Error {
  override name = "HeldError";
  readonly code: Finding["reason"];
  readonly hold: Hold;

  constructor(tenant: string, hold: Hold) {
    super(
      `The replica of ${tenant} is held: ${findingText(hold.finding)}. It keeps what it has. ` +
        `If the source is right, accept that: npm run sync -- ${tenant} --accept. ` +
        "If it is not, put the tenant's data right; the next sync then goes on by itself.",
    );
    this.code = hold.finding.reason;
    this.hold = hold;
  }
}

/**
 * Lets a sync go on, or throws a {@link HeldError}. An operator's word counts for the occasion it was given about; for
 * any other, the replica is held anew under an id of its own.
 * @param known what the replica is held for already
 * @param offered the sync that is not taken, if it was offered whole
 */
export function requirePlausible(
  tenant: string,
  known: Hold | undefined,
  found: Finding | undefined,
  offered: string | null,
): void {
  if (!found) return;
  if (!known || !isSameOccasion(known.finding, found))
    throw new HeldError(tenant, { id: randomUUID(), finding: found, offered, accepted: false });
  if (!known.accepted) throw new HeldError(tenant, { ...known, offered });
}
