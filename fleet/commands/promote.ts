import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Progress as Promoting } from "../../sync-runtime/promote/promote.ts";
import type { Promotion } from "../../sync-runtime/promote/report.ts";
import { type Invocation, lastUp, noFleet, stepsOf } from "../../toolchain/commands/invocation.ts";
import { stackFolder } from "../../toolchain/setup/paths.mjs";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import { PasswordError } from "../promotion/password.ts";
import { promotionText } from "./promotion-text.ts";
import { replicasConnection } from "./replicas-connection.ts";
import { seldom } from "./seldom.ts";
import { makeSchema } from "./strict-schema.ts";

/** How `fleet promote --fill-only` is asked. */
export interface PromoteInvocation extends Invocation {
  tenant: string;
  /** The database to be filled; its password may come from PGPASSWORD instead. */
  to: string;
  /** Goes on without the rows that violate the schema. */
  leaveOut?: boolean;
  /** Replaces what the target holds. */
  force?: boolean;
  /** Promotes a replica that the nodes hold. */
  held?: boolean;
  /** Where the report goes; into the stack's folder otherwise. */
  report?: string;
}

/**
 * `fleet promote acme --to postgres://… --fill-only`: a database that Open WebUI itself runs on, made by Open WebUI of
 * the tenant's version and filled from its replica. Ends with 1 where rows violate the schema and nothing was written.
 */
export async function fillOnly(invocation: PromoteInvocation): Promise<void> {
  const { stack, tenant, force = false, held = false, leaveOut = false, json } = invocation;
  const last = await lastUp(stack);
  const image = last?.fleet.tenants.find(({ id }) => id === tenant)?.image;
  if (!last || !image)
    throw new SetupError([unknownTenant(stack, tenant, Object.keys(last?.outputs.tenants ?? {}))]);
  const to = targetUrl(invocation.to, process.env.PGPASSWORD);
  const request = { connection: replicasConnection(stack, last), tenant, to, force, held, leaveOut };
  const steps = stepsOf(invocation);
  const program = await import("../../sync-runtime/promote/promote.ts");

  const { version, target } = await steps.run(
    "look",
    () => program.inspect(request).catch(asProblem),
    ({ version, target }) => `the replica has schema ${version}, the target is ${target.kind}`,
  );
  if (target.version !== version)
    await steps.run(
      "schema",
      () => makeSchema({ stack, tenant, image }, to),
      () => `Open WebUI made it (${image})`,
    );
  const promotion = await steps.run(
    "rows",
    (progress: Progress) =>
      program
        .fill(
          request,
          seldom((at) => progress(progressText(at))),
        )
        .catch(asProblem),
    ({ promoted, tables }) =>
      promoted
        ? `${total(tables, "fit")} rows in ${tables.length} tables, read back equal`
        : "nothing was written",
  );

  const file = await writeReport(stack, tenant, promotion, invocation.report);
  process.stdout.write(
    json ? `${JSON.stringify(promotion, undefined, 2)}\n` : `\n${promotionText(promotion, file)}\n`,
  );
  if (!promotion.promoted) process.exitCode = 1;
}

/** The URL with a password from the environment, where it has none. */
export function targetUrl(given: string, password: string | undefined): string {
  const parsed =
    URL.canParse(given) && /^postgres(ql)?:$/.test(new URL(given).protocol) ? new URL(given) : undefined;
  if (!parsed?.hostname || parsed.pathname.length < 2)
    throw new SetupError([
      {
        what: "The target of --to is not the URL of a database.",
        why: "It names the Postgres database that is filled.",
        remedy: "Write it as postgres://user@host:5432/database, the password in it or in PGPASSWORD.",
      },
    ]);
  if (parsed.password === "" && password) parsed.password = encodeURIComponent(password);
  // What Open WebUI's driver understands.
  return parsed.href.replace(/^postgres:/, "postgresql:");
}

const unknownTenant = (stack: string, tenant: string, known: string[]) => ({
  what: `Stack ${stack} has no tenant "${tenant}".`,
  why: known.length > 0 ? `Its tenants are: ${known.join(", ")}.` : noFleet(stack).trim(),
  remedy: "Name one of its tenants: its image says which version of Open WebUI makes the schema.",
});

export const progressText = ({ phase, table, rows, rows_total }: Promoting): string =>
  phase === "rows"
    ? `${rows} of ${rows_total} rows read (${table})`
    : `${{ rules: "rules are asked", write: "rows are written", proof: "rows are read back" }[phase]} (${table})`;

export const total = (tables: Promotion["tables"], what: "rows" | "fit" | "leftOut"): number =>
  tables.reduce((sum, table) => sum + table[what], 0);

/** The whole report: rows by their keys, and no values. */
export async function writeReport(
  stack: string,
  tenant: string,
  promotion: Promotion,
  report?: string,
): Promise<string> {
  const at = new Date().toISOString().replaceAll(":", "");
  const file = report
    ? resolve(process.env.INIT_CWD ?? process.cwd(), report)
    : join(stackFolder(stack), "promotions", `${tenant}-${at}.json`);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify(promotion, undefined, 2)}\n`, { mode: 0o600 });
  return file;
}

/** What the programs of sync-runtime say is whole; a stack trace would only hide it. */
export const asProblem = (cause: unknown): never => {
  if (!(cause instanceof Error && ["PromoteError", "RestoreError"].includes(cause.name))) throw cause;
  const { message, code } = cause as Error & { code?: string };
  throw code === "target-password" ? new PasswordError(message, { cause }) : new CommandError(message);
};
