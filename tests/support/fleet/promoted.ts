import { randomBytes } from "node:crypto";
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
    await this.#engine.docker([
      ...["run", "--detach", "--name", this.#name, "--label", this.#engine.label, "--network", "host"],
      ...["--tmpfs", "/var/lib/postgresql/data", "--env", `POSTGRES_PASSWORD=${this.password}`],
      ...["--env", "POSTGRES_USER=owui", "--env", "POSTGRES_DB=promoted", "postgres:15-bookworm"],
      ...["-c", `listen_addresses=${this.#address}`, "-c", `port=${PORT}`, "-c", "fsync=off"],
    ]);
    await until("the target's Postgres to answer", () => this.query("SELECT 1"));
  }

  /** Keeps tenants from it while `work` goes on; this machine still reaches it. */
  async unreachable<T>(work: () => Promise<T>): Promise<T> {
    const rule = ["INPUT", "-i", "owt+", "-p", "tcp", "--dport", String(PORT), "-j", "REJECT"];
    const iptables = (...words: string[]) => run(["iptables", "-w", "10", ...words]);
    await iptables("-I", ...rule);
    try {
      return await work();
    } finally {
      await iptables("-D", ...rule);
    }
  }

  /** Rows of a question to the promoted database. */
  query(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const server = { host: this.#address, port: PORT, database: "promoted" };
    return oneQuestion({ ...server, user: "owui", password: this.password }, text, values);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.docker(["rm", "--force", "--volumes", this.#name]);
  }
}
