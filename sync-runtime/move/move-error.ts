/** What keeps data from being moved. */
export type MoveProblem = "stream-damaged" | "copy-differs" | "source-changed" | "no-space";

/** The data did not come over, or not whole; the source was only read, and is as it was. */
export class MoveError extends Error {
  override name = "MoveError";
  readonly problem: MoveProblem;

  constructor(problem: MoveProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
