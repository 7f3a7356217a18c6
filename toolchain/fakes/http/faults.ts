import { z } from "zod";

/** A fault of the next requests that fit it. */
const requestFault = z.strictObject({
  /** Any method where it is absent. */
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).optional(),
  /** Regular expression over the path; any path where it is absent. */
  path: z.string().refine(isExpression, "expected a regular expression").default(""),
  /** `lost`: the request is carried out, and the connection breaks before its answer. */
  answer: z.enum(["rate-limit", "server-error", "unavailable", "lost"]),
  /** Requests that go well before the first that does not. */
  skip: z.int().min(0).default(0),
  times: z.int().min(1).default(1),
});

/** A fault of the next actions of a type: they end as errored, and do nothing. */
const actionFault = z.strictObject({
  action: z.string().min(1),
  skip: z.int().min(0).default(0),
  times: z.int().min(1).default(1),
});

export const fault = z.union([requestFault, actionFault]);

export type Fault = z.infer<typeof fault>;
/** As tests write it. */
export type FaultInput = z.input<typeof fault>;
type RequestFault = z.infer<typeof requestFault>;

function isExpression(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}

/** Faults that wait for what they fit; each is used up by its `times`. */
export class Faults {
  #waiting: Fault[] = [];

  add(input: FaultInput): void {
    this.#waiting.push({ ...fault.parse(input) });
  }

  clear(): void {
    this.#waiting = [];
  }

  list(): readonly Fault[] {
    return this.#waiting;
  }

  /** The fault of this request, if it gets one. */
  ofRequest(method: string, path: string): RequestFault["answer"] | undefined {
    const found = this.#take(
      (waiting) =>
        "answer" in waiting &&
        (waiting.method === undefined || waiting.method === method) &&
        new RegExp(waiting.path).test(path),
    );
    return found && "answer" in found ? found.answer : undefined;
  }

  /** Whether this action is to fail. */
  ofAction(type: string): boolean {
    return this.#take((waiting) => "action" in waiting && waiting.action === type) !== undefined;
  }

  #take(fits: (waiting: Fault) => boolean): Fault | undefined {
    const found = this.#waiting.find(fits);
    if (!found) return undefined;
    if (found.skip > 0) {
      found.skip -= 1;
      return undefined;
    }
    found.times -= 1;
    if (found.times === 0) this.#waiting = this.#waiting.filter((waiting) => waiting !== found);
    return found;
  }
}
