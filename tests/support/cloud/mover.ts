import { expect } from "vitest";
import type { Outcome } from "../fleet/command.ts";
import { killTree } from "../fleet/process-tree.ts";
import { until } from "../fleet/until.ts";
import { oneQuestion } from "../one-question.ts";
import type { Staging } from "./staging.ts";

/** A command of the operator that runs. */
export interface Running {
  pid: number;
  ended: Promise<Outcome>;
}

/** An operation as the nodes have it recorded. */
export interface Recorded {
  id: string;
  /** How many of its steps are done. */
  done: number;
  status: string;
  runner: string;
}

/** Where a tenant's data lies on a host. */
export const dataRoot = "/srv/fleet";

/**
 * Prints a digest of each table's rows, whatever their order. When somebody was last seen is no part of it: whoever signs in
 * to look changes that.
 */
const digests = (database: string): string => `
import hashlib, json, sqlite3
db = sqlite3.connect("file:${database}?mode=ro", uri=True)
db.text_factory = bytes
found = {}
for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
    table = table.decode()
    names = [row[1].decode() for row in db.execute('PRAGMA table_info("%s")' % table)]
    kept = [name for name in names if not (table == "user" and name in ("last_active_at", "updated_at"))]
    rows = db.execute('SELECT %s FROM "%s"' % (", ".join('"%s"' % name for name in kept), table)).fetchall()
    found[table] = "%d rows %s" % (len(rows), hashlib.sha256("\\n".join(sorted(map(repr, rows))).encode()).hexdigest())
print(json.dumps(found, sort_keys=True))
`;

/** A tenant of a staging fleet that goes from host to host, as an operator has it go, and what can be seen of that. */
export class Mover {
  readonly #staging: Staging;
  readonly tenant: string;
  readonly container: string;
  readonly domain: string;

  constructor(staging: Staging, tenant: string) {
    this.#staging = staging;
    this.tenant = tenant;
    this.container = `owui-${staging.stack}-tenant-${tenant}`;
    this.domain = `${tenant}.fleet.example`;
  }

  /** Any command of the operator's line on the tenant; `args` come behind its name. */
  operate(command: string, ...args: string[]): Promise<Outcome> {
    return this.#staging.driver.operate(command, [this.tenant, ...args], { mayFail: true });
  }

  /** The same of a command that has to get through. */
  async does(command: string, ...args: string[]): Promise<Outcome> {
    const outcome = await this.operate(command, ...args);
    expect([outcome.code, outcome.stderr]).toEqual([0, outcome.stderr]);
    return outcome;
  }

  /** Starts a command and does not wait for its end. */
  async start(command: string, ...args: string[]): Promise<Running> {
    const begun = Promise.withResolvers<number>();
    const ended = this.#staging.driver.operate(command, args, { mayFail: true, started: begun.resolve });
    ended.catch(begun.reject);
    return { pid: await begun.promise, ended };
  }

  /** Has the tenant begin to go to a host. */
  goTo(host: string): Promise<Running> {
    return this.start("move", this.tenant, "--to", host, "--yes", "--json");
  }

  /**
   * Waits for a moment of a command that runs, and takes its machine's power away then: with it goes all that it started.
   * @throws where the command ended before
   */
  async killAt(running: Running, moment: string, come: () => Promise<boolean>): Promise<void> {
    let ended: Outcome | undefined;
    void running.ended.then((outcome) => {
      ended = outcome;
    });
    await until(`${moment}, or the command's end`, async () => ended !== undefined || (await come()), 600);
    if (ended) throw new Error(`it ended before: ${moment}\n${ended.stdout}\n${ended.stderr}`);
    killTree(running.pid);
    await running.ended;
  }

  /** The tenant's operation that is open, as recorded; undefined: none is. */
  async recorded(): Promise<Recorded | undefined> {
    const [open] = await this.query(
      `SELECT id::text, done, status, runner_name AS runner FROM sync_metadata.operations
       WHERE tenant LIKE '%' || $1 AND ended_at IS NULL`,
      [this.tenant],
    );
    return open as Recorded | undefined;
  }

  /** Lets whoever takes the operation on not wait for the minute for which a dead runner still holds it. */
  async forgetRunner(): Promise<void> {
    await this.query(
      `UPDATE sync_metadata.operations SET held_until = clock_timestamp() - interval '1 second'
       WHERE tenant LIKE '%' || $1 AND ended_at IS NULL`,
      [this.tenant],
    );
  }

  private async query(text: string, values: unknown[]): Promise<Record<string, unknown>[]> {
    return oneQuestion(await this.#staging.database(), text, values);
  }

  /** What the tenant's container does on a host: `running`, `exited`, and so on; empty where there is none. */
  async state(host: string): Promise<string> {
    const asked = `docker inspect --format '{{.State.Status}}' ${this.container} 2>/dev/null || true`;
    return (await this.#staging.within(host, asked)).trim();
  }

  /** The hosts on which the tenant's container runs. */
  async runsOn(...hosts: string[]): Promise<string[]> {
    const states = await Promise.all(hosts.map((host) => this.state(host)));
    return hosts.filter((_, index) => states[index] === "running");
  }

  /** Whether a file of the tenant is on a host; `path` is below its home. */
  async has(host: string, path: string): Promise<boolean> {
    const file = `${dataRoot}/tenants/${this.tenant}/${path}`;
    return (await this.#staging.within(host, `test -e '${file}' && echo yes || true`)).trim() === "yes";
  }

  /** A digest of each table's rows, and of the files that were uploaded. */
  async contents(host: string): Promise<Record<string, string>> {
    const home = `${dataRoot}/tenants/${this.tenant}/data`;
    const tables = await this.#staging.within(
      host,
      `python3 - <<'PROGRAM'\n${digests(`${home}/webui.db`)}\nPROGRAM`,
    );
    const files = await this.#staging.within(
      host,
      `cd ${home}/uploads && find . -type f -exec sha256sum {} + | sort | sha256sum`,
    );
    return { ...JSON.parse(tables), uploads: files.trim() };
  }

  /** Everything on a host that bears the tenant's name. */
  async traces(host: string): Promise<string[]> {
    const line = [
      `find ${dataRoot} -name '*${this.tenant}*' -not -path '*/data/*'`,
      `docker ps --all --format 'container {{.Names}}' --filter name=${this.tenant}`,
      `docker network ls --format 'network {{.Name}}' --filter name=${this.tenant}`,
    ].join("; ");
    return (await this.#staging.within(host, line)).split("\n").filter(Boolean);
  }
}
