import { faultPoint } from "../../fault-point.ts";
import { encodeValue } from "../../protocol/value.ts";
import { fromWire, type WireValue } from "../../protocol/wire-value.ts";
import type { RowWrite } from "../../protocol/write.ts";
import { BAD_REQUEST, RefusalError } from "../refusal-error.ts";
import { refusalIn } from "./failure.ts";
import type { FoundRow, TargetTable } from "./target-table.ts";

/** A row of the request and what there is to be done about it. */
interface Step {
  table: TargetTable;
  write: RowWrite;
  /** As it was found before anything was written; undefined: it is not there. */
  found: FoundRow | undefined;
  isAsWanted: boolean;
}

/**
 * Writes the rows of a request in the open transaction: all of them are first compared with what they were, then
 * written, then read back. Whoever gets an answer may commit; on an error the transaction has to be taken back.
 */
export class RowWrites {
  readonly #steps: Step[];

  /** Compares; throws `source-changed` for the first row that is neither as it was nor as wanted. */
  constructor(tables: ReadonlyMap<string, TargetTable>, writes: readonly RowWrite[]) {
    this.#steps = writes.map((write) => compare(tables.get(write.table) as TargetTable, write));
  }

  /** Rows that have to be written. */
  get missing(): number {
    return this.#steps.filter(({ isAsWanted }) => !isAsWanted).length;
  }

  /** Rows that are as wanted. */
  get already(): number {
    return this.#steps.length - this.missing;
  }

  /** Rows that go make room first; then those that change; then those that come. */
  write(): void {
    const missing = this.#steps.filter(({ isAsWanted }) => !isAsWanted);
    const gone = missing.filter(({ write }) => !write.after);
    const changed = missing.filter(({ write, found }) => write.after && found);
    const added = missing.filter(({ write, found }) => write.after && !found);
    for (const [at, step] of [...gone, ...changed, ...added].entries()) {
      if (at === Math.floor(missing.length / 2)) faultPoint("writer:half-written");
      refusalIn(step.write, () => apply(step));
    }
  }

  /** Reads every row again and throws where one is not as wanted. */
  prove(): void {
    for (const { table, write } of this.#steps)
      refusalIn(write, () => {
        if (digestOf(table.find(write.key)) !== write.afterDigest)
          throw new RefusalError(
            "value-converted",
            `SQLite keeps a row of ${table.name} otherwise than it was given: a column converts its values.`,
          );
      });
  }
}

const digestOf = (row: FoundRow | undefined): string | null => row?.digest ?? null;

function compare(table: TargetTable, write: RowWrite): Step {
  return refusalIn(write, () => {
    refuseOddRequest(table, write);
    const found = table.find(write.key);
    const isAsWanted = digestOf(found) === write.afterDigest;
    if (!isAsWanted && digestOf(found) !== write.before)
      throw new RefusalError(
        "source-changed",
        `A row of ${table.name} is neither as it was verified nor as wanted.`,
      );
    return { table, write, found: isAsWanted ? undefined : found, isAsWanted };
  });
}

function apply({ table, write, found }: Step): void {
  const { key, after } = write;
  if (!after) table.remove(key);
  else if (found) table.update(key, found, after);
  else table.insert(after);
}

/** The row to be has every column, the key that the request names, and the digest it says. */
function refuseOddRequest(table: TargetTable, { key, after, afterDigest }: RowWrite): void {
  if (key.length !== table.key.length)
    throw new RefusalError(BAD_REQUEST, `The key of ${table.name} is (${table.key.join(", ")}).`);
  if (!after) return;
  const missing = table.columns.find((name) => !Object.hasOwn(after, name));
  if (missing !== undefined || Object.keys(after).length !== table.columns.length)
    throw new RefusalError(
      BAD_REQUEST,
      `A row of ${table.name} has other columns than (${table.columns.join(", ")}).`,
    );
  if (!table.key.every((name, at) => isSame(after[name] ?? null, key[at] ?? null)))
    throw new RefusalError(BAD_REQUEST, `A row of ${table.name} has another key than the request names.`);
  if (table.digest(after) !== afterDigest)
    throw new RefusalError(BAD_REQUEST, `A row of ${table.name} has another digest than the request says.`);
}

const isSame = (one: WireValue, other: WireValue): boolean =>
  encodeValue(fromWire(one)).equals(encodeValue(fromWire(other)));
