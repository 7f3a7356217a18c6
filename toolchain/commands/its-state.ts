import { isDeepStrictEqual } from "node:util";
import { stateEntry } from "../../components/fleet-config/state-entry.ts";
import { isFake } from "../fakes/cloud-of-stack.ts";
import { type Backend, backendOf, backendText, rememberBackend } from "../setup/backend.ts";
import { plainKeys, readSource, type StackFile } from "../setup/effective-config.ts";
import { SetupError } from "../setup/problem.mjs";
import { readCheckpoint, resourceCount } from "../setup/stack-state.ts";
import { configOf, type Invocation } from "./invocation.ts";

/**
 * Before any command: its stack's state is where the config says. A config that names another place than the one that
 * holds a state is refused, since that place would say that nothing is there, and all of it would be made once more.
 */
export async function settleState(invocation: Invocation): Promise<void> {
  const { stack } = invocation;
  const declared = await declaredBackend(invocation);
  const kept = backendOf(stack);
  if (declared === undefined || isDeepStrictEqual(declared, kept)) return;
  if (resourceCount(await readCheckpoint(stack, kept)) > 0) throw elsewhere(stack, kept, declared);
  await rememberBackend(stack, declared);
}

/** Where a config says that the state is; undefined where what it says is not to be understood. */
export async function declaredBackend(invocation: Invocation): Promise<Backend | undefined> {
  const { stack, fake } = invocation;
  // What is fake leaves this machine in no way; one that was only ever previewed there is not fake yet.
  if (fake || ((await isFake(stack)) && resourceCount(await readCheckpoint(stack, { kind: "file" })) > 0))
    return { kind: "file" };
  const source = await readSource(configOf(invocation)).catch(() => undefined);
  return source && declaredIn(source);
}

/** The same of a config that was read. */
export const declaredIn = ({ config }: StackFile): Backend | undefined =>
  stateEntry.safeParse(plainKeys(config).state ?? {}).data;

const elsewhere = (stack: string, kept: Backend, declared: Backend) =>
  new SetupError([
    {
      what: `The state of stack ${stack} is kept in ${backendText(kept)}, and its config says ${backendText(declared)}.`,
      why: "There, nothing is known of the fleet: all of it would be made a second time.",
      remedy: `Let it be moved: npm run setup -- --stack ${stack}. Or take the entry \`state\` back.`,
    },
  ]);
