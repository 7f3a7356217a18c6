import { readFile } from "node:fs/promises";
import { lastUp } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { type Applied, appliedText, type EditInvocation, fileOf } from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { confirmed } from "../confirm.ts";
import {
  entryIn,
  forgetEntry,
  keepEntry,
  keptEntry,
  Left,
  putBack,
  retirement,
  takeOut,
} from "../erasure/retirement.ts";
import type { Operation } from "../saga/operation.ts";
import { begin, type Workshop, work } from "../saga/saga.ts";
import { busyWith, takeOn, workThrough } from "../saga/take-on.ts";
import { workshopOf } from "../saga/workshop.ts";
import { unknownTenant } from "../tenant-place.ts";

/** How `fleet retire` is asked. */
export interface RetireInvocation extends EditInvocation {
  /** Takes it back. */
  undo?: boolean;
}

/** `fleet retire acme`: nobody reaches it any more and nothing of it is lost; its entry goes out of the config. */
export async function retire(invocation: RetireInvocation, tenant: string): Promise<void> {
  const { stack, branch, undo = false } = invocation;
  const last = await lastUp(stack);
  const shop = last && workshopOf(invocation, last);
  const [open] = shop ? await shop.operations.list({ client: tenant, open: true }) : [];
  // What works on a tenant counts on it being there.
  if (open && (open.kind !== retirement.kind || branch !== undefined)) throw busyWith(open);
  if (undo) return shop && open ? takeBack(invocation, shop, open) : bringBack(invocation, tenant);
  if (shop && open) return goOut(invocation, shop, await takeOn(shop, open));
  const entry = await entryIn(invocation, tenant);
  if (entry === undefined) return alreadyRetired(invocation, tenant);
  if (branch === undefined)
    await confirmed(
      `${tenant} stops, and its address leads nowhere. Its data, keys and replica stay; \`npx fleet retire ${tenant} --undo\` brings it back.`,
      invocation,
    );
  // Nobody works on what was never brought up, and a branch touches nothing.
  if (!shop || branch !== undefined || !last.fleet.tenants.some(({ id }) => id === tenant)) {
    await keepEntry(stack, tenant, entry);
    return tell(invocation, await takeOut(invocation, tenant), retiredText(tenant));
  }
  await goOut(invocation, shop, await begin(retirement, tenant, {}, shop));
}

async function goOut(invocation: RetireInvocation, shop: Workshop, operation: Operation): Promise<void> {
  await workThrough(retirement, operation, shop);
  const { changed, commit } = Left.parse((await shop.operations.get(operation.id)).found).applied;
  const file = await fileOf(invocation);
  tell(invocation, { file, changed, commit, branch: null }, retiredText(operation.client));
}

const retiredText = (tenant: string): string =>
  `${tenant} is retired: everything of it is kept. npx fleet retire ${tenant} --undo brings it back, npx fleet erase ${tenant} ends it for good.`;

/** Says so where that was done before; a tenant that never was is refused. */
async function alreadyRetired(invocation: RetireInvocation, tenant: string): Promise<void> {
  const file = await fileOf(invocation);
  if (!(await keptEntry(invocation.stack, tenant))) {
    const entries = (valueAt(await readFile(file, "utf8"), ["tenants"]) ?? {}) as object;
    throw new SetupError([unknownTenant(invocation.stack, tenant, Object.keys(entries))]);
  }
  tell(invocation, { file, changed: false, commit: null, branch: null }, retiredText(tenant));
}

async function bringBack(invocation: RetireInvocation, tenant: string): Promise<void> {
  const { stack } = invocation;
  const kept = await keptEntry(stack, tenant);
  if (!kept)
    throw new SetupError([
      {
        what: `The entry that ${tenant} had is not known here.`,
        why: "`fleet retire` keeps it in the data home of the machine that it is run on.",
        remedy: "Put its entry back into the stack's config (its history has it) and run `npm run up`.",
      },
    ]);
  const applied = await putBack(invocation, tenant, kept.entry);
  if (invocation.branch === undefined) await forgetEntry(stack, tenant);
  tell(invocation, applied, `${tenant} is back, with its data, users and address.`);
}

/** Brings back what was not retired to its end. */
async function takeBack(invocation: RetireInvocation, shop: Workshop, open: Operation): Promise<void> {
  await work(retirement, await takeOn(shop, open, true), shop);
  tell(
    invocation,
    { file: await fileOf(invocation), changed: true, commit: null, branch: null },
    `${open.client} is back, with its data, users and address.`,
  );
}

function tell({ json, branch }: RetireInvocation, applied: Applied, done: string): void {
  if (json) process.stdout.write(`${JSON.stringify(applied, undefined, 2)}\n`);
  else process.stdout.write(`${appliedText(applied)}${branch === undefined ? `\n${done}` : ""}\n`);
}
