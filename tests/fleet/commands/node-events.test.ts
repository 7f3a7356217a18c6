import { describe, expect, test } from "vitest";
import { eventLine } from "../../../fleet/commands/event-line.ts";
import { eventsOf } from "../../../fleet/commands/node-events.ts";

const TEXT =
  'retry: 3000\n\nid: 7\nevent: job-began\ndata: {"client":"acmé"}\n\n: still here\n\nid: 8\nevent: job-ended\ndata: {"client":"b"}\n\nid: 9\nevent: cut';

async function read(size: number) {
  const bytes = Buffer.from(TEXT);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const events = [];
  for await (const event of eventsOf(chunks())) events.push(event);
  return events;
}

test.each([1, 2, 7, 1000])("events are read from pieces of %i bytes", async (size) => {
  expect(await read(size)).toEqual([
    { id: "7", name: "job-began", data: { client: "acmé" } },
    { id: "8", name: "job-ended", data: { client: "b" } },
  ]);
});

describe("an event as a line", () => {
  test.each([
    ["job-began", { client: "acme", kind: "sync", node: "a" }, "acme  sync began on a"],
    [
      "job-progress",
      { client: "acme", kind: "verify", progress: null },
      "acme  deep verification: nothing came yet",
    ],
    [
      "job-ended",
      { client: "acme", kind: "sync", status: "success", rows: 1234, bytes: 5_000_000, error: null },
      "acme  sync ended: success, 1,234 rows, 5.0 MB",
    ],
    [
      "job-ended",
      { client: "acme", kind: "sync", status: "failed", error: "the agent is away" },
      "acme  sync ended: failed, the agent is away",
    ],
    ["leader-changed", { node: "b", epoch: 7 }, "cluster  b leads, epoch 7"],
    ["state-changed", { client: "acme", to: "paused", by: "ana", reason: "" }, "acme  paused by ana"],
    ["hold-began", { client: "acme", reason: "source-empty" }, "acme  HELD: source-empty"],
    ["hold-ended", { client: "acme" }, "acme  no longer held"],
    [
      "conflict-detected",
      { client: "acme", conflict: "7", table: "chat", type: "update/update", winner: "pending" },
      "acme  conflict 7 in chat, update/update: waits for a decision",
    ],
    [
      "conflict-detected",
      { client: "acme", conflict: "7", table: "chat", type: "none/update", winner: "remote" },
      "acme  conflict 7 in chat, none/update: the remote row stays",
    ],
    [
      "conflict-written",
      { client: "acme", conflict: "7", table: "chat", host: "local" },
      "acme  conflict 7 in chat: the row is in the tenant's own database",
    ],
    [
      "conflict-refused",
      { client: "acme", conflict: "7", table: "chat", code: "constraint", error: "chat.id is not unique" },
      "acme  conflict 7 in chat: the tenant's own database refused the row, chat.id is not unique",
    ],
    [
      "write-refused",
      { client: "acme", code: "busy" },
      "acme  decided rows are not written into the tenant's own database",
    ],
    ["of another day", {}, "cluster  of another day"],
  ])("%s %j", (name, data, line) => {
    expect(eventLine({ id: "1767225600000000", name, data })).toMatch(/^\d\d:\d\d:\d\d {2}/);
    expect(eventLine({ id: "1767225600000000", name, data }).slice(10)).toBe(line);
  });
});
