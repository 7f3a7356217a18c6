import { describe, expect, test } from "vitest";
import { refusalOf } from "../../../toolchain/commands/gate.ts";
import { allowing, type Report } from "../../../toolchain/preview/change.ts";

const report = (changed: Partial<Report> = {}): Report => ({
  ...{ about: "preview", stack: "prod", risk: "data", counts: {}, errors: [], diff: "", sum: "" },
  subjects: [
    { kind: "tenant", id: "acme", host: "fra1-a", changes: [{ text: "restarts", risk: "restart" }] },
    {
      ...{ kind: "host", id: "fra1-b" },
      changes: [{ text: "the droplet is replaced (image)", risk: "replacement", stop: true }],
    },
  ],
  policies: { checked: ["image-by-digest"], violations: [] },
  ...changed,
});
const violation = (level: "mandatory" | "advisory") => ({
  checked: ["firewall-closed"],
  violations: [
    { policy: "firewall-closed", level, resource: "fra1-b-firewall", message: "22 is open\nto the world" },
  ],
});

describe("up refuses", () => {
  test("what a preview stops at, with the words that let it go", () => {
    expect(refusalOf(report())).toBe(`
  ✗ STOP: host fra1-b: the droplet is replaced (image)

    What stands behind STOP does not come back by itself. If it is meant:
      npm run up -- --stack prod --allow fra1-b
    All of the change: npm run preview -- --stack prod

Nothing was changed.`);
  });

  test("nothing of what was allowed, and the rest all the same", () => {
    expect(refusalOf(allowing(report(), ["fra1-b"]))).toBeUndefined();
    expect(refusalOf(allowing(report(), ["fra1-a", "acme"]))).toContain("--allow fra1-b");
  });

  test("what breaks a mandatory policy, which nobody can allow", () => {
    const said = refusalOf(allowing(report({ policies: violation("mandatory") }), ["fra1-b"]));
    expect(said).toContain("✗ firewall-closed: fra1-b-firewall: 22 is open");
    expect(said).toContain("--allow does not reach it");
    expect(said).not.toContain("If it is meant");
  });

  test("nothing that refuses itself, for its own subject alone", () => {
    const text = "its database is not in its data directory";
    const changes = [{ text, risk: "data", stop: true, itself: true } as const];
    expect(refusalOf(report({ subjects: [{ kind: "tenant", id: "acme", changes }] }))).toBeUndefined();
  });

  test("nothing for advice", () => {
    expect(refusalOf(report({ subjects: [], policies: violation("advisory") }))).toBeUndefined();
  });

  test("nothing for a fault of one part: the change itself meets it and says so", () => {
    expect(refusalOf(report({ subjects: [], errors: ["fra1-b does not answer"] }))).toBeUndefined();
  });
});
