import type { Clock } from "./service.ts";

/** How old an answer may be that is given again. */
export const OLDEST_MS = 1_000;
/** From which age on a new one is read meanwhile, so that nobody has to wait for it. */
const RENEW_MS = 500;
/** Questions whose answers are kept at a time; the one that was read first is given up for another. */
const MOST = 16;

/** What was read, and whether it is worth keeping: what costs next to nothing is read each time. */
export interface Reading<T> {
  answer: T;
  keep: boolean;
}

interface Recent<T> {
  answer: T;
  /** When it was asked for, on the clock that does not step. */
  at: number;
}

/**
 * Answers that are dear to read, for those who ask again within a second: the status of a thousand tenants is 450 kB, of
 * which some dozen change in that time. While somebody goes on asking, the next answer is read before this one is too old.
 *
 * Whatever is known to have changed is forgotten with everything else; what was read meanwhile is given to whoever asked
 * and not kept.
 */
export class RecentAnswers<T> {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #recent = new Map<string, Recent<T>>();
  /** Questions that are being asked anew for nobody in particular. */
  readonly #renewing = new Set<string>();
  /** Grows with each forgetting. */
  #generation = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** The answer to a question, at most {@link OLDEST_MS} old. */
  async answer(question: string, read: () => Promise<Reading<T>>): Promise<T> {
    const recent = this.#recent.get(question);
    const age = recent ? this.#clock.monotonic() - recent.at : Number.POSITIVE_INFINITY;
    if (!recent || age > OLDEST_MS) return this.#read(question, read);
    if (age > RENEW_MS) this.#renew(question, read);
    return recent.answer;
  }

  /** Forgets every answer. */
  forget(): void {
    this.#generation += 1;
    this.#recent.clear();
  }

  #renew(question: string, read: () => Promise<Reading<T>>): void {
    if (this.#renewing.has(question)) return;
    this.#renewing.add(question);
    // One that fails fails again for whoever asks once this answer is too old.
    void this.#read(question, read)
      .catch(() => {})
      .finally(() => this.#renewing.delete(question));
  }

  async #read(question: string, read: () => Promise<Reading<T>>): Promise<T> {
    const generation = this.#generation;
    const at = this.#clock.monotonic();
    const { answer, keep } = await read();
    const newer = (this.#recent.get(question)?.at ?? Number.NEGATIVE_INFINITY) > at;
    if (generation !== this.#generation || newer) return answer;
    this.#recent.delete(question);
    for (const [other, recent] of this.#recent) if (at - recent.at > OLDEST_MS) this.#recent.delete(other);
    if (keep) this.#recent.set(question, { answer, at });
    if (this.#recent.size > MOST) this.#recent.delete(this.#recent.keys().next().value as string);
    return answer;
  }
}
