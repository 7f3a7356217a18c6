import { randomBytes } from "node:crypto";
import pg from "pg";
import { oneQuestion } from "../one-question.ts";
import { run } from "./command.ts";
import type { Engine } from "./engine.ts";
import { seatStack } from "./seat.ts";
import { PORTS } from "./stack-file.ts";
import { until } from "./until.ts";

const PORT = PORTS.promoted;

/** A Postgres of nobody's fleet, at an address that this machine and its tenants reach: the engine's own bridge. */
export class Promoted implements AsyncDisposable {
  readonly password = randomBytes(12).toString("hex");
  readonly #engine: Engine;
  readonly #name = `owui-${seatStack}-promoted-database`;
  #address = "";

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Without its password. */
  get url(): string {
    return `postgres://owui@${this.#address}:${PORT}/promoted`;
  }

  /** Starts the server, with one empty database. Labelled as the stack's: what a killed run left goes with it. */
  async startDatabase(): Promise<void> {
    const [bridge] = JSON.parse(await this.#engine.inspect("network", ["bridge"]));
    const [{ Gateway, Subnet }] = bridge.IPAM.Config;
    // Not every engine names it; it is the subnet's first.
    this.#address = Gateway ?? Subnet.replace(/\d+\/\d+$/, "1");
    await this[Symbol.asyncDispose]();
    await this.#engine.docker([
      ...["run", "--detach", "--name", this.#name, "--label", this.#engine.label, "--network", "host"],
      ...["--env", `POSTGRES_PASSWORD=${this.password}`, "--env", "POSTGRES_USER=owui"],
      ...["--env", "POSTGRES_DB=promoted", "postgres:15-bookworm"],
      ...["-c", `listen_addresses=${this.#address}`, "-c", `port=${PORT}`, "-c", "fsync=off"],
    ]);
    await this.#answers();
  }

  /** Ends it at once, as a server that loses its power; what it was told stays. */
  async kill(): Promise<void> {
    await this.#engine.docker(["kill", this.#name]);
  }

  async startAgain(): Promise<void> {
    await this.#engine.docker(["start", this.#name]);
    await this.#answers();
  }

  async #answers(): Promise<void> {
    await until("the target's Postgres to answer", () => this.query("SELECT 1").catch(() => false));
  }

  /** Keeps tenants from it while `work` goes on; this machine still reaches it. */
  unreachable<T>(work: () => Promise<T>): Promise<T> {
    return this.#ruled([["-i", "owt+", "--dport"]], "REJECT", work);
  }

  /** Nothing goes to it or comes from it while `work` goes on, and nobody is told. */
  silent<T>(work: () => Promise<T>): Promise<T> {
    return this.#ruled([["--dport"], ["--sport"]], "DROP", work);
  }

  async #ruled<T>(matches: string[][], verdict: string, work: () => Promise<T>): Promise<T> {
    const iptables = (what: "-I" | "-D") =>
      Promise.all(
        matches.map((match) =>
          run(["iptables", "-w", "10", what, "INPUT", "-p", "tcp", ...match, String(PORT), "-j", verdict]),
        ),
      );
    await iptables("-I");
    try {
      return await work();
    } finally {
      await iptables("-D");
    }
  }

  /** Has whoever fills a table wait until this is disposed of. */
  async lock(table: string): Promise<AsyncDisposable> {
    const client = new pg.Client({ ...this.#server, user: "owui", password: this.password });
    client.on("error", () => {}); // it ends with its server
    await client.connect();
    await client.query(`BEGIN; LOCK TABLE ${pg.escapeIdentifier(table)}`);
    return { [Symbol.asyncDispose]: () => client.end() };
  }

  /** Whether somebody waits for such a lock. */
  async isWaitedFor(): Promise<boolean> {
    return (await this.query("SELECT FROM pg_locks WHERE NOT granted")).length > 0;
  }

  /** Rows of a question to the promoted database. */
  query(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return oneQuestion({ ...this.#server, user: "owui", password: this.password }, text, values);
  }

  get #server() {
    return { host: this.#address, port: PORT, database: "promoted" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.docker(["rm", "--force", "--volumes", this.#name]);
  }
}
