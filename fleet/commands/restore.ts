import { resolve } from "node:path";
import type { Restored, Progress as RestoreProgress } from "../../sync-runtime/restore/restore.ts";
import { type Invocation, type LastUp, lastUp, stepsOf } from "../../toolchain/commands/invocation.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import { replicasConnection } from "./replicas-connection.ts";
import { seldom } from "./seldom.ts";

/** How `npm run restore` is asked. */
export interface RestoreInvocation extends Invocation {
  tenant: string;
  /** The file to be made, from where the command is run. */
  to: string;
  /** Whether it may take the place of one that is there. */
  force?: boolean;
  /** Whether a replica is restored that the nodes hold. */
  held?: boolean;
}

/** `npm run restore -- --tenant acme --to file.db`: a database rebuilt from its replica, and proven equal to it. */
export async function restore(invocation: RestoreInvocation): Promise<void> {
  const { stack, tenant, force = false, held = false, json } = invocation;
  const last = await lastUp(stack);
  const connection = replicasConnection(stack, last);
  // npm runs commands in the repository, and says here where it was called.
  const to = resolve(process.env.INIT_CWD ?? process.cwd(), invocation.to);
  const program = await import("../../sync-runtime/restore/restore.ts");
  const restored = await stepsOf(invocation).run(
    "restore",
    (progress: Progress) =>
      program
        .restore(
          { connection, tenant, to, force, held },
          seldom((at) => progress(progressText(at))),
        )
        .catch((error) => Promise.reject(asProblem(error))),
    summary,
  );
  process.stdout.write(
    json ? `${JSON.stringify(restored, undefined, 2)}\n` : `\n${afterwards(restored, last)}\n`,
  );
}

/** `1200 of 3400 rows written (chat)` */
export const progressText = ({ phase, table, rows, rows_total }: RestoreProgress): string =>
  `${rows} of ${rows_total} rows ${phase === "rows" ? "written" : "read back"} (${table})`;

const summary = ({ tables, rows, verified_at }: Restored): string =>
  `${tables} tables, ${rows} rows, equal to what was verified at ${verified_at}`;

/** What the operator has to know about the file. */
export function afterwards(
  { tenant, file, missing, orphans, edits }: Restored,
  last: LastUp | undefined,
): string {
  const host = last?.fleet.hosts.find(
    ({ id }) => id === last.fleet.tenants.find((entry) => entry.id === tenant)?.host,
  );
  const key = host
    ? `${host.root}/tenants/${tenant}/config/webui_secret_key`
    : "WEBUI_SECRET_KEY of the tenant";
  return [
    `${file} is the database of ${tenant}. Users sign in on it with the passwords they had.`,
    `Only with the secret key of before (${key}) do their sessions go on and can what Open WebUI encrypted be read.`,
    "Uploaded files and vectors are in no replica: they come back from backups.",
    ...(orphans > 0
      ? [`${orphans} rows refer to others that are not there, as they did in the source.`]
      : []),
    ...(edits > 0
      ? [`${edits} edits that others made in the replica are not in it: it holds what the source held.`]
      : []),
    ...missing.map(({ name, why }) => `Not as in the source: ${name}: ${why}.`),
  ].join("\n");
}

/** What the program of the restore says is whole; a stack trace would only hide it. */
const asProblem = (error: unknown): unknown =>
  error instanceof Error && error.name === "RestoreError" ? new CommandError(error.message) : error;
