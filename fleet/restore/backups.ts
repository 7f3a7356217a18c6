import * as z from "zod";
import { type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { runOn } from "../on-host/asked-host.ts";
import { StoredBackup } from "../on-host/backups.ts";
import type { TenantPlace } from "../tenant-place.ts";
import type { Snapshot } from "./choice.ts";

const Listed = z.array(StoredBackup);

/** A tenant's backups, as the host that makes them knows them. */
export async function snapshotsOf(place: TenantPlace, tenant: string): Promise<Snapshot[]> {
  const said = await asked(place, { VERB: "list", TENANT: tenant });
  return Listed.parse(JSON.parse(said)).map(({ id, time, ...more }) => ({ id, takenAt: time, ...more }));
}

/**
 * Fetches a backup into a folder of that host; what an earlier attempt left there goes first.
 * @param folder absolute; one of a restore's own, or empty
 */
export async function fetchSnapshot(
  place: TenantPlace,
  tenant: string,
  snapshot: string,
  folder: string,
): Promise<void> {
  await asked(place, { VERB: "fetch", TENANT: tenant, SNAPSHOT: snapshot, FOLDER: folder });
}

async function asked({ host, last }: TenantPlace, variables: Script["variables"]): Promise<string> {
  const answer = await runOn(host, scriptText("backup").toString(), {
    STACK: last.fleet.stack,
    ...variables,
  });
  if ("said" in answer) return answer.said;
  throw new CommandError(`Host ${host.spec.id}: ${answer.failure}`);
}
