import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ConflictDiff } from "../../toolchain/commands/conflict-view.ts";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import { type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import {
  askConflict,
  askConflicts,
  RefusedError,
  type Resolution,
  resolveConflict,
} from "../../toolchain/commands/node-api.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { conflictTable, diffText } from "./conflict-text.ts";

/** How `npm run conflicts` is asked. */
export interface ConflictsInvocation extends Invocation {
  client?: string;
  /** Those too that do not wait any more. */
  all?: boolean;
  resolve?: "source" | "remote";
  /** A JSON file with the columns to change in the remote row, from where the command is run. */
  row?: string;
}

/** `npm run conflicts`: rows that others changed in replicas; lists them, shows one, or decides it. */
export async function conflicts(invocation: ConflictsInvocation, id?: string): Promise<void> {
  const { stack, json } = invocation;
  const resolution = await resolutionOf(invocation, id);
  const last = await lastUp(stack);
  if (!last)
    throw new SetupError([
      { what: `Stack ${stack} has no nodes.`, why: noFleet(stack).trim(), remedy: "Run `npm run up` first." },
    ]);
  const said = await told(invocation, () => conflictsSaid(last.outputs, invocation, id, resolution));
  process.stdout.write(`${json ? JSON.stringify(said.value, undefined, 2) : said.text}\n`);
}

/** What is printed: for scripts, and for people. */
interface Said {
  value: unknown;
  text: string;
}

/** What the nodes answer; undefined where none does. */
export async function conflictsSaid(
  outputs: FleetOutputs,
  { client, all }: ConflictsInvocation,
  id: string | undefined,
  resolution: Resolution | undefined,
): Promise<Said | undefined> {
  if (id === undefined) {
    const found = await askConflicts(outputs, { client, all });
    return (
      found && {
        value: { conflicts: found },
        text: listText(conflictTable(found, Date.now()), found.length, all),
      }
    );
  }
  if (resolution) {
    const decided = await resolveConflict(outputs, id, resolution);
    return decided && { value: { conflict: id, ...decided }, text: decidedText(id, decided) };
  }
  const diff = await askConflict(outputs, id);
  return diff && { value: diff, text: `${diffText(diff, Date.now())}${nextText(diff)}` };
}

const listText = (table: string, found: number, all = false): string =>
  found === 0
    ? `No conflict ${all ? "is in the log, which goes back 30 days" : "waits for a decision"}.`
    : `${table}\n\nOne of them field by field: npm run conflicts -- <conflict>`;

const decidedText = (id: string, { client, job }: { client: string; job: string }): string =>
  `Decided. Job ${job} applies it, unless the source changes the row before; npm run conflicts -- ${id} then says so.\n` +
  `How the sync goes: npm run sync -- ${client} --follow`;

function nextText({ conflict: { id, winner } }: ConflictDiff): string {
  if (winner !== "pending") return "";
  return `\n\nDecide it: npm run conflicts -- ${id} --resolve source|remote, or --row <file> for an edited row.`;
}

/** What is asked to be decided; undefined: nothing, it is only looked at. */
async function resolutionOf(
  { resolve: accept, row, client, all }: ConflictsInvocation,
  id: string | undefined,
): Promise<Resolution | undefined> {
  const wrong = (what: string, why: string, remedy: string) => new SetupError([{ what, why, remedy }]);
  if (id !== undefined && !/^[1-9]\d{0,17}$/.test(id))
    throw wrong(`"${id}" is no conflict.`, "Conflicts have numbers.", "Look at `npm run conflicts`.");
  if (id !== undefined && (client !== undefined || all))
    throw wrong(
      "A conflict's number and --client or --all do not go together.",
      "The number names one conflict.",
      "Leave one of them out.",
    );
  if (accept !== undefined && row !== undefined)
    throw wrong(
      "--resolve and --row do not go together.",
      "A conflict is decided once.",
      "Leave one of them out.",
    );
  if (id === undefined && (accept ?? row) !== undefined)
    throw wrong(
      "Which conflict is decided is not said.",
      "There may be several.",
      "Name one: npm run conflicts -- 7 --resolve source",
    );
  if (accept !== undefined) return { accept };
  return row === undefined ? undefined : { row: await readRow(row) };
}

/** The file's columns; npm runs commands in the repository, and says where it was called. */
async function readRow(file: string): Promise<Record<string, unknown>> {
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), file);
  try {
    const row: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof row === "object" && row !== null && !Array.isArray(row)) return row as Record<string, unknown>;
    throw new Error("it holds something else than an object");
  } catch (error) {
    throw new SetupError([
      {
        what: `${file} is no row.`,
        why: `Read as JSON: ${(error as Error).message}.`,
        remedy: 'Write the columns to change, as {"title": "A better title"}.',
      },
    ]);
  }
}

/** What a node answered; a refusal and silence are told as problems. */
async function told({ stack }: Invocation, ask: () => Promise<Said | undefined>): Promise<Said> {
  const silence = {
    what: `No node of stack ${stack} answers.`,
    why: "Nodes keep the conflicts; without one nothing can be seen or decided.",
    remedy: "Look at `npm run status`; `npm run up` starts what is missing.",
  };
  try {
    const said = await ask();
    if (said) return said;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new SetupError([
      {
        what: error.message,
        why: "The node refused what was asked.",
        remedy: "Look at `npm run conflicts`, then decide again.",
      },
    ]);
  }
  throw new SetupError([silence]);
}
