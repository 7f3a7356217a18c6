import type { z } from "zod";

/** One thing that is wrong with a stack's config. */
export interface Problem {
  /** Where, in the notation of `pulumi config --path`: `tenants.acme.memory.limit`. */
  path: string;
  /** What stands there; never a secret's value. */
  found: string;
  /** What to do about it. */
  remedy: string;
}

/** The stack's config cannot be used. The message lists every problem, so that one round of editing is enough. */
export class FleetConfigError extends Error {
  readonly code = "FLEET_CONFIG";
  readonly problems: Problem[];

  constructor(stack: string, problems: Problem[]) {
    const sorted = problems.toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
    super(message(stack, sorted));
    this.name = "FleetConfigError";
    this.problems = sorted;
  }
}

const message = (stack: string, problems: Problem[]): string =>
  [
    `Pulumi.${stack}.yaml has ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}. Nothing was changed.`,
    ...problems.map(({ path, found, remedy }) => `\n  ${path}\n    found:  ${found}\n    remedy: ${remedy}`),
  ].join("\n");

/** `["tenants", "acme", "connections", 0]` as `tenants.acme.connections[0]`; an odd name goes into brackets too. */
export const pathOf = (steps: readonly PropertyKey[]): string =>
  steps.reduce<string>(
    (path, step) =>
      typeof step === "number" || !/^[\w-]+$/.test(String(step))
        ? `${path}[${JSON.stringify(step)}]`
        : `${path}${path && "."}${String(step)}`,
    "",
  );

/** Refuses a value inside a zod refinement; `at` is relative to the refined schema. */
export function refuse(
  context: { addIssue(issue: z.core.$ZodRawIssue): void; value: unknown },
  problem: { at?: PropertyKey[]; found: string; remedy: string },
): void {
  const { at = [], ...params } = problem;
  context.addIssue({ code: "custom", input: context.value, path: at, params });
}
