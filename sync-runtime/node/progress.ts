import type { TableWork } from "../protocol/message.ts";
import type { Clock } from "./service.ts";

/** How often the state of a running sync is written down. */
const WRITE_MS = 1_000;

/** How far a sync has come with one table. Rows are exact, bytes are about. */
export interface TableProgress {
  table: string;
  rows: number;
  rows_total: number;
  bytes: number;
  bytes_total: number;
}

/** What `sync_jobs.progress` holds. */
export interface ProgressState {
  /** In the order in which they come; those with nothing to be done are left out. */
  tables: TableProgress[];
}

/** What {@link load} tells while it works. */
export interface ProgressListener {
  /** What is going to come. */
  begin(work: readonly TableWork[]): void;
  /** Rows that came for one table, with their bytes. */
  rows(table: string, rows: number, bytes: number): void;
  /** Has what came written down; resolves also when that fails. */
  flush?(): Promise<void>;
}

/**
 * How far one sync has come, written about once a second. Writing is never waited for by the sync but at its end, and
 * a state that could not be written is not missed: the next one holds it too.
 */
export class Progress implements ProgressListener {
  readonly #write: (state: ProgressState) => Promise<unknown>;
  #tables = new Map<string, TableProgress>();
  #written = true;
  #writing: Promise<void> = Promise.resolve();

  /** @param write keeps a state; may fail */
  constructor(write: (state: ProgressState) => Promise<unknown>) {
    this.#write = write;
  }

  begin(work: readonly TableWork[]): void {
    const tables = work.map(({ table, rows, bytes }): [string, TableProgress] => [
      table,
      { table, rows: 0, rows_total: rows, bytes: 0, bytes_total: bytes },
    ]);
    this.#tables = new Map(tables);
    this.#written = false;
  }

  rows(table: string, rows: number, bytes: number): void {
    const known = this.#tables.get(table);
    if (!known) return;
    known.rows += rows;
    known.bytes += bytes;
    this.#written = false;
  }

  /** Writes about once a second until the signal aborts. */
  async keep(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.pause(WRITE_MS, signal);
      if (!signal.aborted) await this.flush();
    }
  }

  /** Writes what is not written yet; resolves also when that fails. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      if (this.#written) return;
      this.#written = true;
      await this.#write({ tables: [...this.#tables.values()] }).catch(() => {
        this.#written = false;
      });
    });
    return this.#writing;
  }
}
