import { describe, expect, it } from "vitest";
import { resultText, rollbackText } from "../../../fleet/commands/move.ts";
import { type Known, planOf, planText } from "../../../fleet/move/plan.ts";
import { replicaText } from "../../../fleet/move/saga.ts";

const look = {
  data: true,
  bytes: 1_000_000_000,
  free: 9_000_000_000,
  image: true,
  agent: true,
  aside: false,
};
const known = (
  over: {
    spec?: object;
    to?: object;
    source?: object;
    target?: object;
    dns?: object;
    neighbours?: boolean;
  } = {},
): Known =>
  ({
    spec: {
      ...{ id: "acme", domain: "chat.acme.example", running: true, proxied: false, certificate: "acme" },
      sync: { direction: "one" },
      ...over.spec,
    },
    from: { id: "fra1-a", kind: "ssh", root: "/srv/fleet" },
    to: { id: "fra1-b", kind: "ssh", root: "/srv/fleet", ...over.to },
    dns: over.dns ?? { kind: "cloudflare", zones: ["acme.example"] },
    ...{ address: "203.0.113.20", neighbours: over.neighbours ?? true },
    source: { ...look, ...over.source },
    target: { ...look, data: false, bytes: 0, ...over.target },
  }) as unknown as Known;

describe("a move that is planned", () => {
  it("says what goes where, and what becomes of name and certificate", () => {
    expect(planText(planOf(known()))).toBe(
      [
        "acme goes from fra1-a to fra1-b: 1000 MB, of which fra1-b has 9000 MB free.",
        "chat.acme.example is made to lead to 203.0.113.20. Who remembers the old address, for five minutes at most, is led on by the old host.",
        "The certificate comes along and is shown at once; the new host asks for one of its own.",
      ].join("\n"),
    );
  });

  it.each([
    ["is stopped", { spec: { running: false } }, /acme is stopped/],
    ["is synced both ways", { spec: { sync: { direction: "both" } } }, /synced both ways/],
    ["works on a Postgres", { spec: { database: { kind: "postgres" } } }, /works on a Postgres/],
    ["has no database", { source: { data: false } }, /no database of acme/],
    ["goes to a host that is not ready", { target: { agent: false } }, /fra1-b is not ready/],
    ["goes where data of it lies", { target: { data: true } }, /has data of acme already/],
    ["goes where something of it was set aside", { target: { aside: true } }, /has data of acme already/],
    ["does not fit", { target: { free: 1_500_000_000 } }, /1500 MB free, and 2000 MB are needed/],
  ])("is refused of a tenant that %s", (_, over, said) => {
    const plan = planOf(known(over));
    expect(plan.refused).toHaveLength(1);
    expect(planText(plan)).toMatch(said);
  });

  it.each([
    ["a proxy holds", { spec: { proxied: true } }, /stays with Cloudflare's proxy/],
    [
      "an operator sets",
      { dns: { kind: "manual" } },
      /You make chat.acme.example lead to 203.0.113.20 yourself/,
    ],
    ["lies in no zone", { dns: { kind: "cloudflare", zones: ["other.example"] } }, /yourself/],
  ])("says of a name that %s who changes it", (_, over, said) => {
    expect(planOf(known(over)).notes[0]).toMatch(said);
  });
});

it("says where the last tenant leaves a host that this one leads nobody on", () => {
  expect(planText(planOf(known({ neighbours: false })))).toContain("it leads nobody on");
});

it("says of what earlier operations set aside that it does not come along", () => {
  expect(planText(planOf(known({ source: { aside: true } })))).toContain("does not come along");
});

const received = (sent: number) => ({
  ...{ files: 7, bytes: 1_000_000_000, sent, sha256: "ab".repeat(32), moving: 0, special: 0 },
});
const request = { from: "fra1-a", to: "fra1-b" };

describe("a move that was made", () => {
  const parts = {
    ...{ stoppedAt: "2026-11-22T12:00:00Z", stopSeconds: 1.2, deltaSeconds: 3.4, startSeconds: 12.1 },
    ...{ downtimeSeconds: 17, last: received(5_000_000), forwards: true },
  };

  it("tells the time in which nobody was served, and that both sides are the same", () => {
    const text = resultText({
      client: "acme",
      request,
      found: { passes: [received(1_000_000_000)], parts, replica: "Its replica equals it." },
    });
    expect(text).toContain("Nobody was served for 17 s: stop 1.2 s, rest of the data 3.4 s, start 12.1 s.");
    expect(text).toContain(
      "7 files with 1000.0 MB, the same on both sides (sha256 over all abababababababab…); sent: 1000.0 MB, 5.0 MB.",
    );
    expect(text).toContain("fra1-a leads on whoever still comes there.");
    expect(text).toContain("npx fleet move acme --rollback");
  });

  it("invents no time that a runner took with it", () => {
    const lost = { ...parts, stopSeconds: null, deltaSeconds: null, downtimeSeconds: null, last: null };
    expect(resultText({ client: "acme", request, found: { parts: lost } })).toContain(
      "Nobody was served for not measured: stop not measured",
    );
  });

  it("says before it is taken back what was written, and that it comes along", () => {
    expect(rollbackText("acme", request, "2026-11-22T12:00:00Z", { chat: 3, message: 40 })).toContain(
      "Written there since 2026-11-22T12:00:00Z, by table: chat 3, message 40. All of it comes along.",
    );
    expect(rollbackText("acme", request, undefined, {})).toContain("nobody worked with it on fra1-b");
  });

  it("does not call a replica equal that is held", () => {
    expect(replicaText({ equal: true, held: { id: "1" } })).toContain("held");
    expect(replicaText({ equal: false, held: null })).toContain("not found equal");
    expect(replicaText({ equal: true, held: null })).toBe("Its replica equals it.");
  });
});
