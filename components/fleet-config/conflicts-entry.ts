import { z } from "zod";
import { documentation } from "./documentation.ts";
import type { ConflictsSpec } from "./model.ts";
import { refuse } from "./problem.ts";

const STRATEGIES = ["newest_wins", "source_wins", "target_wins", "merge", "manual"] as const;
const remedy = `choose ${STRATEGIES.slice(0, -1).join(", ")} or ${STRATEGIES.at(-1)}`;

/** What is decided by table unless the config says otherwise. */
const BY_TABLE = {
  chat: "merge",
  config: "manual",
  oauth_session: "source_wins",
  user: "newest_wins",
} as const;

const strategy = () => z.enum(STRATEGIES);

const table = z
  .string()
  .superRefine((name, context) => {
    if (/^\w+$/.test(name)) return;
    refuse(context, {
      found: `"${name}", which is no name of a table`,
      remedy:
        "name a table as Open WebUI does, such as chat, user or oauth_session; columns have no strategy",
    });
  })
  .register(documentation, { description: "Name of the table.", remedy: "name a table" });

const tables = () =>
  z.record(
    table,
    strategy().register(documentation, { description: "How conflicts in that table are decided.", remedy }),
  );

const tablesRemedy = "write tables by name, each with a strategy: { chat: merge }";

/** `sync.conflicts`, for the fleet. */
export const fleetConflicts = z.strictObject({
  default: strategy().prefault("source_wins").register(documentation, {
    description: "How conflicts in tables are decided that `tables` does not name.",
    remedy,
  }),
  tables: tables()
    .prefault({})
    .register(documentation, {
      description: "How conflicts are decided by table, beside those of the default and instead of them.",
      default: `\`{ ${Object.entries(BY_TABLE)
        .map((entry) => entry.join(": "))
        .join(", ")} }\``,
      example: "{ config: source_wins, note: newest_wins }",
      remedy: tablesRemedy,
    }),
});

/** `sync.conflicts` of a tenant. */
export const tenantConflicts = z.strictObject({
  default: strategy().optional().register(documentation, {
    description: "The same for this tenant.",
    default: "the fleet's",
    remedy,
  }),
  tables: tables().prefault({}).register(documentation, {
    description: "The same for this tenant, beside the fleet's and instead of them.",
    example: "{ note: manual }",
    remedy: tablesRemedy,
  }),
});

/** What holds for one tenant: a table that is named counts before a default, the tenant's word before the fleet's. */
export const conflictsOf = (
  fleet: z.output<typeof fleetConflicts>,
  tenant: z.output<typeof tenantConflicts>,
): ConflictsSpec => ({
  default: tenant.default ?? fleet.default,
  tables: { ...BY_TABLE, ...fleet.tables, ...tenant.tables },
});
