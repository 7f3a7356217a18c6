import type { MoveInvocation } from "../commands/move.ts";
import type { Declare } from "./declare.ts";

/** The command by which a tenant goes to another host. */
export function moving(declare: Declare): void {
  declare(
    "move",
    "takes a tenant to another host, copied while it serves, and back until that is confirmed",
    [
      [
        "move acme --to fra1-b --dry-run",
        "whether it fits there, and what becomes of its name; changes nothing",
      ],
      ["move acme --to fra1-b", "copied beside what serves, then stopped for some seconds and started there"],
      ["move acme --confirm", "all is there: what is kept on the old host is removed"],
      ["move acme --rollback", "back to the old host, with what was written meanwhile"],
    ],
  )
    .argument("<tenant>")
    .option("--to <host>", "the host it goes to: an id of the stack's hosts")
    .option("--dry-run", "look and report; change nothing")
    .option("--confirm", "end the move: it cannot be taken back any more")
    .option("--rollback", "take the move back")
    .option("--yes", "do not ask")
    .option("--json", "for scripts")
    .action(async (tenant: string, options: MoveInvocation) =>
      (await import("../commands/move.ts")).move(options, tenant),
    );
}
