import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { lastUp } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import {
  type Applied,
  appliedText,
  applyEdit,
  type EditInvocation,
  fileOf,
} from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { confirmed } from "../confirm.ts";
import { retiredFile } from "../erasure/erasure.ts";
import { BusyError } from "../exit-code.ts";
import { operationsOf } from "../saga/operation.ts";
import { unknownTenant } from "../tenant-place.ts";

/** How `fleet retire` is asked. */
export interface RetireInvocation extends EditInvocation {
  /** Takes it back. */
  undo?: boolean;
}

/** `fleet retire acme`: nobody reaches it any more and nothing of it is lost; its entry goes out of the config. */
export async function retire(invocation: RetireInvocation, tenant: string): Promise<void> {
  if (invocation.undo) return bringBack(invocation, tenant);
  const { stack } = invocation;
  const entries = valueAt(await readFile(await fileOf(invocation), "utf8"), ["tenants"]) as
    | object
    | undefined;
  const entry = valueAt(await readFile(await fileOf(invocation), "utf8"), ["tenants", tenant]);
  if (entry === undefined) throw new SetupError([unknownTenant(stack, tenant, Object.keys(entries ?? {}))]);
  await refuseBusy(stack, tenant);
  if (invocation.branch === undefined)
    await confirmed(
      `${tenant} stops, and its address leads nowhere. Its data, keys and replica stay; \`npx fleet retire ${tenant} --undo\` brings it back.`,
      invocation,
    );
  const kept = retiredFile(stack, tenant);
  await mkdir(dirname(kept), { recursive: true, mode: 0o700 });
  await writeFile(
    kept,
    `${JSON.stringify({ tenant, at: new Date().toISOString(), entry }, undefined, 2)}\n`,
    {
      mode: 0o600,
    },
  );
  const edits = [{ path: ["tenants", tenant], value: undefined }];
  tell(
    invocation,
    await applyEdit(invocation, { edits, message: `${tenant}: retired` }),
    `${tenant} is retired: everything of it is kept. npx fleet retire ${tenant} --undo brings it back, npx fleet erase ${tenant} ends it for good.`,
  );
}

async function bringBack(invocation: RetireInvocation, tenant: string): Promise<void> {
  const { stack } = invocation;
  const kept = await readFile(retiredFile(stack, tenant), "utf8").catch(() => undefined);
  if (kept === undefined)
    throw new SetupError([
      {
        what: `The entry that ${tenant} had is not known here.`,
        why: "`fleet retire` keeps it in the data home of the machine that it is run on.",
        remedy: "Put its entry back into the stack's config (its history has it) and run `npm run up`.",
      },
    ]);
  await refuseBusy(stack, tenant);
  const { entry } = JSON.parse(kept);
  const applied = await applyEdit(invocation, {
    edits: [{ path: ["tenants", tenant], value: entry }],
    message: `${tenant}: back`,
  });
  if (invocation.branch === undefined) await rm(retiredFile(stack, tenant), { force: true });
  tell(invocation, applied, `${tenant} is back, with its data, users and address.`);
}

/** What works on a tenant counts on it being there. */
export async function refuseBusy(stack: string, tenant: string): Promise<void> {
  const last = await lastUp(stack);
  const [open] = last ? await operationsOf(last.outputs).list({ client: tenant, open: true }) : [];
  if (open)
    throw new BusyError(
      `\n  ✗ ${open.kind} ${open.id} of ${tenant}, begun by ${open.by}, has not ended.\n    remedy: look at it: npx fleet operations show ${open.id}`,
    );
}

function tell({ json, branch }: RetireInvocation, applied: Applied, done: string): void {
  if (json) process.stdout.write(`${JSON.stringify(applied, undefined, 2)}\n`);
  else process.stdout.write(`${appliedText(applied)}${branch === undefined ? `\n${done}` : ""}\n`);
}
