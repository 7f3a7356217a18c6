import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { until } from "../../support/fleet/until.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";
import { Random } from "../../support/webui/random.ts";
import { guardedWrites, recordGuardedWrites, slowGuardedWrites } from "./guarded-writes.ts";
import { SharedSource } from "./shared-source.ts";
import { SimulatedNode, TIMING } from "./simulated-node.ts";
import { type GuardedWrite, lostSyncs, violations } from "./violations.ts";

const TENANTS = ["acme", "globex", "initech"];
/** How long one run is disturbed, and how often. */
const RUN_MS = 2000;
const DISTURBANCES = 6;
const LONGEST_MS = TIMING.duration * 1000 * 2;

/** One database in which a pair of simulated nodes lives through one run of disturbances behind the other. */
export class Arena implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly #admin: pg.Client;
  readonly #source = new SharedSource(TENANTS);
  #refused = 0;

  private constructor(database: TestDatabase, admin: pg.Client) {
    this.database = database;
    this.#admin = admin;
  }

  static async create(): Promise<Arena> {
    const database = await TestDatabase.create();
    await database.apply(intentOf(TENANTS));
    const admin = await database.connect("postgres");
    await recordGuardedWrites(admin);
    await slowGuardedWrites(admin);
    // Every tenant is due all the time.
    await admin.query("UPDATE sync_metadata.client_deployments SET sync_interval = '50 ms'");
    return new Arena(database, admin);
  }

  /** Writes that were refused because an epoch was stale, so far. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Two nodes that are stopped, killed, cut off, slowed down and restarted at random, and what that did wrong.
   * @param place names the random numbers
   */
  async run(...place: (string | number)[]): Promise<string[]> {
    const random = new Random(...place);
    const nodes = new Map<string, SimulatedNode>();
    const start = async (id: string) =>
      void nodes.set(id, await SimulatedNode.start(id, this.database, this.#source, random));
    await start("a");
    await start("b");
    const moments = Array.from({ length: DISTURBANCES }, () => random.below(RUN_MS)).sort((a, b) => a - b);
    let now = 0;
    const undone: Promise<unknown>[] = [];
    for (const moment of moments) {
      await sleep(moment - now);
      now = moment;
      const id = random.pick(["a", "b"]);
      const node = nodes.get(id);
      if (node)
        undone.push(
          this.#disturb(node, random, () => nodes.delete(id)).then(() => nodes.has(id) || start(id)),
        );
      await this.#retryAtOnce();
    }
    await Promise.all(undone);
    await Promise.all([...nodes.values()].map((node) => this.#putAway(node)));
    const history = await this.history();
    return [...violations(history), ...lostSyncs(history, this.#source.told)];
  }

  history(): Promise<GuardedWrite[]> {
    return guardedWrites(this.#admin);
  }

  /** One disturbance; resolves when it is over. `gone` is called when the node is. */
  async #disturb(node: SimulatedNode, random: Random, gone: () => void): Promise<void> {
    const ms = random.below(LONGEST_MS);
    const { door } = node;
    switch (random.below(8)) {
      case 0:
      case 1:
        return node.stopFor(ms);
      case 2:
        door.stall("to");
        break;
      case 3:
        door.stall("back");
        break;
      case 4:
        door.stall("to", "back");
        break;
      case 5:
        door.delay(random.below(LONGEST_MS / 6));
        break;
      case 6:
        door.shut();
        break;
      default:
        gone();
        this.#refused += await refusedBy(node);
        await (random.chance(0.7) ? node.kill() : node.end());
    }
    await sleep(ms);
    door.flow();
    door.open();
    door.delay(0);
  }

  /** A retry comes in seconds, which is longer than a run. */
  async #retryAtOnce(): Promise<void> {
    await this.#admin.query(
      "UPDATE sync_metadata.sync_jobs SET due_at = clock_timestamp() WHERE status = 'queued'",
    );
  }

  /** Nodes that nothing disturbs work, whatever came before. */
  async requireWork(): Promise<void> {
    const node = await SimulatedNode.start("a", this.database, this.#source, new Random(0));
    const done = async () => {
      await this.#retryAtOnce();
      const { rows } = await this.#admin.query(
        "SELECT count(*)::int AS syncs FROM sync_metadata.sync_jobs WHERE status = 'success'",
      );
      return rows[0].syncs as number;
    };
    const before = await done();
    await until("a sync is committed by a node that nothing disturbs", async () => (await done()) > before);
    await this.#putAway(node);
  }

  async #putAway(node: SimulatedNode): Promise<void> {
    this.#refused += await refusedBy(node);
    await node.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.drop();
  }
}

async function refusedBy({ metrics }: SimulatedNode): Promise<number> {
  return (await metrics.fenced.get()).values.reduce((sum, { value }) => sum + value, 0);
}
