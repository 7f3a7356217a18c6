import type { Invocation } from "../../toolchain/commands/invocation.ts";
import { RefusedError } from "../../toolchain/commands/node-api.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import type { Steps } from "../../toolchain/setup/steps.mjs";
import { BusyError } from "../exit-code.ts";
import type { Facts, Operation, Operations, Runner } from "./operation.ts";

/** What a step is given. */
export interface StepContext {
  tenant: string;
  /** How the command is asked that works on it: this one's, which need not be that which began it. */
  invocation: Invocation;
  /** Its number. */
  operation: string;
  /** What was asked for. */
  request: Readonly<Record<string, unknown>>;
  /** What the steps before it found out. */
  found: Readonly<Record<string, unknown>>;
  say: Progress;
  /** Ends the step: the operation is another's, or its runner is interrupted. */
  signal: AbortSignal;
}

/**
 * One step of a long operation. It may be done again after it was done, wholly or in part: whoever did it may have died
 * before that was recorded.
 */
export interface SagaStep {
  /** Lower-case letters and hyphens; kept in Postgres, so it says the same in later versions. */
  name: string;
  /** What it finds out is kept for the steps behind it; no secrets. */
  run(context: StepContext): Promise<Facts | undefined>;
  /** Takes back what it did, if it did anything. */
  undo?(context: StepContext): Promise<void>;
  /** It begins at an operator's word alone: until then the operation waits before it, and says so. */
  waits?(operation: Operation): string;
}

/** A long operation: its steps in their order. */
export interface Saga {
  /** Kept in Postgres. */
  kind: string;
  steps: readonly SagaStep[];
  /** Up to how many done steps it can be aborted. */
  abortable: number;
  /** The command that takes it back from where it is, where that asks what an abort does not; undefined: an abort may. */
  takenBackBy?(operation: Operation): string | undefined;
}

/** An operation ended otherwise than it was to. */
export class OperationError extends CommandError {
  override name = "OperationError";
  readonly operation: string;

  constructor(operation: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.operation = operation;
  }
}

/**
 * What was wanted cannot be: thrown by a step, it has everything taken back at once, as if somebody had aborted the operation.
 * Behind the last step that can be aborted it is a failure as any other.
 */
export class TakeBackError extends CommandError {
  override name = "TakeBackError";
}

/** How often a runner says that it still works, with a hold of a minute. */
const beatMs = 15_000;

/** What a saga is worked on with. */
export interface Workshop {
  /** Steps that bring the stack up do so as this says. */
  invocation: Invocation;
  operations: Operations;
  runner: Runner;
  /** Where steps are told. */
  screen: Steps;
  /** Interrupts what is being done; it can be taken on later. */
  interrupted: AbortSignal;
  beatMs?: number;
  /** Whether the word was given that a step waits for. */
  word?: boolean;
}

/**
 * Works on an operation that the runner has, from its last recorded step to its end: forward, or back where somebody wants
 * it aborted. Answers how it ended, or that it waits for an operator's word. A step that fails leaves it stopped, to be taken
 * on or aborted.
 */
export async function work(
  saga: Saga,
  begun: Operation,
  shop: Workshop,
): Promise<"done" | "aborted" | "waits"> {
  const names = saga.steps.map(({ name }) => name);
  if (names.join() !== begun.steps.join())
    throw new OperationError(
      begun.id,
      `\n  ✗ Operation ${begun.id} was begun by another version of this program, with other steps (${begun.steps.join(", ")}).\n    remedy: go on with that version.`,
    );
  const work = new Work(saga, begun, shop);
  try {
    return await work.toItsEnd();
  } finally {
    work.end();
  }
}

class Work {
  readonly #saga: Saga;
  readonly #shop: Workshop;
  readonly #operation: Operation;
  readonly #lost = new AbortController();
  readonly #beat: NodeJS.Timeout;
  #found: Record<string, unknown>;
  #done: number;
  /** Nodes take that wish only while it can be had; it holds although the step at hand has ended since. */
  #abort: boolean;
  #undoing = false;

