import { SetupError } from "../../toolchain/setup/problem.mjs";
import type { Operation } from "./operation.ts";
import { type Saga, type Workshop, work } from "./saga.ts";

/** A saga whose last step waits for an operator's word, and how it is spoken of. */
export interface Awaiting {
  saga: Saga;
  /** `move` */
  noun: string;
  /** The command that takes it back. */
  rollback: (tenant: string) => string;
  /** What else can be done once none is open, as a sentence. */
  instead?: (tenant: string) => string;
}

/**
 * The operation of a tenant that is open.
 * @throws SetupError where there is none
 */
export async function openOf(
  { saga, noun, instead }: Awaiting,
  { operations }: Pick<Workshop, "operations">,
  tenant: string,
): Promise<Operation> {
  const open = await operations.list({ client: tenant, open: true });
  const found = open.find(({ kind }) => kind === saga.kind);
  if (found) return found;
  throw new SetupError([
    {
      what: `No ${noun} of ${tenant} is open.`,
      why: "One that was confirmed or taken back has ended, and can be neither any more.",
      remedy: `See what there was: npx fleet operations list ${tenant}${instead ? `. ${instead(tenant)}` : ""}`,
    },
  ]);
}

/**
 * The same, once it waits for the word.
 * @throws SetupError where it has not come so far
 */
export async function waitingOf(
  awaiting: Awaiting,
  shop: Pick<Workshop, "operations">,
  tenant: string,
): Promise<Operation> {
  const open = await openOf(awaiting, shop, tenant);
  if (open.done >= awaiting.saga.steps.length - 1) return open;
  throw new SetupError([
    {
      what: `The ${awaiting.noun} of ${tenant} has not come so far: it stands at ${open.steps[open.done]}.`,
      why: open.error ?? "Confirmed is what serves.",
      remedy: `npx fleet operations resume ${open.id}, or ${awaiting.rollback(tenant)}`,
    },
  ]);
}

/** Gives the word: the operation ends, and nothing takes it back any more. */
export async function giveWord({ saga }: Awaiting, shop: Workshop, { id }: Operation): Promise<void> {
  const taken = await shop.operations.take(id, shop.runner, false);
  await work(saga, taken, { ...shop, word: true });
}

/** Takes back what its steps did. */
export async function takeBack({ saga }: Awaiting, shop: Workshop, { id }: Operation): Promise<void> {
  const taken = await shop.operations.take(id, shop.runner, true);
  await work(saga, taken, shop);
}
