import { readdirSync, readFileSync } from "node:fs";

/** The arguments of every process of this machine, looked at all the time until it is disposed of. */
export class ArgumentWatch implements Disposable {
  /** Everything that was seen, one after the other. */
  seen = "";
  readonly #looking = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
      try {
        this.seen += readFileSync(`/proc/${pid}/cmdline`, "latin1");
      } catch {} // it has ended
  }, 5);

  [Symbol.dispose](): void {
    clearInterval(this.#looking);
  }
}
