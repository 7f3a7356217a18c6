import * as z from "zod";
import { faultPoint } from "../fault-point.ts";
import type { WriteRequest } from "../protocol/write.ts";
import { DecidedRow, rowWriteOf, tableSchemaOf, UnwritableError } from "./decided-row.ts";
import type { Job } from "./job.ts";
import type { NodeContext } from "./node-context.ts";
import { batchesOf, culpritsIn, halves, type Sending } from "./write-batch.ts";
import { type WriterAddress, type WriterClient, WriterError } from "./writer-client.ts";

/** Refusals that say nothing but of one row, or of one table, and are the same however often it is asked. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  "constraint",
  "unsupported-schema",
  "value-converted",
  "request-too-large",
  "unwritable",
]);
/** Refusals that leave other rows as writable as they were. */
const OF_ROWS: ReadonlySet<string> = new Set([...FOR_GOOD, "source-changed", "schema-changed"]);
/** Requests of one sync: what is refused row by row has its share of a node, and goes on at the next sync. */
const MOST_REQUESTS = 200;
/** Postgres' word for a claim that is no longer held. */
const CLAIM_LOST = "55000";

const Noted = z.object({ fresh: z.coerce.number() });

/** What is written down about one decided row. */
interface Result {
  conflict: string;
  code?: string;
  message?: string;
}

/** Why not all of it was written. */
interface Refused {
  code: string;
  message: string;
}

/** How a writing stands. */
interface Writing {
  job: Job;
  writer: WriterAddress;
  identity: string;
  signal: AbortSignal;
  requests: number;
  /** Rows that are in the tenant's database now. */
  rows: number;
  /** Of these, decisions that were not there before. */
  fresh: number;
  /** Whether every request was answered by somebody who knows what came of it. */
  answered: boolean;
  refused: Refused | undefined;
  /** Nothing more is sent. */
  ended: boolean;
}

/** The part of {@link WriterClient} that is needed. */
export type Writers = Pick<WriterClient, "write">;

/**
 * Brings what was decided for edits in a replica into the tenant's own database, where its entry says so: behind a sync
 * that was committed, under its claim, by the writer of the tenant's host. The writer compares each row with what the sync
 * verified; so what is sent twice, late or in vain changes nothing. That the source has it is for the next sync to find.
 */
export class WriteBack {
  readonly #context: NodeContext;
  readonly #writers: Writers;

  constructor(context: NodeContext, writers: Writers) {
    this.#context = context;
    this.#writers = writers;
  }

  /**
   * Before a sync behind a writing of which no end is known: has the writer refuse what may still be under way, so that
   * nothing is written that this sync does not see. A writer that is away stops no sync; the next one asks again.
   */
  async fence(job: Job, signal: AbortSignal): Promise<void> {
    if (!job.write_open || job.direction !== "both") return;
    const writer = writerOf(job);
    if (!writer) return;
    const request = { epoch: job.claim_epoch, identity: NOBODY, schema: {}, rows: [] };
    try {
      await this.#writers.write(writer, job.tenant, request, signal);
    } catch (error) {
      if (signal.aborted) return;
      const log = { err: error, tenant: job.tenant, job: job.id };
      this.#context.log.warn(log, "a writing of which no end is known could not be ruled out");
    }
  }

  /** Writes what was decided. Never throws: what was not written is told, and tried again behind the next sync. */
  async run(job: Job, signal: AbortSignal): Promise<void> {
    const { log, metrics } = this.#context;
    const { tenant, id } = job;
    try {
      const { rows, fresh, refused } = await this.#write(job, signal);
      if (rows > 0) {
        metrics.rowsWritten.inc({ client: tenant }, rows);
        log.info({ tenant, job: id, rows }, "wrote decided rows into the tenant's database");
      }
      if (refused) log.warn({ tenant, job: id, ...refused }, "decided rows were not written");
      // Whether the source has it is for a sync to say: the first time, that is at once.
      if (fresh > 0) await this.#context.postgres.rows("trigger-sync", [tenant]);
    } catch (error) {
      if (signal.aborted) return;
      if ((error as { code?: string }).code === CLAIM_LOST) metrics.fenced.inc({ guard: "claim" });
      log.warn({ err: error, tenant, job: id }, "a writing was broken off; the next sync tries again");
    }
  }

