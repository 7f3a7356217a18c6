import { isTenantErrorCode, TenantError, type TenantErrorCode } from "../host/tenant-error.ts";
import type { WireValue } from "../protocol/wire-value.ts";
import type { WriteRefusal, WriteRefusalCode } from "../protocol/write.ts";

/** Why a request cannot be what a node sends. */
export const BAD_REQUEST = "bad-request";

/** Every way in which a write is refused, and what an operator does about it. */
const REMEDIES: Record<WriteRefusalCode | typeof BAD_REQUEST, string> = {
  "bad-request": "Run nodes and writer of one version.",
  "source-changed": "Nothing; the next sync decides about the row as it is now.",
  "schema-changed": "Nothing; the next sync takes the tables as they are now.",
  "stale-epoch":
    "Nothing if another node took the tenant over. After the replicas' database was made anew, remove the tenant's file from the writer's state directory.",
  "identity-changed": "Nothing; the next sync asks whose data the directory holds.",
  "unsupported-schema": "Change the row in the application, or take the source's side of the conflict.",
  constraint: "Decide the conflict otherwise, by a row that the table takes.",
  "value-converted": "Decide the conflict otherwise, by values of the column's own type.",
  busy: "Nothing; the next sync tries again. If it stays so, look for a stuck writer in the tenant.",
  "disk-full": "Free space on the file system of the tenant's data directory.",
  "write-stopped": "Nothing if it happens once. If it stays so, look at the table's constraints and indexes.",
  "outcome-unknown": "Nothing; the next sync shows whether the rows are there.",
};

/** In words of this program, or of the agent's for a tenant that cannot be read. */
export type RefusalCode = keyof typeof REMEDIES | TenantErrorCode;

/** The row that stood in the way. */
export type RefusedRow = Pick<WriteRefusal, "table"> & { key?: WireValue[] };

/** Rows are not written, none of the request. */
export class RefusalError extends Error {
  override name = "RefusalError";
  readonly code: RefusalCode;
  readonly row: RefusedRow;

  /** @param message what was expected and what was found, as a sentence */
  constructor(code: RefusalCode, message: string, row: RefusedRow = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.row = row;
  }
}

/** A refusal as the child process says it. */
export interface Refused {
  code: RefusalCode;
  message: string;
  row: RefusedRow;
}

/** Whether a code that came from another process is one of ours. */
export const isRefusalCode = (code: unknown): code is RefusalCode =>
  (typeof code === "string" && Object.hasOwn(REMEDIES, code)) || isTenantErrorCode(code);

/** As it is told to the node. */
export function refusalOf({ code, message, row }: Refused): WriteRefusal {
  if (isTenantErrorCode(code)) return { ...new TenantError(code, message).failure, ...row };
  return { code, message, remedy: REMEDIES[code], ...row };
}

/** The status of a refusal: the request is no request, or what it asks cannot be done now, or nobody knows. */
export const statusOf = ({ code }: Pick<Refused, "code">): number =>
  code === BAD_REQUEST ? 400 : code === "outcome-unknown" ? 503 : 409;
