import type { RollbackInvocation } from "../commands/rollback.ts";
import type { UpgradeInvocation } from "../commands/upgrade.ts";
import type { Declare } from "./declare.ts";

/** Commands that change tenants' versions. */
export function upgrading(declare: Declare): void {
  declare(
    "upgrade",
    "takes tenants to another version of Open WebUI, rehearsed before and taken back where it fails",
    [
      ["upgrade acme --to v0.11.3", "rehearse on a copy, ask, switch, look at it"],
      ["upgrade --all --to v0.11.3 --canary 1 --parallel 3", "one first, then the others, three at once"],
    ],
  )
    .argument("[tenant...]")
    .requiredOption("--to <version>", "the release, such as v0.11.3")
    .option("--all", "every tenant that runs an older one")
    .option("--canary <count>", "how many go before all others", Number, 1)
    .option("--parallel <count>", "how many are worked on at once", Number, 1)
    .option("--accept-losses", "go on although the new version loses rows in the rehearsal")
    .option("--yes", "do not ask")
    .option("--json", "print what was done as JSON")
    .action(async (tenants: string[], options: UpgradeInvocation) =>
      (await import("../commands/upgrade.ts")).upgrade(options, tenants),
    );

  declare(
    "rollback",
    "takes a tenant back to the version before its last upgrade, with its database of then",
    [
      ["rollback acme", "says what was written since, and asks"],
      ["rollback acme --list", "what is kept on its host"],
    ],
  )
    .argument("<tenant>")
    .option("--list", "show what there is to go back to, and do nothing")
    .option("--yes", "do not ask")
    .option("--json", "print what was done as JSON")
    .action(async (tenant: string, options: RollbackInvocation) =>
      (await import("../commands/rollback.ts")).rollback(options, tenant),
    );
}
