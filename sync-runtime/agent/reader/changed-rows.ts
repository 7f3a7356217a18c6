import type { TableWork } from "../../protocol/message.ts";
import { TableSum } from "../../protocol/table-sum.ts";
import type { BaseStore } from "./base-store.ts";
import { DigestSet } from "./digest-set.ts";
import { RecordChunks } from "./record-chunks.ts";
import { removedFrames } from "./removed-frames.ts";
import type { Reading, TablePart, TableToRead } from "./table-part.ts";
import type { Row } from "./table-rows.ts";

/** A table whose pages tell nothing: all its rows are read and compared with those of the base. */
export class ChangedRows implements TablePart {
  readonly work: TableWork | undefined;
  readonly sum: TableSum;
  readonly section: { at: number; bytes: number };
  readonly #source: TableToRead;
  readonly #added: DigestSet;
  readonly #removed: DigestSet;

  private constructor(source: TableToRead, section: { at: number; bytes: number }, compared: Compared) {
    this.#source = source;
    this.section = section;
    this.sum = compared.sum;
    this.#added = compared.added;
    this.#removed = compared.removed;
    const rows = this.#added.rows;
    const removed = this.#removed.rows;
    if (rows + removed > 0)
      this.work = { table: source.table.name, whole: false, rows, removed, bytes: compared.addedBytes };
  }

  /**
   * Compares a table with what the base had of it, as multisets of digests.
   * @param mostRows of the base, and of rows that it did not have, that are compared
   * @returns undefined when there are more
   */
  static compare(
    { store }: Reading,
    source: TableToRead,
    base: BaseStore,
    mostRows: number,
  ): ChangedRows | undefined {
    const { name } = source.table;
    const nothing = base.noLeaves();
    if (base.rowsOutside(name, nothing) > mostRows) return undefined;
    const compared: Compared = {
      sum: new TableSum(),
      added: new DigestSet(),
      removed: base.digestsOutside(name, nothing),
      addedBytes: 0,
    };
    const at = store.at;
    const records = new RecordChunks(store);
    for (const row of source.rows.all()) {
      const { digest, bytes } = source.rows.digest(row);
      compared.sum.add(digest);
      records.add(digest);
      if (compared.removed.take(digest)) continue;
      compared.added.add(digest);
      compared.addedBytes += bytes;
      if (compared.added.rows > mostRows) return undefined;
    }
    records.end();
    return new ChangedRows(source, { at, bytes: store.at - at }, compared);
  }

  *frames(): Generator<Uint8Array> {
    if (this.#added.rows > 0) yield* this.#source.rows.frames(this.#addedRows());
    yield* removedFrames(this.#removed);
  }

  /** Rows without a name are found again by what they hold. */
  *#addedRows(): Generator<Row> {
    const { rows } = this.#source;
    for (const row of rows.all()) if (this.#added.take(rows.digest(row).digest)) yield row;
  }
}

interface Compared {
  sum: TableSum;
  added: DigestSet;
  removed: DigestSet;
  /** Canonical bytes of the added rows. */
  addedBytes: number;
}
