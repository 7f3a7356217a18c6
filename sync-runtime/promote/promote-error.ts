/** What keeps a replica from being promoted, by name. */
export type PromoteErrorCode =
  | "target-unreachable"
  | "target-password"
  | "target-lost"
  | "target-used"
  | "target-foreign"
  | "version-unknown"
  | "version-differs"
  | "schema-unknown"
  | "replica-changed"
  | "not-equal";

/** No strict database was made; the message says why, what became of the target and what to do. */
export class PromoteError extends Error {
  override name = "PromoteError";
  readonly code: PromoteErrorCode;

  constructor(code: PromoteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
