/**
 * What `up` asks before it starts a tenant whose directory holds no database: whether it may, and whether the database
 * is to come back first. Run on the tenant's host by components/host/tenant-data.sh, with the tenant's directory and
 * what its entry says as arguments, and `{"connection"}` on standard input. Safe to run again.
 */
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { Connection } from "../database/connection.ts";
import { judge, type LostData } from "./lost-data.ts";
import { type Replica, ReplicaSnapshot } from "./replica-snapshot.ts";
import { restore } from "./restore.ts";
import { RestoreError } from "./restore-error.ts";
import { TenantHome } from "./tenant-home.ts";

const Arguments = z.tuple([
  z.string().min(1),
  z.string().min(1),
  z.string().min(1),
  z.string().min(1),
  z.enum(["refuse", "replica", "fresh"]),
  z.enum(["asked", "none"]),
  z.enum(["", "running"]),
]);

/** Where and what; what its entry says is in {@link LostData}. */
export interface Guarded extends Pick<LostData, "tenant" | "container" | "running" | "ifLost"> {
  home: string;
  fleet: string;
  /** How replicas are reached; undefined where there never was any. */
  connection: Connection | undefined;
}

/** Brings the tenant's directory into the state in which it may start, and says what was done; throws where it may not. */
export async function guard(guarded: Guarded): Promise<string> {
  const { tenant, fleet, ifLost, connection } = guarded;
  const home = new TenantHome(guarded.home);
  // Who wants to start empty does so without a database to ask, too.
  const replica = ifLost === "fresh" || !connection ? undefined : await replicaOf(connection, tenant);
  const verdict = judge({ ...guarded, replica, identified: home.identified, used: home.used });
  switch (verdict.do) {
    case "start-empty":
      // Other data than any before: no node mixes it in, and what is done once for a tenant is done for it too.
      home.identify(fleet, tenant);
      home.tidy();
      if (ifLost !== "fresh") return "";
      return `${tenant} starts empty: its entry says fresh: true. What its replica holds is kept and held until \`npm run sync -- ${tenant} --accept\`. Take fresh: true out of the entry now.`;
    case "restore":
      return await bringBack({ ...guarded, connection: connection as Connection }, home, replica as Replica);
    case "refuse":
      throw new RestoreError(
        "data-lost",
        `${verdict.found}\n${verdict.meaning} Nothing of it was started and nothing was changed.\nremedy: ${verdict.remedy}`,
      );
  }
}

/** The database comes last: where it stands, everything else is done. */
async function bringBack(
  { tenant, fleet, connection }: Guarded & { connection: Connection },
  home: TenantHome,
  { identity }: Replica,
): Promise<string> {
  try {
    // The entry is the operator's decision, also about a replica that is held.
    const to = home.stage();
    const { tables, rows, verified_at, missing } = await restore({
      connection,
      tenant,
      to,
      force: false,
      held: true,
    });
    home.identify(fleet, tenant, identity ?? undefined);
    home.putBack(to);
    const lost = missing.map(({ name, why }) => ` ${name}: ${why}.`).join("");
    return `The database of ${tenant} was rebuilt from its replica: ${tables} tables, ${rows} rows, equal to what was verified at ${verified_at}. Uploaded files and vectors are not in a replica.${lost}`;
  } finally {
    home.tidy();
  }
}

async function replicaOf(connection: Connection, tenant: string): Promise<Replica | undefined> {
  await using snapshot = await ReplicaSnapshot.open(connection, tenant);
  return await snapshot.replica();
}

if (import.meta.main) {
  try {
    const [home, fleet, tenant, container, ifLost, replicas, running] = Arguments.parse(
      process.argv.slice(2),
    );
    const { connection } = z
      .strictObject({ connection: Connection })
      .parse(JSON.parse(await text(process.stdin)));
    const said = await guard({
      ...{ home: join(home), fleet, tenant, container, ifLost },
      connection: replicas === "asked" ? connection : undefined,
      running: running === "running",
    });
    if (said) console.error(said);
  } catch (error) {
    console.error(error instanceof RestoreError ? error.message : error);
    process.exitCode = 1;
  }
}
