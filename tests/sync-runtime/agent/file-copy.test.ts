import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bringUpToDate, copyFile } from "../../../sync-runtime/agent/reader/file-copy.ts";

let root: string;
let file: string;
let copy: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "copy-"));
  file = join(root, "file");
  copy = join(root, "copy");
  writeFileSync(copy, "");
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs with descriptors of file and copy. */
function withBoth(work: (from: number, to: number) => void): void {
  const from = openSync(file, "r");
  const to = openSync(copy, "r+");
  work(from, to);
  for (const fd of [from, to]) closeSync(fd);
}

const original = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * 31) % 251));

describe("a copy", () => {
  it("is equal to its file, and no longer", () => {
    writeFileSync(file, original);
    writeFileSync(copy, Buffer.alloc(900_000, 1));
    withBoth(copyFile);
    expect(readFileSync(copy).equals(original)).toBe(true);
  });

  it("is given up half way when it is late", () => {
    writeFileSync(file, original);
    writeFileSync(copy, Buffer.alloc(original.length));
    const answers = [false, true];
    let asked = 0;
    withBoth((from, to) => {
      expect(bringUpToDate(from, to, () => answers[asked++] ?? true)).toBe(false);
      expect(readFileSync(copy).subarray(0, 1000).equals(original.subarray(0, 1000))).toBe(true);
      expect(readFileSync(copy).equals(original)).toBe(false);
      expect(bringUpToDate(from, to)).toBe(true);
    });
    expect(readFileSync(copy).equals(original)).toBe(true);
  });

  it("is equal again whatever was changed in either, cut off or added", () => {
    const length = fc.integer({ min: 0, max: original.length });
    const change = fc.tuple(
      fc.integer({ min: 0, max: original.length - 1 }),
      fc.uint8Array({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(length, length, fc.array(change), (fileLength, copyLength, changes) => {
        writeFileSync(copy, original);
        truncateSync(copy, copyLength);
        const changed = Buffer.from(original);
        for (const [at, bytes] of changes) changed.set(bytes.subarray(0, changed.length - at), at);
        const contents = changed.subarray(0, fileLength);
        writeFileSync(file, contents);
        withBoth(bringUpToDate);
        expect(readFileSync(copy).equals(contents)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
