/**
 * Prints the steps of a command: what each does while it takes long, how it ended and how long it took. Lines are
 * only ever appended, so that a log reads like the screen and two steps may run at once.
 */
export class Steps {
  /**
   * @param {{ write(text: string): unknown }} out
   * @param {{ now(): number, every(ms: number, tick: () => void): () => void }} clock
   */
  constructor(out, clock = realClock) {
    this.out = out;
    this.clock = clock;
  }

  /**
   * Runs one step and answers what its work answers. `progress` says what is going on while it takes long, `say`
   * how it ended; work that answers a text needs no `say`.
   *
   * @template T
   * @param {string} name
   * @param {(progress: (text: string) => void) => T} work
   * @param {(result: Awaited<T>) => string} [say]
   * @returns {Promise<Awaited<T>>}
   */
  async run(name, work, say = String) {
    const started = this.clock.now();
    const elapsed = () => duration(this.clock.now() - started);
    let doing = "";
    const quiet = this.clock.every(20_000, () => {
      if (doing) this.#line("…", name, `${doing} (${elapsed()} so far)`);
    });
    try {
      const result = await work((text) => {
        if (text !== doing) this.#line("…", name, text);
        doing = text;
      });
      this.#line("✓", name, say(result), elapsed());
      return result;
    } catch (error) {
      this.#line("✗", name, "failed", elapsed());
      throw error;
    } finally {
      quiet();
    }
  }

  /**
   * @param {string} mark
   * @param {string} name
   * @param {string} text
   * @param {string} [time]
   */
  #line(mark, name, text, time) {
    const left = `  ${mark} ${name.padEnd(13)} ${text}`;
    this.out.write(`${time ? `${left.padEnd(88)} ${time.padStart(8)}` : left}\n`);
  }
}

const realClock = {
  now: () => Date.now(),
  /**
   * @param {number} ms
   * @param {() => void} tick
   */
  every: (ms, tick) => {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  },
};

/** `0.4 s`, `12.3 s`, `4 min 7 s`. */
export const duration = (/** @type {number} */ ms) =>
  ms < 59_950
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(Math.round(ms / 1000) / 60)} min ${Math.round(ms / 1000) % 60} s`;
