import type { DrillInvocation } from "../commands/drill.ts";
import type { Declare } from "./declare.ts";

/** What tries backups before they are needed. */
export function drills(declare: Declare): void {
  declare("drill", "restores tenants' latest backups for a trial, where nobody is in their way", [
    ["drill", "of every tenant, one after the other"],
    ["drill acme", "of acme"],
    ["drill --due", "of those whose last good one is too old: for cron on this machine"],
  ])
    .argument("[tenant...]")
    .option("--due", "only those whose last good one is older than `backups.drill`")
    .option("--json", "for scripts")
    .action(async (tenants: string[], options: DrillInvocation) =>
      (await import("../commands/drill.ts")).drill(options, tenants),
    );
}
