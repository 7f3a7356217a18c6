import { databaseUrlFault } from "../../components/fleet-config/tenant-database.ts";
import type { TenantSpec } from "../../components/fleet-config.ts";
import { databaseUrl } from "../../components/tenant/environment.ts";
import type { ChangedTable } from "../../sync-runtime/promote/report.ts";
import { stepsOf } from "../../toolchain/commands/invocation.ts";
import { CommandError, type Problem, SetupError } from "../../toolchain/setup/problem.mjs";
import { confirmedByName } from "../confirm.ts";
import { passwordOf } from "../promotion/password.ts";
import { PromotionFound, PromotionRequest } from "../promotion/request.ts";
import { promotionSaga } from "../promotion/saga.ts";
import type { Operation } from "../saga/operation.ts";
import { begin, work } from "../saga/saga.ts";
import { type Awaiting, giveWord, openOf, takeBack, waitingOf } from "../saga/word.ts";
import { workshopOf } from "../saga/workshop.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";
import { typedSecret } from "../typed-secret.ts";
import { fillOnly, type PromoteInvocation, targetUrl } from "./promote.ts";
import { replicasConnection } from "./replicas-connection.ts";
import { tell } from "./tell.ts";

/** How `fleet promote` is asked. */
export interface PromotionOptions extends Omit<PromoteInvocation, "tenant" | "to"> {
  tenant?: string;
  to?: string;
  confirm?: boolean;
  rollback?: boolean;
  /** What was written into Postgres since may be lost by a rollback. */
  acceptLosses?: boolean;
  fillOnly?: boolean;
  yes?: boolean;
}

/** `fleet promote acme --to postgres://…`: its live database becomes a Postgres; or that is confirmed, or taken back. */
export async function promotion(options: PromotionOptions, named: string | undefined): Promise<void> {
  const tenant = named ?? options.tenant;
  const { to, confirm, rollback, fillOnly: alone } = options;
  const ways = [to !== undefined, confirm, rollback].filter(Boolean).length;
  if (tenant === undefined || ways !== 1 || (alone && to === undefined))
    throw refused(
      tenant === undefined
        ? "Which tenant is not said."
        : "What is to be done is not said, or more than one thing.",
      "A promotion begins with --to, and ends with --confirm or --rollback.",
      "Write npx fleet promote <tenant> --to postgres://user@host/database, or --confirm, or --rollback.",
    );
  if (to !== undefined && alone) return fillOnly({ ...options, tenant, to });
  const place = await placeOf(options, tenant);
  if (confirm) return keep(options, place);
  if (rollback) return back(options, place);
  await promoted(options, place, to ?? "");
}

async function promoted(options: PromotionOptions, place: TenantPlace, to: string): Promise<void> {
  const tenant = place.spec.id;
  const target = new URL(targetUrl(to, undefined));
  const problems = refusalsOf(place.spec, to);
  if (problems.length > 0) throw new SetupError(problems, "Nothing was changed, and nothing was stopped.");
  if (!options.yes && !process.stdin.isTTY)
    throw refused(
      "Nobody can be asked.",
      "A promotion interrupts users, and asks before it does, with how long that takes.",
      "Run it in a terminal, or pass --yes.",
    );
  const inUrl = decodeURIComponent(target.password);
  target.password = "";
  const password = inUrl || process.env.PGPASSWORD || (await typedSecret(`Password of ${target.username}: `));
  const { leaveOut = false, force = false, yes = false } = options;
  const request = { url: target.href, leaveOut, force, yes } satisfies PromotionRequest;
  const shop = workshopOf({ ...options, password } as typeof options, place.last);
  const begun = await begin(promotionSaga, tenant, request, shop);
  if ((await work(promotionSaga, begun, shop)) === "aborted")
    throw new CommandError(`\n  ✗ The promotion of ${tenant} was taken back; it serves on its SQLite file.`);
  const operation = await shop.operations.get(begun.id);
  const protectedBy = place.last.fleet.backups ? "backups" : "nobody";
  tell(options.json, promotedOf(operation), promotedText(operation, protectedBy));
}

/** What keeps a tenant from being promoted to a URL, all of it; pure. */
export function refusalsOf({ id, database, sync, running, image }: TenantSpec, to: string): Problem[] {
  const problem = (what: string, why: string, remedy: string) => ({ what, why, remedy });
  const fault = databaseUrlFault(withoutPassword(to));
  return [
    ...(database
      ? [
          problem(
            `${id} works on a Postgres already.`,
            "It is promoted once.",
            `npx fleet promote ${id} --rollback takes it back as long as it is not confirmed.`,
          ),
        ]
      : []),
    ...(sync.direction === "both"
      ? [
          problem(
            `Edits of ${id}'s replica are written into its database.`,
            "That writes into SQLite files only.",
            `Set tenants.${id}.sync.direction: one-way and run \`npm run up\`.`,
          ),
        ]
      : []),
    ...(running
      ? []
      : [
          problem(
            `${id} does not run.`,
            "Whether it does on Postgres is seen only while it runs.",
            `Start it: npx fleet start ${id}`,
          ),
        ]),
    ...(fault
      ? [
          problem(
            `--to is ${fault.found}.`,
            `The container of ${id} (${image}) is to reach it, and so is this machine.`,
            `${fault.remedy[0]?.toUpperCase()}${fault.remedy.slice(1)}.`,
          ),
        ]
      : []),
  ];
}

/** A password may stand in what is typed; it goes nowhere from there. */
function withoutPassword(to: string): string {
  if (!URL.canParse(to)) return to;
  const url = new URL(to);
  url.password = "";
  return url.href;
}

