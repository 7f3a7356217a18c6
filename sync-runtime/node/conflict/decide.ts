import { type ConflictType, conflictType } from "./conflict-type.ts";
import { inColumnsOfNow, type Meeting } from "./meeting.ts";
import { type MergedField, mergeRows } from "./merge.ts";
import { newest } from "./newest.ts";
import { hasOddValue, isSameRow, type RowImage } from "./row-image.ts";
import { type Conflicts, type Strategy, strategyFor } from "./strategy.ts";

export {
  type Conflicts,
  type ConflictType,
  conflictType,
  type Meeting,
  type RowImage,
  type Strategy,
  strategyFor,
};

/** What becomes of a conflict. */
export interface Decision {
  type: ConflictType;
  /** The one that decided; a table without a key is always the source's. */
  strategy: Strategy;
  /** `pending`: the source's row stays until an operator decides. */
  winner: "source" | "remote" | "merged" | "pending";
  /** What is laid over the source's row when `remote` or `merged` wins; null: the row is not there. */
  row?: RowImage;
  /** A sentence for the operator. */
  why: string;
}

type Verdict = Pick<Decision, "winner" | "row" | "why">;

/**
 * Decides one conflict; the same meeting always ends the same way. Where {@link conflictType} finds none there is nothing to
 * decide, and the source's row stays.
 */
export function decide(met: Meeting, strategy: Strategy): Decision {
  const meeting = inColumnsOfNow(met);
  const type = conflictType(meeting);
  if (!type)
    return {
      type: "none/update",
      strategy,
      winner: "source",
      why: "Both sides are the same: nothing is decided.",
    };
  if (!meeting.key) {
    const why = `${meeting.table} has no key, so that no row of it can be told from another: the source wins.`;
    return { type, strategy: "source_wins", winner: "source", why };
  }
  return { type, strategy, ...VERDICTS[strategy](meeting, type) };
}

const VERDICTS: Readonly<Record<Strategy, (meeting: Meeting, type: ConflictType) => Verdict>> = {
  source_wins: ({ table }) => ({ winner: "source", why: `In ${table} the source always wins.` }),
  target_wins: ({ table, remote }) => ({
    winner: "remote",
    row: remote,
    why: `In ${table} the edit always wins.`,
  }),
  newest_wins: newestWins,
  merge: mergeOrNewest,
  manual: ({ table }) => ({
    winner: "pending",
    why: `Conflicts in ${table} wait for an operator; the source's row stays until then.`,
  }),
};

function newestWins(meeting: Meeting, type: ConflictType): Verdict {
  if (type.startsWith("none/"))
    return { winner: "remote", row: meeting.remote, why: "Only the edit changed the row: it is the newest." };
  const { side, because } = newest(meeting);
  const why = `The ${side === "source" ? "source" : "edit"} wins because ${because}.`;
  return side === "source" ? { winner: "source", why } : { winner: "remote", row: meeting.remote, why };
}

/** Fields that only one side changed are that side's, so that an edit of a row the source left alone stays whole. */
function mergeOrNewest(meeting: Meeting, type: ConflictType): Verdict {
  if (type.startsWith("none/"))
    return {
      winner: "remote",
      row: meeting.remote,
      why: "Only the edit changed the row: nothing is to be merged.",
    };
  if (type.includes("delete"))
    return { winner: "source", why: "A deletion cannot be merged with a change: the source wins." };
  if ([meeting.base, meeting.source, meeting.remote].some(hasOddValue)) {
    const { why, ...verdict } = newestWins(meeting, type);
    return { ...verdict, why: `A value that its column cannot hold keeps the row from being merged. ${why}` };
  }
  const { side, because } = newest(meeting);
  const { row, changed } = mergeRows(meeting, side);
  const why = mergedText(changed, because);
  if (isSameRow(row, meeting.source)) return { winner: "source", why };
  return { winner: isSameRow(row, meeting.remote) ? "remote" : "merged", row, why };
}

/** Fields named in a sentence at most. */
const NAMED = 5;
const OWNERS: Readonly<Record<MergedField["of"], string>> = {
  both: "of both sides",
  source: "the source's",
  remote: "the edit's",
};

function mergedText(changed: readonly MergedField[], because: string): string {
  const parts = (["both", "source", "remote"] as const).flatMap((owner) => {
    const columns = changed.filter(({ of }) => of === owner).map(({ column }) => column);
    if (columns.length === 0) return [];
    const more = columns.length > NAMED ? ` and ${columns.length - NAMED} more` : "";
    return [
      `${columns.slice(0, NAMED).join(", ")}${more} ${columns.length > 1 ? "are" : "is"} ${OWNERS[owner]}`,
    ];
  });
  const contested = changed.some(({ of, contested }) => contested && of !== "both");
  const tooLong = changed.filter(({ tooLong }) => tooLong).map(({ column }) => column);
  if (tooLong.length > 0) parts.push(`too long to be merged: ${tooLong.join(", ")}`);
  return `Merged by field: ${parts.join("; ")}${contested ? `; what both changed is decided because ${because}` : ""}.`;
}
