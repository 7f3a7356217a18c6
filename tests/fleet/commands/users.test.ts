import { describe, expect, it } from "vitest";
import { choose, userLines, userTable } from "../../../fleet/commands/users.ts";
import type { User } from "../../../fleet/open-webui/application.ts";

const user = (id: string, role: string, created_at: number, more: Partial<User> = {}): User => ({
  ...{ id, email: `${id}@acme.example`, name: id, role, profile_image_url: null, created_at },
  last_active_at: null,
  ...more,
});
const all = [
  user("first", "admin", 1),
  user("ana", "user", 2),
  user("ben", "pending", 3),
  user("second", "admin", 4),
];
const ids = (names: string[], action: Parameters<typeof choose>[3]) =>
  choose(all, names, "acme", action).map(({ id }) => id);
const refusal = (names: string[], action: Parameters<typeof choose>[3]) => () => ids(names, action);

describe("the accounts of an action", () => {
  it("are found by address, however it is written, or id, each once", () => {
    expect(ids(["ANA@acme.example", "ana", "ben"], "promote")).toEqual(["ana", "ben"]);
  });

  it.each<[Parameters<typeof choose>[3], string[]]>([
    ["approve", ["ben", "ana"]], // who is approved already stays so
    ["promote", ["ana", "ben", "second"]],
    ["demote", ["second", "ana"]],
    ["suspend", ["ana", "second", "ben"]],
    ["delete", ["ana", "ben", "second"]],
  ])("may be asked to %s", (action, names) => {
    expect(ids(names, action)).toEqual(names);
  });

  it("are refused as a whole, with everything that speaks against it", () => {
    expect(refusal(["first", "nobody", "ana"], "delete")).toThrow(
      /first is the primary admin of acme[\s\S]*hand-over[\s\S]*acme has no user "nobody"[\s\S]*No account was changed/,
    );
    expect(refusal(["first"], "demote")).toThrow(/primary admin/);
    expect(refusal(["second"], "approve")).toThrow(/second is admin: there is nothing to approve/);
    expect(refusal(["ben"], "demote")).toThrow(/ben is pending/);
  });
});

describe("accounts", () => {
  it("are listed with the primary admin marked and the time they were last seen", () => {
    const lines = userLines([
      user("first", "admin", 1_700_000_000, { last_active_at: 1_700_000_100 }),
      user("ana", "user", 1_700_000_001),
    ]);
    expect(lines[0]).toMatchObject({ primary: true, last_active_at: "2023-11-14T22:15:00.000Z" });
    expect(userTable(lines, 1_700_000_160_000).split("\n").slice(1)).toEqual([
      expect.stringMatching(/^first@acme.example +first +admin \(primary\) +1 min ago +first$/),
      expect.stringMatching(/^ana@acme.example +ana +user +never +ana$/),
    ]);
  });

  it("cannot move the terminal's cursor by their names, nor end the list by an impossible time", () => {
    const lines = userLines([user("x", "admin", 1e300, { name: "a\u001b[2Jb\u202ec\n" })]);
    expect(lines[0]?.created_at).toBe("unknown");
    expect(userTable(lines, 0)).toContain(" a[2Jbc ");
  });
});
