import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  acknowledge,
  EMPTY_RECORD,
  loadRecord,
  type SyncPoint,
  type SyncRecord,
  saveRecord,
} from "../../../sync-runtime/agent/sync-record.ts";

const point = (sync: string): SyncPoint => ({ sync, identity: "i", fingerprint: "f", tables: 1, rows: 2 });
const [a, b, stranger] = [
  "0b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10",
  "1b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10",
  "2b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10",
] as const;
const record: SyncRecord = { generation: 3, committed: point(a), pending: point(b) };

describe("a node's word about what it committed", () => {
  it.each<[string, SyncRecord, string | null, SyncRecord]>([
    ["promotes the pending sync", record, b, { generation: 3, committed: point(b), pending: null }],
    ["drops the pending sync", record, a, { generation: 3, committed: point(a), pending: null }],
    [
      "begins anew for an id that is neither",
      record,
      stranger,
      { generation: 4, committed: null, pending: null },
    ],
    [
      "begins anew for a target that has nothing",
      record,
      null,
      { generation: 4, committed: null, pending: null },
    ],
    ["begins the first generation", EMPTY_RECORD, null, { generation: 1, committed: null, pending: null }],
    [
      "begins anew for a store that was lost",
      EMPTY_RECORD,
      a,
      { generation: 1, committed: null, pending: null },
    ],
  ])("%s", (_, known, committed, expected) => {
    expect(acknowledge(known, committed)).toEqual(expected);
  });

  it("is never taken for a sync that was not offered, whatever was asked before", () => {
    const asked = fc.array(
      fc.record({ committed: fc.constantFrom(a, b, stranger, null), offered: fc.boolean() }),
    );
    fc.assert(
      fc.property(asked, (requests) => {
        let known = EMPTY_RECORD;
        let next = 0;
        const offered = new Set<string>();
        for (const request of requests) {
          const answered = acknowledge(known, request.committed);
          expect(answered.generation).toBeGreaterThanOrEqual(known.generation);
          if (answered.committed) expect(answered.committed.sync).toBe(request.committed);
          if (answered.committed) expect(offered).toContain(answered.committed.sync);
          const sync = [a, b][next++ % 2] as string;
          if (request.offered) offered.add(sync);
          known = request.offered ? { ...answered, pending: point(sync) } : answered;
        }
      }),
    );
  });
});

describe("a record's file", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "record-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("gives back what was saved last, and leaves nothing else behind", async () => {
    const path = join(directory, "acme.json");
    await saveRecord(path, EMPTY_RECORD);
    await saveRecord(path, record);
    expect(await loadRecord(path)).toEqual(record);
    expect(await readdir(directory)).toEqual(["acme.json"]);
  });

  it.each([
    ["missing", undefined],
    ["torn", '{"generation":3,"comm'],
    ["of another shape", '{"generation":"three"}'],
  ])("is an empty memory when it is %s", async (_, content) => {
    const path = join(directory, "acme.json");
    if (content !== undefined) await writeFile(path, content);
    expect(await loadRecord(path)).toEqual(EMPTY_RECORD);
  });

  it("survives a crash between draft and replacement", async () => {
    const path = join(directory, "acme.json");
    await saveRecord(path, record);
    await writeFile(`${path}.draft`, "half");
    expect(await loadRecord(path)).toEqual(record);
    await saveRecord(path, EMPTY_RECORD);
    expect(await loadRecord(path)).toEqual(EMPTY_RECORD);
  });
});
