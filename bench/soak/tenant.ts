import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { stopChild } from "../../tests/support/child-process.ts";
import { until } from "../../tests/support/fleet/until.ts";

const WRITER = new URL("./writer.ts", import.meta.url).pathname;

/** One tenant's database with somebody who writes to it. */
export class BusyTenant implements AsyncDisposable {
  readonly id: string;
  readonly path: string;
  commits = 0;
  refused = 0;
  /** Milliseconds of the slowest transaction. */
  longest = 0;
  /** Whether nobody is to write now. */
  quiet = false;
  readonly #pauseMs: number;
  #child: ChildProcess | undefined;
  #paused = false;

  constructor(id: string, path: string, pauseMs: number) {
    this.id = id;
    this.path = path;
    this.#pauseMs = pauseMs;
  }

  run(): void {
    const child = spawn(process.execPath, [WRITER, this.path, this.id, String(this.#pauseMs)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.#take(line));
  }

  /** Nothing is written any more when this resolves. */
  async pause(): Promise<void> {
    this.quiet = true;
    this.#paused = false;
    this.#child?.stdin?.write("pause\n");
    await until(`the writer of ${this.id} pauses`, () => this.#paused);
  }

  resume(): void {
    this.quiet = false;
    this.#child?.stdin?.write("resume\n");
  }

  /** The application is killed, and started again; not one that is quiet, since the new one would write. */
  async kill(): Promise<void> {
    if (this.quiet) return;
    await stopChild(this.#child, "SIGKILL");
    this.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopChild(this.#child, "SIGKILL");
  }

  #take(line: string): void {
    if (line === "paused") this.#paused = true;
    if (line.startsWith("refused")) this.refused++;
    const [, commits, longest] = /^commits (\d+) longest (\d+)$/.exec(line) ?? [];
    this.commits += Number(commits ?? 0);
    this.longest = Math.max(this.longest, Number(longest ?? 0));
  }
}
