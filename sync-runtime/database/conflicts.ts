import * as z from "zod";

/** How a conflict is decided. `manual`: not at all, it waits for an operator. */
export const Strategy = z.enum(["newest_wins", "source_wins", "target_wins", "merge", "manual"]);
export type Strategy = z.infer<typeof Strategy>;

/**
 * What is declared for one tenant, as `client_deployments.conflicts` holds it: `tables` by their names, `default` for all
 * others. Empty where nothing was applied yet.
 */
export const Conflicts = z.strictObject({
  default: Strategy.optional(),
  tables: z.record(z.string(), Strategy).optional(),
});
export type Conflicts = z.infer<typeof Conflicts>;
