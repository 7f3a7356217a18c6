import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestDatabase } from "./postgres.ts";

const PROGRAM = new URL("checker/main.py", import.meta.url).pathname;
/** Debian's own, with Debian's python3-psycopg2: another Python may come first on PATH. */
const PYTHON = "/usr/bin/python3";

/** What the checker found out about a file and a replica. */
export interface Comparison {
  equal: boolean;
  tables: number;
  rows: number;
  /** As sentences, the first of many. */
  differences: string[];
}

/**
 * The judge of every test that claims a replica is equal: one Python process, for as many comparisons as are wanted,
 * one at a time. See checker/main.py for what it relies on.
 */
export class Checker implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (!child.stdout) throw new Error("unreachable: stdout is a pipe");
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static start(): Checker {
    const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
    return new Checker(
      spawn(PYTHON, [PROGRAM, "--serve"], { stdio: ["pipe", "pipe", "inherit"], env: environment }),
    );
  }

  /** Compares a file that nobody writes to just now with a tenant's replica. */
  compare(file: string, database: Pick<TestDatabase, "credentials">, tenant: string): Promise<Comparison> {
    const { database: dbname, ...rest } = database.credentials("postgres");
    const request = { file, schema: `tenant_${tenant}`, connection: { ...rest, dbname } };
    const answer = this.#turn.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
      const { value } = await this.#lines.next();
      if (value === undefined) throw new Error("The checker has ended; see what it wrote to stderr.");
      const result = JSON.parse(value);
      if (result.error) throw new Error(`The checker could not compare ${file}: ${result.error}`);
      return result as Comparison;
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** Throws what differs, if anything does. */
  async requireEqual(
    file: string,
    database: Pick<TestDatabase, "credentials">,
    tenant: string,
  ): Promise<Comparison> {
    const found = await this.compare(file, database, tenant);
    if (!found.equal)
      throw new Error(
        `The replica of ${tenant} is not equal to its source:\n${found.differences.join("\n")}`,
      );
    return found;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}
