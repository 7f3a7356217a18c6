import { SetupError } from "../../toolchain/setup/problem.mjs";
import type { RestoreInvocation } from "./restore.ts";
import type { RestoreBackupInvocation } from "./restore-backup.ts";

/** What `fleet restore` takes, whichever way it goes. */
export interface RestoreOptions extends RestoreBackupInvocation, Pick<RestoreInvocation, "force" | "held"> {
  from: "replica" | "backup";
  tenant?: string;
}

/** Options that only a backup has. */
const ofBackups = ["at", "snapshot", "toFolder", "undo", "confirm", "yes"] as const;
const ofReplicas = ["force", "held"] as const;

/** `fleet restore`: from a backup, or from the replica into a file. */
export async function restoreWay(options: RestoreOptions, argument: string | undefined): Promise<void> {
  const { from, to, ...invocation } = options;
  const tenant = argument ?? options.tenant;
  if (tenant === undefined || (argument ?? tenant) !== (options.tenant ?? tenant))
    throw refused(
      "Whose data is restored is not said, or said twice.",
      "Name one tenant: npx fleet restore acme",
    );
  const foreign = (from === "backup" ? ofReplicas : ofBackups).filter((name) => options[name] !== undefined);
  const [stranger] = foreign;
  if (stranger !== undefined)
    throw refused(
      `--${stranger.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is no option of a restore from a ${from}.`,
      from === "backup" ? "Leave it away." : "Add --from backup, or leave it away.",
    );
  if (from === "backup") {
    const { restoreBackup } = await import("./restore-backup.ts");
    return restoreBackup({ ...invocation, ...(to === undefined ? {} : { to }) }, tenant);
  }
  if (to === undefined)
    throw refused(
      "Where the database goes is not said.",
      `Name the file: npx fleet restore ${tenant} --to ${tenant}.db; or bring a whole backup back: --from backup.`,
    );
  const { restore } = await import("./restore.ts");
  return restore({ ...invocation, tenant, to });
}

const refused = (what: string, remedy: string) =>
  new SetupError([
    { what, why: "A restore from a replica makes a file; one from a backup puts it in place.", remedy },
  ]);