  constructor(saga: Saga, operation: Operation, shop: Workshop) {
    this.#saga = saga;
    this.#shop = shop;
    this.#operation = operation;
    this.#found = operation.found;
    this.#done = operation.done;
    this.#abort = operation.abort_asked_by !== null;
    this.#beat = setInterval(() => {
      // What only holds it may fail: the next report says whether it is lost.
      this.#report({}).catch((error) => {
        if (!(error instanceof RefusedError)) return;
        this.end();
        this.#lost.abort(error);
      });
    }, shop.beatMs ?? beatMs);
  }

  end(): void {
    clearInterval(this.#beat);
  }

  async toItsEnd(): Promise<"done" | "aborted" | "waits"> {
    try {
      // Whoever was silent for a while learns here that somebody else has it.
      await this.#report({});
      while (this.#done < this.#saga.steps.length) {
        if (this.#abort) return await this.#undo();
        const waits = this.#shop.word ? undefined : this.#saga.steps[this.#done]?.waits?.(this.#operation);
        if (waits !== undefined) {
          await this.#report({ outcome: "stopped", error: waits });
          return "waits";
        }
        const taken = await this.#forward().catch(this.#takenBack);
        if (taken) return await this.#undo(taken);
      }
      // Whoever gave the word for the last step was later than whoever wanted it aborted.
      if (this.#abort && !this.#saga.steps.at(-1)?.waits) return await this.#undo();
      await this.#report({ outcome: "done" });
      return "done";
    } catch (error) {
      return await this.#stop(error);
    }
  }

  async #forward(): Promise<void> {
    const step = this.#saga.steps[this.#done];
    if (!step) return;
    const found = await this.#shop.screen.run(
      step.name,
      (say: Progress) => step.run(this.#context(say)),
      () => "done",
    );
    this.#found = { ...this.#found, ...found };
    await this.#report({ done: this.#done + 1, ...(found ? { found } : {}) });
    this.#done += 1;
  }

  /** The failure of a step, if it is one that has everything taken back. */
  readonly #takenBack = (error: unknown): TakeBackError => {
    if (error instanceof TakeBackError && this.#done <= this.#saga.abortable) return error;
    throw error;
  };

  /** Back to the beginning; the step that was not recorded may have done something, too. */
  async #undo(why?: TakeBackError): Promise<"aborted"> {
    this.#undoing = true;
    if (this.#operation.status !== "undoing") {
      const { operations, runner } = this.#shop;
      await operations.take(this.#operation.id, runner, true);
    }
    for (let at = Math.min(this.#done, this.#saga.steps.length - 1); at >= 0; at--) {
      const step = this.#saga.steps[at];
      if (step?.undo)
        await this.#shop.screen.run(
          step.name,
          (say: Progress) => step.undo?.(this.#context(say)),
          () => "undone",
        );
      await this.#report({ done: at });
      this.#done = at;
    }
    const error = why?.message.trim();
    await this.#report({ outcome: "aborted", ...(error === undefined ? {} : { error }) });
    if (why) throw new OperationError(this.#operation.id, takenBackText(this.#saga, this.#operation, why));
    return "aborted";
  }

  #context(say: Progress): StepContext {
    const { id, client, request } = this.#operation;
    const signal = AbortSignal.any([this.#lost.signal, this.#shop.interrupted]);
    signal.throwIfAborted();
    const { invocation } = this.#shop;
    return { tenant: client, operation: id, invocation, request, found: this.#found, say, signal };
  }

  async #report(report: Parameters<Operations["report"]>[2]): Promise<void> {
    const { operations, runner } = this.#shop;
    const wish = await operations.report(this.#operation.id, runner, report);
    if (wish !== null) this.#abort = true;
  }

  /** The end of a sentence: how it is taken back from where it is. */
  #way(): string {
    const own = this.#saga.takenBackBy?.({ ...this.#operation, done: this.#done });
    return own === undefined ? `: npx fleet operations abort ${this.#operation.id}` : `. ${own}`;
  }

  /** What failed is recorded, unless it is another's operation by now. */
  async #stop(error: unknown): Promise<never> {
    const { id, client } = this.#operation;
    // It has ended, and is recorded so.
    if (error instanceof OperationError) throw error;
    const cause = this.#lost.signal.aborted ? this.#lost.signal.reason : error;
    if (cause instanceof RefusedError && cause.kind === "not-to-be-had")
      throw new OperationError(id, `\n  ✗ ${cause.message}`, { cause });
    const why = this.#shop.interrupted.aborted ? "it was interrupted" : (error as Error).message.trim();
    await this.#report({ outcome: "stopped", error: why }).catch(() => {});
    const step = this.#saga.steps[this.#done]?.name ?? "its end";
    throw new OperationError(
      id,
      [
        `\n  ✗ ${this.#saga.kind} of ${client} stopped at ${step}: ${why}`,
        `    It is operation ${id}, and nothing else works on ${client} until it has ended.`,
        // What is being undone can only be undone to its end.
        `    remedy: once the cause is gone, npx fleet operations ${this.#undoing ? "abort" : "resume"} ${id}`,
        ...(!this.#undoing && this.#done <= this.#saga.abortable
          ? [`            or take back what it did${this.#way()}`]
          : []),
      ].join("\n"),
      { cause: error },
    );
  }
}

const takenBackText = ({ kind }: Saga, { id, client }: Operation, why: TakeBackError): string =>
  `\n  ✗ ${kind} of ${client} was taken back: ${why.message.trim()}\n    Everything is as it was before (operation ${id}).`;

/** Begins an operation of a kind; who holds the tenant is told with an exit code of its own. */
export async function begin(
  saga: Saga,
  tenant: string,
  request: Facts,
  { operations, runner }: Workshop,
): Promise<Operation> {
  const steps = saga.steps.map(({ name }) => name);
  try {
    return await operations.begin(tenant, {
      ...{ kind: saga.kind, request, steps, abortable: saga.abortable, runner },
    });
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const said = `\n  ✗ ${error.message}\n    remedy: look at it, and wait: npx fleet operations list ${tenant}`;
    throw error.kind === "tenant-busy" ? new BusyError(said) : new CommandError(said);
  }
}
