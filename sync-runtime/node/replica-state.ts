import * as z from "zod";
import { Finding, type Hold } from "./hold.ts";

/** A replica as begin-sync.sql tells it. */
export const ReplicaRow = z.object({
  identity: z.string().nullable(),
  committed_sync: z.string().nullable(),
  equal: z.boolean().nullable(),
  held_id: z.string().nullable(),
  held_reason: z.string().nullable(),
  held_detail: z.unknown(),
  held_sync: z.string().nullable(),
  held_accepted: z.boolean(),
  rows: z.coerce.number(),
});

/** What is known about a replica before a sync. */
export interface ReplicaState {
  /** The identity of the data whose copy it is; null before the first sync. */
  identity: string | null;
  /** The sync whose contents it holds; null when nothing in it is to be relied on. */
  committed: string | null;
  /** Known as not equal: it is about to be repaired. */
  unequal: boolean;
  /** Rows it held when it was last verified. */
  rows: number;
  hold: Hold | undefined;
}

/** What a row tells. */
export const stateOf = (row: z.infer<typeof ReplicaRow>): ReplicaState => ({
  identity: row.identity,
  // One known as not equal is on its way to be repaired: every row is compared, so nothing in it is relied on.
  committed: row.equal ? row.committed_sync : null,
  unequal: row.equal === false,
  rows: row.rows,
  hold: holdOf(row),
});

function holdOf(row: z.infer<typeof ReplicaRow>): Hold | undefined {
  if (row.held_id === null) return undefined;
  return {
    id: row.held_id,
    finding: Finding.parse({ reason: row.held_reason, detail: row.held_detail }),
    offered: row.held_sync,
    accepted: row.held_accepted,
  };
}