async function keep(options: PromotionOptions, { spec: { id }, last }: TenantPlace): Promise<void> {
  const shop = workshopOf(options, last);
  const open = await waitingOf(awaiting, shop, id);
  await giveWord(awaiting, shop, open);
  tell(
    options.json,
    { tenant: id, operation: open.id, confirmed: true },
    `${id} stays on Postgres. Its SQLite file of then lies where it was, and nothing uses it.`,
  );
}

/** Back to the SQLite file, once it was said what is not in that. */
async function back(options: PromotionOptions, place: TenantPlace): Promise<void> {
  const { id } = place.spec;
  const shop = workshopOf(options, place.last);
  const open = await openOf(awaiting, shop, id);
  const { found } = open;
  // Before that nobody was served on it.
  const served = open.done >= open.steps.indexOf("switch") && PromotionFound.parse(found).rows !== undefined;
  const changed = served ? await changesOf(options, place, open) : [];
  const given = options.acceptLosses === true && options.yes === true;
  const nothing = Array.isArray(changed) && changed.length === 0;
  await confirmedByName(rollbackText(id, changed), id, {
    given: given || (nothing && options.yes === true),
    options: nothing ? "--yes" : "--yes --accept-losses",
    json: options.json,
  });
  if (open.held) {
    await shop.operations.abort(open.id);
    return tell(
      options.json,
      { tenant: id, operation: open.id, rolledBack: false },
      `${open.runner} works on it, and takes it back once the step at hand has ended.`,
    );
  }
  await takeBack(awaiting, shop, open);
  tell(
    options.json,
    { tenant: id, operation: open.id, rolledBack: true, changed },
    `${id} works on its SQLite file again, and its replica follows that. What its Postgres holds is left there.`,
  );
}

/** What was written into the Postgres since it was filled; why that cannot be told, where it cannot. */
async function changesOf(
  options: PromotionOptions,
  { last, spec: { id } }: TenantPlace,
  { request }: Operation,
): Promise<ChangedTable[] | string> {
  const { url } = PromotionRequest.parse(request);
  const program = await import("../../sync-runtime/promote/promote.ts");
  try {
    return await stepsOf(options).run(
      "compare",
      async () =>
        program.changesSince({
          connection: replicasConnection(options.stack, last),
          tenant: id,
          to: databaseUrl({ url, password: await passwordOf(options, id) }),
        }),
      (tables) =>
        tables.length === 0 ? "nothing was written since" : `${tables.length} tables were written to`,
    );
  } catch (error) {
    return (error as Error).message;
  }
}

/** What an operator loses by going back; pure. */
export function rollbackText(tenant: string, changed: readonly ChangedTable[] | string): string {
  const lost = Array.isArray(changed)
    ? changed.length === 0
      ? "Nothing was written into its Postgres since."
      : `NOT IN THAT, and lost to its users, is what was written into its Postgres since: ${changed
          .map(({ name, made, gone }) => `${name} ${made} rows made or changed, ${gone} changed or deleted`)
          .join("; ")}. The Postgres keeps it.`
    : `How much was written into its Postgres since cannot be told: ${changed}`;
  return `${tenant} goes back to its SQLite file, as it was when it was promoted. Its users wait for about half a minute.\n${lost}`;
}

/** What `fleet promote --json` prints. An interface: scripts read it. */
export function promotedOf({
  id,
  client,
  request,
  found,
}: Pick<Operation, "id" | "client" | "request" | "found">) {
  const {
    downtime = null,
    rows = {},
    report = null,
    rehearsal,
    fillSeconds = null,
  } = PromotionFound.parse(found);
  return {
    tenant: client,
    operation: id,
    to: PromotionRequest.parse(request).url,
    rows: Object.values(rows).reduce((sum, count) => sum + count, 0),
    tables: Object.keys(rows).length,
    leftOut: rehearsal?.leftOut ?? 0,
    /** Seconds. */
    fill: fillSeconds,
    /** Seconds; null: nobody measured it. */
    downtime,
    report,
  };
}

/** @param protectedBy whether the stack backs its tenants up */
function promotedText(operation: Operation, protectedBy: "backups" | "nobody"): string {
  const { tenant, to, rows, tables, leftOut, downtime, report } = promotedOf(operation);
  const { host, pathname } = new URL(to);
  return [
    `\n${tenant} works on Postgres (${host}${pathname}): ${rows} rows in ${tables} tables, read back equal${leftOut > 0 ? `; ${leftOut} were left out` : ""}${downtime === null ? "" : `. Its users waited for ${downtime} s`}.`,
    `Its SQLite file and its replica stay as of now, and follow nothing. ${
      protectedBy === "backups"
        ? `From now on its backups hold that Postgres; it counts as protected once one of them was restored for a trial: npx fleet backup run ${tenant} && npx fleet drill ${tenant}`
        : "Nothing of the fleet backs it up: do so where it is now"
    }. The report is ${report}.`,
    `  npx fleet promote ${tenant} --confirm     once you have seen that all is there`,
    `  npx fleet promote ${tenant} --rollback    back to SQLite as of now; says what is lost by it`,
    "Until then nothing else works on it.",
  ].join("\n");
}

const awaiting: Awaiting = {
  saga: promotionSaga,
  noun: "promotion",
  rollback: (tenant) => `npx fleet promote ${tenant} --rollback`,
};

const refused = (what: string, why: string, remedy: string) => new SetupError([{ what, why, remedy }]);
