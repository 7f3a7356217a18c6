import { Option } from "commander";
import type { ConflictsInvocation } from "../commands/conflicts.ts";
import type { PromotionOptions } from "../commands/promotion.ts";
import type { RestoreOptions } from "../commands/restore-way.ts";
import type { SyncInvocation } from "../commands/sync.ts";
import type { Declare } from "./declare.ts";

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

  declare(
    "restore",
    "brings a tenant back from a backup, or rebuilds its database from its replica into a file",
    [
      ["restore acme --from backup", "the latest one, proven and tried first; what is there is kept aside"],
      ["restore acme --from backup --at 2026-11-22T06:00", "as it was then"],
      ["restore acme --from backup --to-folder /var/tmp/acme", "into a folder of its host, proven"],
      ["restore acme --from backup --undo", "what was there before the restore comes back"],
      ["restore acme --from backup --confirm", "remove what was kept aside"],
      ["restore acme --to acme.db", "its database from its replica, proven equal to what was verified last"],
    ],
  )
    .argument("[tenant]", "whose backup or replica")
    .addOption(
      new Option("--from <source>", "where it comes from").choices(["replica", "backup"]).default("replica"),
    )
    .option("--tenant <id>", "the same as the argument")
    .option("--to <where>", "from a replica: the file to make; from a backup: another tenant of its host")
    .option("--at <time>", "backup: the latest that was taken until then")
    .option("--snapshot <id>", "backup: this one")
    .option("--to-folder <path>", "backup: into a folder of its host, and nothing else")
    .option("--undo", "backup: put back what the latest restore set aside")
    .option("--confirm", "backup: remove what restores have set aside")
    .option("--force", "replica: replace a file that is there")
    .option("--held", "replica: restore although the nodes hold it")
    .option("--yes", "do not ask")
    .option("--json", "print what was restored as JSON")
    .action(async (tenant: string | undefined, options: RestoreOptions) =>
      (await import("../commands/restore-way.ts")).restoreWay(options, tenant),
    );

  declare(
    "promote",
    "takes a tenant from its SQLite file to a Postgres: tried first, taken back where it fails, until it is confirmed",
    [
      ["promote acme --to postgres://owui@db.example.com/acme", "the password in PGPASSWORD, or asked for"],
      ["promote acme --confirm", "it stays on Postgres"],
      ["promote acme --rollback", "its SQLite file of then comes back; says what is lost by it"],
      ["promote acme --to postgres://… --fill-only", "fill the database, and leave the tenant as it is"],
    ],
  )
    .argument("[tenant]", "who")
    .option("--tenant <id>", "the same as the argument")
    .option("--to <url>", "postgres://user@host:5432/database; the password in PGPASSWORD, or asked for")
    .option("--leave-out", "go on without the rows that violate the schema")
    .option("--force", "replace what the database holds")
    .option("--confirm", "what was promoted stays")
    .option("--rollback", "back to the SQLite file as it was")
    .option("--accept-losses", "--rollback: what was written into Postgres since may be lost")
    .option("--fill-only", "fill the database from the replica, and neither stop nor change the tenant")
    .option("--held", "--fill-only: although the nodes hold the replica")
    .option("--report <file>", "--fill-only: where the report goes")
    .option("--yes", "do not ask")
    .option("--json", "print what was done as JSON")
    .action(async (tenant: string | undefined, options: PromotionOptions) =>
      (await import("../commands/promotion.ts")).promotion(options, tenant),
    );
}
