/** What keeps a source from being copied. */
export type AdoptProblem =
  | "no-database"
  | "database-unreadable"
  | "database-damaged"
  | "source-changed"
  | "copy-differs"
  | "no-space";

/** The source was not copied, or not whole; it was only read, and is as it was. */
export class AdoptError extends Error {
  override name = "AdoptError";
  readonly problem: AdoptProblem;

  constructor(problem: AdoptProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
