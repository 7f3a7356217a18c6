import type { Meeting } from "./meeting.ts";
import { isSameValue, type RowImage } from "./row-image.ts";
import { compareStamps, type Stamp, stampAt, stampOf } from "./stamp.ts";

export type Side = "source" | "remote";

/** Which side wrote last, and how that is known. */
export interface Newest {
  side: Side;
  /** Continues a sentence: "because ...". */
  because: string;
}

/** Columns by which Open WebUI says when a row was last written, and, for a row that is new, when it was made. */
const WRITTEN = ["updated_at", "last_active_at", "timestamp"];
const MADE = "created_at";

/**
 * Which side wrote last. A stamp counts for a change only if the change moved it: Open WebUI renames, shares and archives
 * chats, and edits users, without touching `updated_at`. An edit that moved none happened when Postgres saw it; a change
 * of the source that moved none happened nobody knows when, and then the source wins, as it does when both are equal.
 */
export function newest({ base, source, remote, editedAt }: Meeting): Newest {
  if (!source) return { side: "source", because: "a row that the source deleted carries no stamp" };
  const [theirs, edited] = [movedStamp(base, source), movedStamp(base, remote) ?? stampAt(editedAt)];
  if (!theirs)
    return {
      side: "source",
      because: "the source's change moved no stamp, so nothing tells when it was made",
    };
  const order = compareStamps(theirs, edited);
  if (order === 0)
    return { side: "source", because: `the stamps of both sides are equal (${moment(theirs)})` };
  const [later, earlier] = order > 0 ? [theirs, edited] : [edited, theirs];
  return {
    side: order > 0 ? "source" : "remote",
    because: `${order > 0 ? "the source's change" : "the edit"} is the newer (${moment(later)} against ${moment(earlier)})`,
  };
}

/** The latest stamp of a row that was not the same before; when the row itself is new, at least that of its making. */
function movedStamp(before: RowImage, after: RowImage): Stamp | undefined {
  if (!after) return undefined;
  const stamps = WRITTEN.filter((column) => !before || !isSameValue(before[column], after[column]))
    .map((column) => stampOf(after[column]))
    .filter((stamp) => stamp !== undefined);
  const latest = stamps.reduce<Stamp | undefined>(
    (latest, stamp) => (latest && compareStamps(latest, stamp) >= 0 ? latest : stamp),
    undefined,
  );
  return latest ?? (before ? undefined : stampOf(after[MADE]));
}

const LAST_MILLISECOND = 8_640_000_000_000_000n;

function moment({ at }: Stamp): string {
  const milliseconds = at / 1_000_000n;
  if (milliseconds > LAST_MILLISECOND) return `${at} ns`;
  return new Date(Number(milliseconds)).toISOString();
}
