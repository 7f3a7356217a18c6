import type { Invocation } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { type Aside, TenantVersion } from "../on-host/tenant-version.ts";
import { workshopOf } from "../saga/workshop.ts";
import { placeOf, refusePostgres } from "../tenant-place.ts";
import type { ChangeRequest } from "../upgrade/request.ts";
import { rollbackSaga } from "../upgrade/saga.ts";
import { releaseOfImage, upstreamImage } from "../upgrade/version.ts";
import { tell } from "./tell.ts";
import { changed, upgradedText, writtenVersion } from "./upgrade.ts";

/** How `fleet rollback` is asked. */
export interface RollbackInvocation extends Invocation {
  /** Shows what there is to go back to, and does nothing. */
  list?: boolean;
  yes?: boolean;
}

/** `fleet rollback <tenant>`: the version before, with its database as it was when it was left. */
export async function rollback(invocation: RollbackInvocation, tenant: string): Promise<void> {
  const place = await placeOf(invocation, tenant);
  refusePostgres(place, "A rollback");
  const host = new TenantVersion(place.host, invocation.stack, place.spec);
  const kept = await host.list();
  if (invocation.list)
    return tell(
      invocation.json,
      { kept },
      keptText(tenant, kept, (folder) => host.pathOf(folder)),
    );
  const version = releaseOfImage(place.spec.image)?.text;
  const back = kept.find(
    ({ record, folder }) => record?.next === version && folder.startsWith("data.before-"),
  );
  if (!version || !back?.record)
    throw new SetupError([
      {
        what: `There is nothing of ${tenant}'s to go back to from ${version ?? place.spec.image}.`,
        why: "Only what `fleet upgrade` or `fleet rollback` set aside can be gone back to.",
        remedy: `See what is kept: npx fleet rollback ${tenant} --list`,
      },
    ]);
  if (!place.spec.running)
    throw new SetupError([
      {
        what: `${tenant} does not run.`,
        why: "Whether it does with its former version is seen only while it runs.",
        remedy: `Start it: npx fleet start ${tenant}`,
      },
    ]);
  const { record, at, folder } = back;
  const request = {
    from: { version, image: place.spec.image, written: await writtenVersion(invocation, tenant) },
    to: {
      version: record.version,
      image: `${upstreamImage}:${record.version}`,
      written: record.written ?? record.version,
    },
    ...{ put: folder, since: at, yes: invocation.yes ?? false, acceptLosses: false },
  } satisfies ChangeRequest;
  const done = await changed(rollbackSaga, tenant, request, workshopOf(invocation, place.last));
  tell(invocation.json, done, upgradedText(done));
}

export function keptText(tenant: string, kept: readonly Aside[], pathOf: (folder: string) => string): string {
  if (kept.length === 0) return `Nothing of ${tenant}'s is set aside.`;
  return kept
    .map(({ folder, at, bytes, record }) => {
      const whose = record
        ? `database of ${record.version}, before ${record.next}`
        : "database of a change that did not end";
      return `${pathOf(folder)}: ${whose}; set aside ${new Date(at * 1000).toISOString()}, ${(bytes / 1e6).toFixed(1)} MB`;
    })
    .join("\n");
}
