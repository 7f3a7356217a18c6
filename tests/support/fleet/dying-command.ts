import { expect } from "vitest";
import type { CommandOptions, Outcome } from "./command.ts";
import type { Fleet } from "./fleet.ts";
import { type Recorded, StepGate } from "./step-gate.ts";
import { until } from "./until.ts";

/** When a command dies. */
export interface Moment {
  step: string;
  /** While it is being undone. */
  undone?: true;
  /** As soon as this is seen while the step goes on; otherwise once the step has done its work and nobody knows. */
  seen?: (operation: Recorded) => boolean | Promise<boolean>;
}

/** An operator's command that works on a tenant, run with this signal. */
export type Command = (options: { killed: AbortSignal; mayFail: true }) => Promise<Outcome>;

/** Commands that work on one tenant and are ended by -9, with their whole process group, at chosen moments. */
export class DyingCommands {
  readonly #fleet: Fleet;
  readonly #tenant: string;
  readonly #environment: Record<string, string>;

  /** @param environment of those that take an operation on */
  constructor(fleet: Fleet, tenant: string, environment: Record<string, string> = {}) {
    this.#fleet = fleet;
    this.#tenant = tenant;
    this.#environment = environment;
  }

  /**
   * Begins an operation that dies at the first moment, is taken on, or back, dies at the next one, and so on.
   * @param dead looks around behind each death
   * @returns the operation, as the last death has left it
   */
  async dieAt(
    moments: readonly Moment[],
    begin: Command,
    dead: (moment: Moment, operation: Recorded) => Promise<void> = async () => {},
  ): Promise<Recorded> {
    let operation: Recorded | undefined;
    for (const moment of moments) {
      const { id } = operation ?? {};
      operation = await this.#dieOnce(
        moment,
        id === undefined ? begin : this.#again(moment.undone ? "abort" : "resume", id),
      );
      expect(stepOf(operation, moment)).toBe(moment.step);
      await dead(moment, operation);
    }
    if (!operation) throw new RangeError("no moment to die at");
    return operation;
  }

  /** Ends what was left: takes it on, or back. */
  async end(how: "resume" | "abort", { id }: Recorded): Promise<void> {
    await this.#again(how, id)({});
  }

  async #dieOnce(moment: Moment, command: Command): Promise<Recorded> {
    const { step, undone = false, seen } = moment;
    await using gate = await StepGate.of(this.#fleet.replica, this.#tenant);
    await gate.close(step, undone);
    const death = new AbortController();
    let ended: Outcome | undefined;
    const running = command({ killed: death.signal, mayFail: true }).then((outcome) => {
      ended = outcome;
    });
    const alive = () => {
      if (ended && !death.signal.aborted)
        throw new Error(`it ended before it could die: ${ended.stdout}${ended.stderr}`);
    };
    let operation: Recorded | undefined;
    await until(
      `${step} of ${this.#tenant} to be the moment`,
      async () => {
        if (ended) return true;
        operation = await gate.operation();
        if (!operation || stepOf(operation, moment) !== step) return false;
        return seen ? await seen(operation) : await gate.isReached();
      },
      600,
    );
    alive();
    death.abort();
    await running;
    await gate.refuse();
    await gate.forgetRunner();
    return (await gate.operation()) as Recorded;
  }

  #again(how: "resume" | "abort", id: string): (options: CommandOptions) => Promise<Outcome> {
    const environment = this.#environment;
    return (options) => this.#fleet.driver.operate("operations", [how, id], { ...options, environment });
  }
}

/** What is at hand: while an operation is undone that is the last step that is recorded as done. */
const stepOf = ({ steps, done, status }: Recorded, { undone }: Moment): string | undefined =>
  (undone === true) === (status === "undoing") ? steps[undone ? done - 1 : done] : undefined;
