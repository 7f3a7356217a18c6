import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { checkDescriptors, type Descriptor, openDescriptors } from "../../host/descriptor.ts";
import { TenantError } from "../../host/tenant-error.ts";
import { MAX_ROW_BYTES } from "../../protocol/limit.ts";
import { RefusalError } from "../refusal-error.ts";

/** How long the application may keep the writer waiting, as it waits itself. */
const LOCK_MILLISECONDS = 5_000;
/** The same at the end, while the application waits too: with a rollback journal a commit waits for readers. */
const COMMIT_MILLISECONDS = 2_000;

/**
 * Never creates a file; what a hostile schema says is not trusted. A commit is on disk before it is answered. Nothing
 * goes into the database before the commit, and checkpoints are the application's: what a writer that is killed leaves
 * is undone by whoever opens the database next.
 */
const SETTINGS = `
  PRAGMA trusted_schema = OFF;
  PRAGMA foreign_keys = OFF;
  PRAGMA recursive_triggers = OFF;
  PRAGMA mmap_size = 0;
  PRAGMA cell_size_check = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA synchronous = FULL;
  PRAGMA cache_spill = OFF;
  PRAGMA wal_autocheckpoint = 0;
`;

/** https://sqlite.org/rescode.html; the primary code is in the low byte of an extended one. */
const PRIMARY_CODE = 0xff;
const SQLITE_IOERR = 10;

/** A tenant's database in a write transaction of its own. Without {@link commit} nothing of it stays. */
export class LockedDatabase implements Disposable {
  readonly database: DatabaseSync;
  readonly #path: string;
  readonly #before: Descriptor[];

  /**
   * Opens, proves that what was opened is the tenant's own file before SQLite locks or reads anything, and takes the
   * lock. A path check before would be a race that the tenant can win.
   */
  constructor(path: string) {
    this.#path = path;
    this.#before = openDescriptors();
    this.database = new DatabaseSync(`${pathToFileURL(path).href}?mode=rw`, {
      readBigInts: true,
      returnArrays: true,
      // As the application has it: Open WebUI leaves them unenforced, and orphans are normal in its files.
      enableForeignKeyConstraints: false,
      timeout: LOCK_MILLISECONDS,
      limits: { length: MAX_ROW_BYTES, attach: 0, vdbeOp: 100_000 },
    });
    try {
      this.#requireOwnFiles();
      this.database.enableDefensive(true);
      this.database.exec(SETTINGS);
      this.database.exec("BEGIN IMMEDIATE");
      this.database.exec(`PRAGMA busy_timeout = ${COMMIT_MILLISECONDS}`);
      this.#requireOwnFiles();
      this.#requireUtf8();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Ends the transaction, unless the files beneath it were replaced meanwhile. */
  commit(): void {
    this.#requireOwnFiles();
    try {
      this.database.exec("COMMIT");
    } catch (cause) {
      const { errcode = 0, message } = cause as { errcode?: number; message: string };
      if ((errcode & PRIMARY_CODE) !== SQLITE_IOERR) throw cause;
      // What was written before the disk failed may be whole, and whoever opens the database next would find it.
      throw new RefusalError(
        "outcome-unknown",
        `The disk failed while the rows were committed: ${message}.`,
        {},
        { cause },
      );
    }
  }

  /** Ends the transaction as if it had never been. */
  takeBack(): void {
    if (this.database.isTransaction) this.database.exec("ROLLBACK");
  }

  /** Takes back what was not committed. The last one to close a database in WAL mode brings its -wal into it. */
  [Symbol.dispose](): void {
    try {
      this.takeBack();
    } finally {
      this.database.close();
    }
  }

  #requireOwnFiles(): void {
    checkDescriptors(this.#before, this.#path);
  }

  #requireUtf8(): void {
    const [encoding] = Object.values(this.database.prepare("PRAGMA encoding").get() ?? {});
    if (encoding === "UTF-8") return;
    throw new TenantError(
      "encoding-unsupported",
      "The database keeps its text as UTF-16; UTF-8 was expected.",
    );
  }
}
