import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { stackFolder } from "../../toolchain/setup/paths.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { applyEdit, type EditInvocation, fileOf } from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { type Saga, type StepContext, TakeBackError } from "../saga/saga.ts";

/** What is kept of a tenant that was retired: its entry, so that it can be taken back. */
const Kept = z.object({
  tenant: z.string(),
  /** ISO 8601. */
  at: z.string(),
  entry: z.record(z.string(), z.unknown()),
});
type Kept = z.infer<typeof Kept>;

const fileFor = (stack: string, tenant: string): string =>
  join(stackFolder(stack), "retired", `${tenant}.json`);

/** The entry that a tenant had; undefined where it was not retired on this machine. */
export async function keptEntry(stack: string, tenant: string): Promise<Kept | undefined> {
  const text = await readFile(fileFor(stack, tenant), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Kept.parse(JSON.parse(text));
}

/** Keeps it, wholly or not at all. */
export async function keepEntry(stack: string, tenant: string, entry: unknown): Promise<void> {
  const file = fileFor(stack, tenant);
  const kept = { tenant, at: new Date().toISOString(), entry };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.staged`, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.staged`, file);
}

/** Nothing brings the tenant back by its entry any more. */
export async function forgetEntry(stack: string, tenant: string): Promise<void> {
  for (const file of [fileFor(stack, tenant), `${fileFor(stack, tenant)}.staged`])
    await rm(file, { force: true });
}

/** A tenant's entry as the stack's file has it; undefined: it has none. */
export const entryIn = async (invocation: EditInvocation, tenant: string): Promise<unknown> =>
  valueAt(await readFile(await fileOf(invocation), "utf8"), ["tenants", tenant]);

/** Takes a tenant's entry out, and by an `up` what follows from it. */
export const takeOut = (invocation: EditInvocation, tenant: string) =>
  applyEdit(invocation, {
    edits: [{ path: ["tenants", tenant], value: undefined }],
    message: `${tenant}: retired`,
  });

/** Puts the entry in that it had. */
export const putBack = (invocation: EditInvocation, tenant: string, entry: unknown) =>
  applyEdit(invocation, { edits: [{ path: ["tenants", tenant], value: entry }], message: `${tenant}: back` });

async function keep({ invocation, tenant }: StepContext) {
  const entry = await entryIn(invocation, tenant);
  if (entry === undefined) throw new TakeBackError(`the stack's config has no entry of ${tenant} any more`);
  await keepEntry(invocation.stack, tenant, entry);
  return undefined;
}

/** What the last step found out. */
export const Left = z.object({
  applied: z.object({ changed: z.boolean(), commit: z.string().nullable() }),
});

async function leave({ invocation, tenant, say, signal }: StepContext): Promise<z.infer<typeof Left>> {
  say("its entry goes, by an `up`");
  const { changed, commit } = await takeOut({ ...invocation, signal }, tenant);
  return { applied: { changed, commit } };
}

/** Also where the entry is there: its container may be gone. */
async function comeBack({ invocation, tenant, say, signal }: StepContext): Promise<void> {
  const entry = (await entryIn(invocation, tenant)) ?? (await keptEntry(invocation.stack, tenant))?.entry;
  if (entry === undefined)
    throw new CommandError(
      `the entry that ${tenant} had is not known here: take it back on the machine where it was retired, or put its entry into the stack's config by hand (its history has it)`,
    );
  say("its entry comes back, by an `up`");
  await putBack({ ...invocation, signal }, tenant, entry);
}

/** A tenant goes out of service, and everything of it stays. */
export const retirement: Saga = {
  kind: "retire",
  abortable: 1,
  steps: [
    { name: "keep", run: keep, undo: ({ invocation, tenant }) => forgetEntry(invocation.stack, tenant) },
    { name: "leave", run: leave, undo: comeBack },
  ],
};
