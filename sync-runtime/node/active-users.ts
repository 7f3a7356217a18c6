import * as z from "zod";
import type { Postgres } from "./postgres.ts";

/** A row of active-users.sql; a tenant of null: all of them, each person once. */
const Row = z.object({
  tenant: z.string().nullable(),
  users: z.coerce.number(),
  basis: z.string().nullable(),
  covered: z.number().nullable(),
});

/** Persons who used the application within the last 30 days. */
export interface ActiveUsers {
  /** Over all tenants of the database, each person once. */
  all: number;
  tenants: {
    client: string;
    users: number;
    /** On which basis it shows its own look, and for how many users; null where nothing bounds it. */
    licence: { basis: string; users: number } | null;
  }[];
}

/** Who used the cluster's tenants lately. */
export async function activeUsers(postgres: Pick<Postgres, "rows">): Promise<ActiveUsers> {
  const rows = z.array(Row).parse(await postgres.rows("active-users"));
  return {
    all: rows.find(({ tenant }) => tenant === null)?.users ?? 0,
    tenants: rows.flatMap(({ tenant, users, basis, covered }) =>
      tenant === null
        ? []
        : [
            {
              ...{ client: tenant, users },
              licence: basis === null || covered === null ? null : { basis, users: covered },
            },
          ],
    ),
  };
}
