import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { answers } from "../open-webui/answers.ts";

const lookMs = 100;

/** Measures how long a tenant does not answer, by asking it all the time. */
export class Absence {
  readonly #at: URL;
  readonly #ended = new AbortController();
  readonly #work: Promise<void>;
  #gone: number | undefined;
  #back: number | undefined;

  /** @param at its application, past nginx */
  constructor(at: URL) {
    this.#at = at;
    this.#work = this.#look();
  }

  /** From the first question without an answer to the first answer behind it; null where that was not seen. */
  async end(): Promise<number | null> {
    this.#ended.abort();
    await this.#work;
    if (this.#gone === undefined || this.#back === undefined) return null;
    return Math.round((this.#back - this.#gone) / 100) / 10;
  }

  async #look(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const asked = performance.now();
      if (!(await answersHealth(this.#at))) {
        this.#gone ??= asked;
        this.#back = undefined;
      } else if (this.#gone !== undefined) this.#back ??= performance.now();
      await sleep(lookMs);
    }
  }
}

/** Whether an application answers. */
export const answersHealth = (at: URL): Promise<boolean> =>
  answers(request(new URL("/health", at), { agent: false, timeout: 2_000 }));
