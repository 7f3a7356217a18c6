import type { WriteAnswer, WriteRequest } from "../../protocol/write.ts";
import type { Refused } from "../refusal-error.ts";

/** What a row writer is told, as JSON on its standard input. */
export interface WriteTask {
  /** The tenant's webui.db, in its real directory; nothing outside of that is touched. */
  database: string;
  /** The file that says whose data it is. */
  identityFile: string;
  tenant: string;
  request: Omit<WriteRequest, "epoch">;
}

/** What a row writer says, one JSON text a line on its standard output. */
export type WriterWord =
  /** It holds the lock; the application waits from now on. */
  | { state: "locked" }
  /** The rows are in the transaction and proven; it is committed next. */
  | { state: "committing" }
  | ({ state: "done" } & WriteAnswer)
  /** Nothing was written. */
  | ({ state: "refused" } & Refused);
