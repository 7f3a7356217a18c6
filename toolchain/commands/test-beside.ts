import { stripVTControlCharacters } from "node:util";
import { duration } from "../setup/steps.mjs";
import type { ProjectRun } from "./test-project.ts";
import type { Score } from "./test-score.ts";

/** How often it is told of while nothing else has the screen. */
const TELL_EVERY_MS = 60_000;

/**
 * A project that runs while others have the screen: a line now and then says how far it is, and all that it said is
 * shown once, whole.
 */
export class BesideRun {
  readonly #run: Pick<ProjectRun, "project" | "score" | "said">;
  readonly #out: { write(text: string): unknown };
  readonly #now: () => number;
  readonly #started: number;
  #ended = false;
  #shown = false;

  constructor(
    run: Pick<ProjectRun, "project" | "score" | "said">,
    out: { write(text: string): unknown },
    now: () => number = Date.now,
  ) {
    this.#run = run;
    this.#out = out;
    this.#now = now;
    this.#started = now();
    const ended = () => {
      this.#ended = true;
    };
    run.score.then(ended, ended);
  }

  /** Says how long it has run, and its latest line. */
  async tell(): Promise<void> {
    if (this.#shown) return;
    const last = lastLineOf(await this.#run.said());
    const time = duration(this.#now() - this.#started);
    this.#out.write(`… ${this.#run.project} runs beside this (${time} so far)${last && `: ${last}`}\n\n`);
  }

  /** Shows what it said, if it has ended and that was not shown yet. */
  async showIfEnded(): Promise<void> {
    if (this.#ended && !this.#shown) await this.#show();
  }

  /** Waits for its end, telling of it meanwhile, and shows what it said. */
  async end(): Promise<Score> {
    const telling = setInterval(() => void this.tell(), TELL_EVERY_MS);
    try {
      if (!this.#ended) await this.tell();
      return await this.#run.score;
    } finally {
      clearInterval(telling);
      if (!this.#shown) await this.#show();
    }
  }

  async #show(): Promise<void> {
    this.#shown = true;
    this.#out.write(`${headed(this.#run.project)}${await this.#run.said()}`);
  }
}

/** A line that begins a part of the output. */
export const headed = (text: string): string =>
  `\n── ${text} ${"─".repeat(Math.max(0, 70 - text.length))}\n\n`;

/** The last line with anything on it, without its colours; empty where there is none. */
export const lastLineOf = (text: string): string =>
  stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trim())
    .findLast(Boolean) ?? "";
