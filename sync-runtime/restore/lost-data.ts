import type { Replica } from "./replica-snapshot.ts";

/** What is known where a tenant is to start and its directory holds no database. */
export interface LostData {
  tenant: string;
  /** Name of the tenant's container. */
  container: string;
  /** Whether that container runs, over a file that it alone still sees. */
  running: boolean;
  /** What the tenant's entry says. */
  ifLost: "refuse" | "replica" | "fresh";
  /** Undefined where none was ever kept. */
  replica: Pick<Replica, "rows" | "verified_at"> | undefined;
  /** Whether the directory has the identity that was made with it. */
  identified: boolean;
  /** Whether Open WebUI left other files there. */
  used: boolean;
}

/** What is done about it. */
export type Verdict =
  | { do: "start-empty" | "restore" }
  | { do: "refuse"; found: string; meaning: string; remedy: string };

/** Decides; a tenant that had data never starts empty unless its entry asks for just that. */
export function judge(lost: LostData): Verdict {
  const { tenant, container, running, ifLost, replica, identified, used } = lost;
  const entry = `tenants.${tenant}`;
  if (ifLost === "fresh") return { do: "start-empty" };
  if (ifLost === "replica") {
    if (!replica || replica.rows === 0)
      return {
        do: "refuse",
        found: `${entry} says restore: replica, and the replicas' database holds no row of ${tenant}.`,
        meaning: "There is nothing to rebuild its database from.",
        remedy: "If it is a new tenant, remove restore: replica from its entry.",
      };
    if (running)
      return {
        do: "refuse",
        found: `The container ${container} still runs.`,
        meaning:
          "It would go on writing to a file that nobody else sees, and not to the one that is put back.",
        remedy: `docker stop ${container}`,
      };
    return { do: "restore" };
  }
  const where = `If its volume is not mounted, mount it. If its entry names another host than before, write the former one again and have it moved: npx fleet move ${tenant} --to <host>.`;
  if (replica && replica.rows > 0)
    return {
      do: "refuse",
      found: `The data directory of tenant ${tenant} holds no database, and its replica holds ${replica.rows} rows, verified at ${replica.verified_at ?? "no time yet"}.`,
      meaning: "Starting it would have made an empty Open WebUI.",
      remedy: `${where} If the data is lost, write restore: replica into ${entry} to have the database rebuilt from the replica (uploaded files and vectors are not in it), or fresh: true to start empty on purpose.`,
    };
  if (!identified)
    return {
      do: "refuse",
      found: `The data directory of tenant ${tenant} is not the one this fleet made: it holds neither a database nor the tenant's identity.`,
      meaning:
        "Starting it would have made an empty Open WebUI; its replica holds no row that could come back.",
      remedy: `${where} To start empty on purpose, write fresh: true into ${entry}.`,
    };
  if (used && !running)
    return {
      do: "refuse",
      found: `The data directory of tenant ${tenant} holds files of Open WebUI and no database.`,
      meaning:
        "Starting it would have made an empty one beside them; its replica holds no row that could come back.",
      remedy: `Put webui.db back from a backup. To start empty on purpose, write fresh: true into ${entry}.`,
    };
  return { do: "start-empty" };
}
