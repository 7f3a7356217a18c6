import { afterAll, beforeAll, describe } from "vitest";
import { kind, missing, type Package } from "./plugins.ts";
import { Stack } from "./stack.ts";

/**
 * The conformance suite of a package: tests share one stack, in their order, and run against the stand-ins or the real
 * plugins. What is not there is skipped, and the title says so.
 */
export const conformance = (name: Package, tests: (stack: () => Stack) => void): void => {
  const reason = missing(name);
  if (reason) {
    describe.skip(`${name}: not run, ${reason}`, () => tests(() => undefined as never));
    return;
  }
  describe(`${name}, ${kind === "real" ? "the real plugin" : "the stand-in"}`, () => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await Stack.create();
    });
    tests(() => stack);
    // Registered last, it runs first: what the tests set up is still there to be destroyed in.
    afterAll(() => stack?.remove());
  });
};
