import { describe, expect, it } from "vitest";
import { planOf, projects, sharesMachine } from "../../../toolchain/commands/test-project.ts";

describe("what npm test runs when", () => {
  it("is everything, the end-to-end suite beside the others", () => {
    expect(planOf([], false)).toEqual({
      screen: ["unit", "database", "runtime", "conformance"],
      beside: "e2e",
    });
  });

  it("is the unit tests with the machine to themselves", () => {
    expect(projects.filter((project) => !sharesMachine(project))).toEqual(["unit"]);
  });

  it("is one after the other where that is asked for", () => {
    expect(planOf([], true)).toEqual({ screen: projects });
  });

  it("is what is named, on the screen where nothing could run beside it", () => {
    expect(planOf(["runtime"], false)).toEqual({ screen: ["runtime"] });
    expect(planOf(["e2e"], false)).toEqual({ screen: ["e2e"] });
    expect(planOf(["unit", "e2e"], false)).toEqual({ screen: ["unit", "e2e"] });
    expect(planOf(["e2e", "database"], false)).toEqual({ screen: ["database"], beside: "e2e" });
  });
});
