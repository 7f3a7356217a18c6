import * as z from "zod";
import type { HostSpec } from "../../components/fleet-config.ts";
import type { Script } from "../../components/host/shell.ts";
import { run } from "../../toolchain/setup/child.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, notMet, scriptOn } from "./asked-host.ts";
import { type Piped, piped } from "./pipe.ts";

/** What a host has of a tenant that may come or go, and what it has room for; sizes in bytes. */
const Look = z.object({
  /** A database lies where the tenant's data is. */
  data: z.boolean(),
  bytes: z.number(),
  free: z.number(),
  image: z.boolean(),
  agent: z.boolean(),
  /** Something of it was set aside by an earlier operation. */
  aside: z.boolean(),
});
export type Look = z.infer<typeof Look>;

/** How far a tenant's coming is on its target. */
const Standing = z.object({
  /** `up` waits for the data. */
  waiting: z.boolean(),
  arrived: z.boolean(),
  exists: z.boolean(),
  running: z.boolean(),
  restarts: z.number(),
  code: z.number(),
  health: z.string(),
});
export type Standing = z.infer<typeof Standing>;

/** What one pass brought (sync-runtime/move/receive.ts). */
export const Received = z.object({
  files: z.number(),
  bytes: z.number(),
  sent: z.number(),
  /** Over all files, as the target read them back; the same as the source's, or there is no answer. */
  sha256: z.string(),
  moving: z.number(),
  special: z.number(),
});
export type Received = z.infer<typeof Received>;

type Action =
  | (
      | "look"
      | "have"
      | "send"
      | "receive"
      | "pack"
      | "unpack"
      | "fetch"
      | "expect"
      | "beat"
      | "state"
      | "arrive"
    )
  | ("open" | "abandon" | "forget" | "depart" | "remain" | "base" | "forward" | "unforward" | "drop");

/** A host could not do its part of a move; the message says why. */
export class MovePartError extends CommandError {
  override name = "MovePartError";
}

/** One of the two hosts of a tenant's move (components/host/tenant-move.sh). */
export class MoveSide {
  readonly host: AskedHost;
  readonly #always: Script["variables"];

  constructor(host: AskedHost, stack: string, tenant: string, operation: string) {
    this.host = host;
    this.#always = { ROOT: host.spec.root, STACK: stack, TENANT: tenant, OPERATION: operation };
  }

  get spec(): HostSpec {
    return this.host.spec;
  }

  /** argv of an action, for a row of programs. */
  argv(action: Action, more: Script["variables"] = {}): string[] {
    const variables = { ...this.#always, ...more, ACTION: action };
    const argv = scriptOn(this.host, { script: "tenant-move", variables });
    if (!argv) throw new MovePartError(`Host ${this.spec.id}: ${notMet}`);
    return argv;
  }

  async look(image: string): Promise<Look> {
    return this.#read(Look, await this.act("look", { IMAGE: image }));
  }

  async state(): Promise<Standing> {
    return this.#read(Standing, await this.act("state"));
  }

  /** Does one action, and answers what it printed. */
  async act(action: Action, more: Script["variables"] = {}, input?: string): Promise<string> {
    const { code, stdout, stderr } = await run(this.argv(action, more), input === undefined ? {} : { input });
    if (code === 0) return stdout;
    throw new MovePartError(`Host ${this.spec.id}: ${stderr.trim() || `the script ended with ${code}`}`);
  }

  #read<T>(schema: z.ZodType<T>, text: string): T {
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      throw new MovePartError(`What host ${this.spec.id} said makes no sense. Nothing was changed by that.`, {
        cause,
      });
    }
  }
}

/**
 * Makes the target's copy what the source is, which may be written to meanwhile: what it has, what that lacks, and putting it
 * there stand in a row. The source is only read.
 */
export async function transfer(
  from: MoveSide,
  to: MoveSide,
  watch: { signal: AbortSignal; passed: (bytes: number) => void },
): Promise<Received> {
  const row = [to.argv("have"), from.argv("send"), to.argv("receive", { STILL: "" })];
  return receivedOf(from, to, await piped(row, watch));
}

/** The last transfer of a move, whose programs run on both hosts and wait for a word. */
export interface ReadyTransfer {
  /** False: something ended them. */
  readonly stands: boolean;
  /** Gives the word: nobody writes to the source any more. */
  go(): Promise<Received>;
  /** Ends them, unless they have the word. */
  dismiss(): void;
}

/** Readies {@link transfer} of a source that stands still: what it takes to begin is over before anybody waits for it. */
export async function readied(from: MoveSide, to: MoveSide, signal: AbortSignal): Promise<ReadyTransfer> {
  const had = await piped([to.argv("have")], { signal });
  if (had.failure !== undefined) throw notBrought(from, to, had.failure);
  const word = Promise.withResolvers<string>();
  const row = [from.argv("send"), to.argv("receive", { STILL: 1 })];
  let stands = true;
  const ended = piped(row, { signal, input: word.promise }).finally(() => {
    stands = false;
  });
  return {
    get stands() {
      return stands;
    },
    go: async () => {
      word.resolve(had.stdout);
      return receivedOf(from, to, await ended);
    },
    dismiss: () => word.reject(new Error("it is not wanted any more")),
  };
}

function receivedOf(from: MoveSide, to: MoveSide, { stdout, failure }: Piped): Received {
  if (failure !== undefined) throw notBrought(from, to, failure);
  try {
    return Received.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new MovePartError(`What host ${to.spec.id} received is not known.`, { cause });
  }
}

const notBrought = (from: MoveSide, to: MoveSide, failure: string): MovePartError =>
  new MovePartError(`The data did not come from ${from.spec.id} to ${to.spec.id}: ${failure}`);

/** Brings keys, password and mark over; they are in no command line and on no disk but the two hosts'. */
export async function carryConfig(from: MoveSide, to: MoveSide): Promise<void> {
  const { failure } = await piped([from.argv("pack"), to.argv("unpack")]);
  if (failure !== undefined)
    throw new MovePartError(`The keys did not come from ${from.spec.id} to ${to.spec.id}: ${failure}`);
}