  async #write(job: Job, signal: AbortSignal): Promise<Pick<Writing, "rows" | "fresh" | "refused">> {
    const writer = writerOf(job);
    if (!writer) {
      const refused = noWriter(job);
      await this.#ask("end-write", job, [true, refused.code, refused.message]);
      return { rows: 0, fresh: 0, refused };
    }
    const writing: Writing = {
      ...{ job, signal, identity: NOBODY, writer, requests: 0, rows: 0, fresh: 0 },
      ...{ answered: true, refused: undefined, ended: false },
    };
    for (let after = "0"; !writing.ended; ) {
      const decided = await this.#next(job, after);
      const last = decided.at(-1);
      if (!last) break;
      faultPoint("node:write-begun");
      await this.#deliver(writing, decided);
      after = last.id;
    }
    const { answered, refused } = writing;
    await this.#ask("end-write", job, [answered, refused?.code ?? null, refused?.message ?? null]);
    return writing;
  }

  async #next(job: Job, after: string): Promise<DecidedRow[]> {
    return z.array(DecidedRow).parse(await this.#ask("begin-write", job, [after]));
  }

  async #deliver(writing: Writing, decided: readonly DecidedRow[]): Promise<void> {
    const sendings: Sending[] = [];
    const unwritable: Result[] = [];
    for (const row of decided) {
      writing.identity = row.identity;
      const { conflict } = row;
      try {
        sendings.push({ conflict, write: rowWriteOf(row), schema: tableSchemaOf(row) });
      } catch (error) {
        if (!(error instanceof UnwritableError)) throw error;
        const { code, message } = error;
        unwritable.push({ conflict, code, message });
        this.#context.metrics.writesRefused.inc({ client: writing.job.tenant, code });
      }
    }
    await this.#note(writing, unwritable);
    const waiting = batchesOf(sendings).toReversed();
    for (let batch = waiting.pop(); batch && !writing.ended; batch = waiting.pop())
      waiting.push(...(await this.#send(writing, batch)).toReversed());
  }

  /** Sends rows that are one transaction. Returns those of them that are to be sent once more, in other company. */
  async #send(writing: Writing, batch: Sending[]): Promise<Sending[][]> {
    const { job, writer, signal, identity } = writing;
    if (writing.requests++ >= MOST_REQUESTS) {
      refuse(writing, tooMany());
      return [];
    }
    const request: WriteRequest = {
      ...{ epoch: job.claim_epoch, identity, rows: batch.map(({ write }) => write) },
      schema: Object.fromEntries(batch.map(({ write, schema }) => [write.table, schema])),
    };
    try {
      await this.#writers.write(writer, job.tenant, request, signal);
    } catch (error) {
      if (!(error instanceof WriterError)) throw error;
      this.#context.metrics.writesRefused.inc({ client: job.tenant, code: error.code });
      return await this.#refused(writing, batch, error);
    }
    faultPoint("node:rows-written");
    writing.rows += batch.length;
    await this.#note(
      writing,
      batch.map(({ conflict }) => ({ conflict })),
    );
    return [];
  }

  async #refused(writing: Writing, batch: Sending[], error: WriterError): Promise<Sending[][]> {
    const { code, message, refusal, isUncertain } = error;
    if (!OF_ROWS.has(code) || isUncertain) {
      writing.answered &&= !isUncertain;
      if (code === "stale-epoch") this.#context.metrics.fenced.inc({ guard: "writer" });
      refuse(writing, { code, message });
      return [];
    }
    const culprits = culpritsIn(batch, refusal);
    if (culprits.length === 0) return halves(batch);
    if (FOR_GOOD.has(code))
      await this.#note(
        writing,
        culprits.map(({ conflict }) => ({ conflict, code, message })),
      );
    // The source is another than it was: the next sync has the conflict rules decide anew.
    else writing.refused ??= { code, message };
    const others = batch.filter((row) => !culprits.includes(row));
    return others.length > 0 ? [others] : [];
  }

  async #note(writing: Writing, results: readonly Result[]): Promise<void> {
    if (results.length === 0) return;
    const { job, writer } = writing;
    const [row] = await this.#ask("note-written", job, [writer.host, JSON.stringify(results)]);
    writing.fresh += Noted.parse(row).fresh;
    // What waits for an operator from the next sync on is shown by then: that sync comes at once, too.
    if (results.some(({ code }) => code !== undefined)) writing.fresh += 1;
  }

  #ask(statement: string, { tenant, claim_epoch: epoch }: Job, values: unknown[]): Promise<unknown[]> {
    const { postgres, run } = this.#context;
    return postgres.rows(statement, [tenant, run, epoch, ...values]);
  }
}

/** An identity that no data has, for requests without rows. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

const writerOf = ({ host, writer_address: address, writer_identity: identity }: Job) =>
  address !== null && identity !== null ? { host, address, identity } : undefined;

function refuse(writing: Writing, refused: Refused): void {
  writing.refused = refused;
  writing.ended = true;
}

const noWriter = ({ host }: Job): Refused => ({
  code: "no-writer",
  message: `Host ${host} has no writer. Nothing was written; \`npm run up\` brings one where a tenant is synced both ways.`,
});

const tooMany = (): Refused => ({
  code: "too-many-refusals",
  message: `${MOST_REQUESTS} requests did not get all rows written, because some of them are refused. The next sync goes on.`,
});
