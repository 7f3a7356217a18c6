import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { TestFleet } from "../node/fleet.ts";
import { TcpDoor } from "../node/tcp-door.ts";
import { guardedWrites, recordGuardedWrites } from "./guarded-writes.ts";
import { violations } from "./violations.ts";

/** A node as a process, and its way to Postgres. */
export interface DoorNode {
  id: string;
  node: NodeProcess;
  door: TcpDoor;
}

/** What is chosen about a pair. */
export interface PairOptions {
  tenants?: string[];
  /** Between two syncs of a tenant, as Postgres writes an interval. */
  interval?: string;
  /** Instead of the test run's. */
  server?: PostgresServer;
}

/** Two real nodes, each behind a door of its own, over a database that records every guarded write. */
export class Pair implements AsyncDisposable {
  readonly fleet: TestFleet;
  readonly nodes: readonly DoorNode[];

  private constructor(fleet: TestFleet, nodes: readonly DoorNode[]) {
    this.fleet = fleet;
    this.nodes = nodes;
  }

  /** Both nodes are seen, and one leads. */
  static async start(options: PairOptions = {}): Promise<Pair> {
    const { tenants = ["acme", "globex"], interval = "1 s", server } = options;
    const fleet = await TestFleet.start(tenants, 20, server);
    await fleet.admin.query("UPDATE sync_metadata.client_deployments SET sync_interval = $1", [interval]);
    await recordGuardedWrites(fleet.admin);
    const nodes: DoorNode[] = [];
    for (const id of ["a", "b"]) {
      const door = await TcpDoor.to(fleet.database.credentials("sync_main"));
      nodes.push({ id, door, node: await fleet.startNode(id, { postgres: door.address }) });
    }
    const pair = new Pair(fleet, nodes);
    await pair.whole();
    return pair;
  }

  /** Who leads and who follows, once both nodes are seen alive and the lease is held. */
  async whole(): Promise<{ leader: DoorNode; follower: DoorNode }> {
    const holder = await until("both nodes are alive, and one leads", async () => {
      const { rows } = await this.fleet.admin.query(`
        SELECT l.node FROM sync_metadata.leader_election AS l
        WHERE l.expires_at > clock_timestamp()
          AND 2 = (SELECT count(*) FROM sync_metadata.nodes AS n WHERE n.seen_at > clock_timestamp() - interval '2 s')`);
      return rows[0]?.node as string | undefined;
    });
    const [leader, follower] = this.nodes.toSorted((node) => (node.id === holder ? -1 : 1));
    return { leader: leader as DoorNode, follower: follower as DoorNode };
  }

  /** Has every job of a tenant end as soon as it is scheduled, long ago, so that it is due again at once. */
  async keepDue(tenant: string): Promise<void> {
    await this.fleet.admin.query(`
      CREATE FUNCTION fence.end_at_once() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.status := 'failed';
        NEW.started_at := clock_timestamp() - interval '1 h';
        NEW.finished_at := clock_timestamp();
        RETURN NEW;
      END $$;
      CREATE TRIGGER fence_due BEFORE INSERT ON sync_metadata.sync_jobs
        FOR EACH ROW WHEN (NEW.tenant = '${tenant}') EXECUTE FUNCTION fence.end_at_once()`);
  }

  /** The server's clock, as text. */
  async now(): Promise<string> {
    return (await this.fleet.admin.query("SELECT clock_timestamp()::text AS now")).rows[0].now;
  }

  /** Milliseconds from a moment until a node first wrote something under a lease of its own, once it did. */
  async firstWrite({ id }: DoorNode, since: string): Promise<number> {
    return await until(`node ${id} has written under its lease`, async () => {
      const { rows } = await this.fleet.admin.query(
        `SELECT extract(epoch FROM min(pg_xact_commit_timestamp(w.xact::xid)) - $1::timestamptz)::float8 * 1000 AS ms
         FROM fence.writes AS w
         WHERE w.write = 'schedule' AND pg_xact_commit_timestamp(w.xact::xid) > $1
           AND w.run IN (SELECT h.run FROM sync_metadata.leader_history AS h WHERE h.node = $2)`,
        [since, id],
      );
      return rows[0].ms as number | null;
    });
  }

  /** Waits for a sync that is committed behind a moment. */
  async synced(since: string): Promise<void> {
    await until("a sync is committed", async () => {
      const { rows } = await this.fleet.admin.query(
        "SELECT FROM sync_metadata.sync_jobs WHERE status IN ('success', 'unchanged') AND started_at > $1",
        [since],
      );
      return rows.length > 0;
    });
  }

  /** What of everything that was written so far could not be with one writer at a time. */
  async violations(): Promise<string[]> {
    return violations(await guardedWrites(this.fleet.admin));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet.endNodes();
    for (const { door } of this.nodes) await door[Symbol.asyncDispose]();
    await this.fleet[Symbol.asyncDispose]();
  }
}
