import { expect, it } from "vitest";
import { drillText, readDrills } from "../../../fleet/commands/drill.ts";

const good = { at: "2026-11-22T06:00:00Z", ok: true, snapshot: "c0ffee11aabb", seconds: 31, why: null };
const bad = { ...good, ok: false, why: "table chat has 6 rows instead of 7" };

it("drills are read as their host prints them, a line each", () => {
  const text = `noise\n${JSON.stringify({ tenant: "acme", drill: good })}\n`;
  expect(readDrills(text)).toEqual([{ tenant: "acme", drill: good }]);
});

it("drills are shown with what could not be restored, and why", () => {
  const said = drillText([
    { tenant: "acme", drill: good },
    { tenant: "globex", drill: bad },
  ]);
  expect(said).toMatch(/^acme +well +c0ffee11 +31 s$/m);
  expect(said).toMatch(/^globex +NOT RESTORABLE +c0ffee11 +31 s$/m);
  expect(said).toContain("globex: table chat has 6 rows instead of 7");
  expect(drillText([])).toBe("No trial restore is due.");
});
