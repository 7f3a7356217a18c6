import type { Replica } from "./replica.ts";
import { until } from "./until.ts";

/** Of nobody else's locks. */
const mark = 704_019;

/** An operation as Postgres has it. */
export interface Recorded {
  id: string;
  kind: string;
  steps: string[];
  done: number;
  status: string;
}

/**
 * Holds back the record that a step of a tenant's operation is done, or undone: the step has done its work then, and nobody knows. The
 * gate is a trigger on the nodes' own table, so that nodes and commands are those that operators run.
 */
export class StepGate implements AsyncDisposable {
  readonly #replica: Pick<Replica, "query">;
  readonly #tenant: string;

  private constructor(replica: Pick<Replica, "query">, tenant: string) {
    this.#replica = replica;
    this.#tenant = tenant;
  }

  static async of(replica: Pick<Replica, "query">, tenant: string): Promise<StepGate> {
    // Each look of a statement inside the function sees what was committed by then.
    await replica.query(`
      CREATE SCHEMA IF NOT EXISTS step_gate;
      CREATE TABLE IF NOT EXISTS step_gate.closed (tenant text PRIMARY KEY, step text NOT NULL, undone boolean NOT NULL);
      CREATE OR REPLACE FUNCTION step_gate.hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN
        LOOP
          EXIT WHEN NOT EXISTS (
            SELECT FROM step_gate.closed AS c WHERE c.tenant = NEW.tenant AND c.undone = (NEW.done < OLD.done)
              AND c.step = NEW.steps[greatest(NEW.done, OLD.done)]
          );
          -- By which those that wait are known, until their transaction ends.
          PERFORM pg_advisory_xact_lock_shared(${mark});
          PERFORM pg_sleep(0.02);
        END LOOP;
        RETURN NEW;
      END $$;
      CREATE OR REPLACE TRIGGER step_gate BEFORE UPDATE ON sync_metadata.operations
        FOR EACH ROW WHEN (NEW.done <> OLD.done) EXECUTE FUNCTION step_gate.hold()`);
    return new StepGate(replica, tenant);
  }

  /** From now on nobody records that this step is done; or, where `undone`, that it is undone. */
  async close(step: string, undone = false): Promise<void> {
    await this.#replica.query(
      `INSERT INTO step_gate.closed VALUES ($1, $2, $3)
       ON CONFLICT (tenant) DO UPDATE SET step = excluded.step, undone = excluded.undone`,
      [this.#tenant, step, undone],
    );
  }

  /** Whether a step's record is held back here. */
  async isReached(): Promise<boolean> {
    return (await this.#waiting()).length > 0;
  }

  /** Until one is. */
  async reached(): Promise<void> {
    await until(`a step of ${this.#tenant}'s operation to be done`, () => this.isReached(), 600);
  }

  /** Whoever waits here goes on. */
  async open(): Promise<void> {
    await this.#replica.query("DELETE FROM step_gate.closed WHERE tenant = $1", [this.#tenant]);
  }

  /** What waits here is never recorded. */
  async refuse(): Promise<void> {
    await this.#replica.query("SELECT pg_cancel_backend(pid) FROM unnest($1::int[]) AS pid", [
      await this.#waiting(),
    ]);
    await until("nothing to be recorded", async () => (await this.#waiting()).length === 0);
    await this.open();
  }

  /** The tenant's operation that has not ended. */
  async operation(): Promise<Recorded | undefined> {
    const [row] = await this.#replica.query(
      `SELECT id::text, kind, steps, done, status FROM sync_metadata.operations WHERE tenant = $1 AND ended_at IS NULL`,
      [this.#tenant],
    );
    return row as Recorded | undefined;
  }

  /** The minute for which a runner that is gone still has the operation is over. */
  async forgetRunner(): Promise<void> {
    await this.#replica.query(
      `UPDATE sync_metadata.operations SET held_until = clock_timestamp() - interval '1 second'
       WHERE tenant = $1 AND ended_at IS NULL`,
      [this.#tenant],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever still waits here would keep the table from losing its trigger.
    await this.open();
    await this.#replica.query("DROP SCHEMA IF EXISTS step_gate CASCADE");
  }

  /** Connections of nodes that are held here, by their processes in Postgres. */
  async #waiting(): Promise<number[]> {
    const rows = await this.#replica.query(
      `SELECT l.pid FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.objid = ${mark}`,
    );
    return rows.map(({ pid }) => pid as number);
  }
}
