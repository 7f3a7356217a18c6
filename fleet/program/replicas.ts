import { Option } from "commander";
import type { ConflictsInvocation } from "../commands/conflicts.ts";
import type { PromoteInvocation } from "../commands/promote.ts";
import type { RestoreInvocation } from "../commands/restore.ts";
import type { SyncInvocation } from "../commands/sync.ts";
import type { Declare } from "../program.ts";

/** Commands about tenants' replicas. */
export function replicas(declare: Declare): void {
  declare("sync", "brings one tenant's replica up to date now, and follows it until it ended", [
    ["sync acme", "bring acme's replica up to date now"],
    ["sync acme --verify", "read every row back, and repair what differs"],
    ["sync acme --accept", "the source is right: let what was held go through"],
    ["sync acme --pause", "keep the replica as it is, over every `up`, until --resume"],
    ["sync acme --cancel", "break off the sync that runs; the next one comes at its interval"],
  ])
    .argument("<tenant>")
    .option("--verify", "read every row back from the replica, compare with the source, repair what differs")
    .option(
      "--accept",
      "what the replica is held for is right: let it go through, after a typed confirmation",
    )
    .option("--pause", "sync it no more until it is resumed")
    .option("--resume", "sync it again at its interval")
    .option("--cancel", "end the sync that waits or runs; the next one comes at its interval")
    .option("--follow", "start nothing: follow the sync that runs, or show the last one")
    .option("--yes", "do not ask")
    .option("--json", "print how it ended as JSON")
    .action(async (tenant: string, options: SyncInvocation) =>
      (await import("../commands/sync.ts")).sync(options, tenant),
    );

  declare(
    "conflicts",
    "lists rows that were changed in replicas and wait for a decision; shows or decides one",
    [
      ["conflicts", "what waits for a decision"],
      ["conflicts 7", "conflict 7, field by field"],
      ["conflicts 7 --resolve remote", "the row stays as it was made in the replica"],
      ["conflicts 7 --row row.json", "the same, but with some columns as the file has them"],
    ],
  )
    .argument("[id]", "one conflict")
    .option("--client <tenant>", "one tenant's only")
    .option("--all", "those that were decided too")
    .addOption(
      new Option("--resolve <side>", "decide it: whose row stands in the replica").choices([
        "source",
        "remote",
      ]),
    )
    .option(
      "--row <file>",
      "decide it: the remote row, with the columns that this JSON file names as it has them",
    )
    .option("--json", "for scripts")
    .action(async (id: string | undefined, options: ConflictsInvocation) =>
      (await import("../commands/conflicts.ts")).conflicts(options, id),
    );

  declare("restore", "rebuilds a tenant's database from its replica, into a file", [
    ["restore --tenant acme --to acme.db", "proven equal to what was verified last"],
  ])
    .requiredOption("--tenant <id>", "whose replica")
    .requiredOption("--to <file>", "the file to make")
    .option("--force", "replace a file that is there")
    .option("--held", "restore although the nodes hold the replica")
    .option("--json", "print what was restored as JSON")
    .action(async (options: RestoreInvocation) => (await import("../commands/restore.ts")).restore(options));

  declare("promote", "makes a Postgres database that Open WebUI runs on, from a tenant's replica", [
    ["promote --tenant acme --to postgres://owui@db.example.com/acme", "the password in PGPASSWORD"],
  ])
    .requiredOption("--tenant <id>", "whose replica")
    .requiredOption("--to <url>", "postgres://user@host:5432/database; the password in it or in PGPASSWORD")
    .option("--leave-out", "go on without the rows that violate the schema")
    .option("--force", "replace what the database holds")
    .option("--held", "promote although the nodes hold the replica")
    .option("--report <file>", "where the report goes")
    .option("--json", "print the report as JSON")
    .action(async (options: PromoteInvocation) => (await import("../commands/promote.ts")).promote(options));
}
