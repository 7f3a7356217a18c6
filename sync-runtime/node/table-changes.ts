import type { TableChange } from "./hold.ts";
import type { Loaded } from "./load.ts";

/**
 * What a sync would do to each table that was verified before, in rows.
 *
 * Rows vanish by their key. Where keys say nothing (there is none, or somebody altered the table, so that what goes may
 * be what they wrote) only what the table shrinks by counts.
 * @param altered whether somebody else than the nodes changed a table since it was last verified
 */
export function tableChanges(
  { tables, received, retired }: Pick<Loaded, "tables" | "received" | "retired">,
  altered: (table: string) => boolean,
): TableChange[] {
  const came = new Map(received.map((table) => [table.table, table]));
  const kept = tables.flatMap(({ name, rows, recorded }): TableChange[] => {
    if (!recorded) return [];
    const { keyed = false, tombstoned = 0 } = came.get(name) ?? {};
    const byKey = keyed && !altered(name);
    const vanished = byKey ? Math.min(tombstoned, recorded.rows) : Math.max(0, recorded.rows - rows);
    return [{ table: name, held: recorded.rows, holds: rows, vanished }];
  });
  const dropped = retired.map(
    ({ table, tombstoned: held }): TableChange => ({
      table,
      held,
      holds: 0,
      vanished: held,
      dropped: true,
    }),
  );
  return [...kept, ...dropped];
}
