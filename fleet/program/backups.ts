import { Argument } from "commander";
import type { BackupAction, BackupInvocation } from "../commands/backup.ts";
import type { Declare } from "./declare.ts";

/** What `fleet backup` does. */
const backupActions: readonly BackupAction[] = ["show", "run", "list", "check"];

/** Commands about tenants' backups. */
export function backups(declare: Declare): void {
  declare("backup", "shows how tenants' backups are; makes one now, lists them, looks through a repository", [
    ["backup", "how old each tenant's backup is, and when it was restored for a trial"],
    ["backup run acme", "back acme up now, whatever its interval"],
    ["backup run", "the same of every tenant, one after the other on each host"],
    ["backup list acme", "what can be restored of acme"],
    ["backup check acme --data", "read acme's whole repository, and say whether it is whole"],
  ])
    .addArgument(new Argument("[action]").choices(backupActions).default("show"))
    .argument("[tenant]", "one tenant; without it all of them")
    .option("--data", "check: read everything that is stored, which takes as long as restoring all of it")
    .option("--json", "for scripts")
    .action(async (action: BackupAction, tenant: string | undefined, options: BackupInvocation) =>
      (await import("../commands/backup.ts")).backup(options, action, tenant),
    );
}
