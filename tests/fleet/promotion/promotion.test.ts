import { describe, expect, it } from "vitest";
import { promotedOf, refusalsOf, rollbackText } from "../../../fleet/commands/promotion.ts";
import { promotionPlan, promotionSaga } from "../../../fleet/promotion/saga.ts";
import type { Operation } from "../../../fleet/saga/operation.ts";
import { tenantSpec } from "../../components/specs.ts";

const to = "postgres://owui@db.example.com/acme";
const url = "postgresql://owui@db.example.com/acme";
const whats = (spec: Parameters<typeof tenantSpec>[0], target = to) =>
  refusalsOf(tenantSpec(spec), target).map(({ what }) => what);

describe("a tenant that cannot be promoted", () => {
  it("is none that runs and is synced one way", () => {
    expect(whats({})).toEqual([]);
    expect(whats({}, "postgres://owui:hunter2@10.1.2.3:5433/acme?sslmode=require")).toEqual([]);
  });

  it("is told everything that speaks against it at once", () => {
    const sync = { ...tenantSpec().sync, direction: "both" } as const;
    expect(whats({ running: false, sync }, "postgres://owui@127.0.0.1/acme")).toEqual([
      "Edits of acme's replica are written into its database.",
      "acme does not run.",
      '--to is "127.0.0.1", which a tenant\'s container cannot reach.',
    ]);
  });

  it("is one that is on Postgres already", () => {
    expect(whats({ database: { kind: "postgres", url, password: "x" } })).toEqual([
      "acme works on a Postgres already.",
    ]);
  });

  it("never has the password of what was typed in its message", () => {
    const text = JSON.stringify(refusalsOf(tenantSpec(), "postgres://owui:hunter2@localhost/acme"));
    expect(text).toContain("localhost");
    expect(text).not.toContain("hunter2");
  });
});

describe("what an operator is asked", () => {
  it("names the rows, the place, how long it takes, and what is given up", () => {
    const rehearsal = { rows: 412, tables: 43, leftOut: 0, seconds: 2.3 };
    expect(promotionPlan("acme", { url }, { rehearsal }, false)).toBe(
      [
        "acme goes from its SQLite file to the Postgres db.example.com/acme: 412 rows in 43 tables fit.",
        "It is stopped for its last sync and the filling, and its users wait for about 63 s. If it does not start on it, its SQLite file comes back by itself.",
        "From then on its replica follows nothing and the fleet backs nothing of it up: that is for whoever runs the Postgres.",
        "Until you confirm it, it can be taken back to its SQLite file as it is now; what is written into Postgres until then would not be in that.",
      ].join("\n"),
    );
    expect(promotionPlan("acme", { url }, { rehearsal: { ...rehearsal, leftOut: 2 } }, false)).toContain(
      "fit, AND 2 ARE LEFT OUT.",
    );
    expect(promotionPlan("acme", { url }, { rehearsal }, true)).toContain(
      "Its backups hold the Postgres from then on, and begin anew: until one was restored for a trial it is not protected.",
    );
  });

  it("before going back is what that loses, table by table", () => {
    expect(rollbackText("acme", [{ name: "chat", made: 3, gone: 1 }])).toContain(
      "NOT IN THAT, and lost to its users, is what was written into its Postgres since: chat 3 rows made or changed, 1 changed or deleted. The Postgres keeps it.",
    );
    expect(rollbackText("acme", [])).toContain("Nothing was written into its Postgres since.");
    expect(rollbackText("acme", "it does not answer")).toContain("cannot be told: it does not answer");
  });
});

it("what scripts read of a promotion has no more than what was found", () => {
  const request = { url, leaveOut: false, force: false, yes: true };
  const found = { rows: { chat: 3, user: 1 }, downtime: 41.2, fillSeconds: 2.1, report: "/x.json" };
  expect(promotedOf({ id: "7", client: "acme", request, found })).toEqual({
    ...{ tenant: "acme", operation: "7", to: url, rows: 4, tables: 2, leftOut: 0 },
    ...{ fill: 2.1, downtime: 41.2, report: "/x.json" },
  });
});

it("is aborted by a word alone only as long as nobody was served on Postgres", () => {
  const at = (done: number) =>
    promotionSaga.takenBackBy?.({
      client: "acme",
      done,
      steps: promotionSaga.steps.map(({ name }) => name),
    } as Operation);
  expect(at(5)).toBeUndefined();
  expect(at(6)).toContain("npx fleet promote acme --rollback");
  expect(at(7)).toContain("npx fleet promote acme --rollback");
  expect(at(8)).toContain("npx fleet promote acme --rollback");
});

it("can be taken back until it is confirmed, which it waits for", () => {
  expect(promotionSaga.steps.map(({ name }) => name)).toEqual([
    ...["look", "rehearse", "ask", "stop", "sync", "fill", "switch", "gate", "confirm"],
  ]);
  expect(promotionSaga.abortable).toBe(8);
  expect(promotionSaga.steps.flatMap(({ name, waits }) => (waits ? [name] : []))).toEqual(["confirm"]);
});
