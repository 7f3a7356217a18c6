import { describe, expect, it } from "vitest";
import { duration, Steps } from "../../../toolchain/setup/steps.mjs";

/** Steps that print into a list, under a clock that the test moves. */
const rehearsal = () => {
  const lines: string[] = [];
  let now = 0;
  let tick = () => {};
  const clock = {
    now: () => now,
    every: (_: number, then: () => void) => {
      tick = then;
      return () => {};
    },
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return {
    steps: new Steps({ write: (text: string) => lines.push(text) }, clock),
    lines,
    pass,
    tick: () => tick(),
  };
};

describe("a step", () => {
  it("ends with what it did and how long it took", async () => {
    const { steps, lines, pass } = rehearsal();
    await steps.run("engine", () => {
      pass(1_234);
      return "Docker 20.10.24";
    });
    expect(lines).toEqual([`  ✓ engine        Docker 20.10.24${" ".repeat(59)}1.2 s\n`]);
  });

  it("says once what it is doing, and again how long it has been doing so", async () => {
    const { steps, lines, pass, tick } = rehearsal();
    await steps.run("pulumi", (progress) => {
      progress("building");
      progress("building");
      pass(20_000);
      tick();
      return "built";
    });
    expect(lines.slice(0, -1)).toEqual([
      "  … pulumi        building\n",
      "  … pulumi        building (20.0 s so far)\n",
    ]);
  });

  it("answers what its work answers, told in words of its own", async () => {
    const { steps, lines } = rehearsal();
    const answer = await steps.run(
      "fleet",
      async () => ({ created: 3 }),
      ({ created }) => `${created} created`,
    );
    expect(answer).toEqual({ created: 3 });
    expect(lines.join()).toContain("3 created");
  });

  it("is marked when it fails, and the failure goes on", async () => {
    const { steps, lines } = rehearsal();
    const failing = steps.run("images", () => Promise.reject(new Error("no disk")));
    await expect(failing).rejects.toThrow("no disk");
    expect(lines.join()).toContain("✗ images        failed");
  });
});

describe("a duration", () => {
  it.each([
    [0, "0.0 s"],
    [12_340, "12.3 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min 0 s"],
    [119_600, "2 min 0 s"],
    [247_000, "4 min 7 s"],
  ])("of %d ms reads %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
