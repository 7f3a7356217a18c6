import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../components/fleet-config.ts";
import {
  judgeBranding,
  onSmallFleet,
  smallFleetOf,
  tooMany,
} from "../../../toolchain/commands/licence-gate.ts";
import { usersText } from "../../../toolchain/commands/status-table.ts";

const small = { basis: "up-to-50-users", users: 50 };
const seen = (all: number, ...branded: string[]) => ({
  all,
  tenants: ["acme", "globex"].map((client) => ({
    ...{ client, users: all },
    licence: branded.includes(client) ? small : null,
  })),
});

describe("branding because few use the fleet", () => {
  it.each([
    ["with 50 persons it may begin", ["acme"], seen(50), { past: false, refused: [] }],
    ["with 51 it may not", ["acme"], seen(51), { past: true, refused: ["acme"] }],
    ["what stood on it stays, and is warned of", ["acme"], seen(51, "acme"), { past: true, refused: [] }],
    [
      "what comes beside it does not",
      ["acme", "globex"],
      seen(51, "acme"),
      { past: true, refused: ["globex"] },
    ],
    ["another basis is not asked about", [], seen(5000), { past: false, refused: [] }],
  ])("%s", (_, wanted, users, judged) => {
    expect(judgeBranding(wanted, users)).toEqual(judged);
  });

  it("is found in a config by its basis alone", () => {
    const tenants = [
      { id: "acme", branding: { basis: "up-to-50-users" } },
      { id: "globex", branding: { basis: "enterprise-licence" } },
      { id: "plain" },
    ];
    expect(onSmallFleet({ tenants } as unknown as Fleet)).toEqual(["acme"]);
  });

  it("is refused with what, why and what to do", () => {
    expect(tooMany(["acme"], 51).message).toMatch(
      /acme cannot be branded[\s\S]*51 persons[\s\S]*Clause 4[\s\S]*another basis[\s\S]*stay as they are/,
    );
  });
});

describe("status says", () => {
  it.each([
    [{ active: 1, allowed: null }, "1 person used it within 30 days"],
    [{ active: 12, allowed: 50 }, "12 persons used it within 30 days; branding on up-to-50-users covers 50"],
    [
      { active: 51, allowed: 50 },
      "51 PERSONS USED IT WITHIN 30 DAYS: MORE THAN THE 50 that branding on up-to-50-users covers (docs/runbook.md#usersoverlicence)",
    ],
  ])("%j as %s", (users, text) => {
    expect(usersText({ ...users, tenants: {} })).toBe(text);
  });

  it("the least that any basis covers, and nothing where none is bounded so", () => {
    expect(smallFleetOf(seen(1, "acme").tenants)).toBe(50);
    expect(
      smallFleetOf([{ client: "a", users: 1, licence: { basis: "enterprise-licence", users: 9 } }]),
    ).toBeNull();
  });
});
