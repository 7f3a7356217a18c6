import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readTar,
  type TarEntry,
  TarError,
  tarEnd,
  tarHead,
  tarPadding,
} from "../../../sync-runtime/backup/tar.ts";

const entry = fc.record({
  path: fc
    .uint8Array({ minLength: 1, maxLength: 700 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x78 : byte)))),
  directory: fc.boolean(),
  mode: fc.integer({ min: 0, max: 0o777 }),
  modified: fc.integer({ min: 0, max: 2 ** 34 }),
  contents: fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
});
type Given = typeof entry extends fc.Arbitrary<infer T> ? T : never;

const written = (entries: readonly Given[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap(({ path, directory, mode, modified, contents }) => {
      const bytes = directory ? 0 : contents.length;
      const head = tarHead({ path, kind: directory ? "directory" : "file", mode, modified, bytes });
      return directory ? [head] : [head, contents, tarPadding(bytes)];
    }),
    tarEnd(),
  ]);

async function* pieces(archive: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
}

async function read(
  archive: Buffer,
  size = 1024,
): Promise<(Omit<TarEntry, "bytes"> & { contents: Buffer })[]> {
  const found = [];
  for await (const { bytes: _, contents, ...entry } of readTar(pieces(archive, size)))
    found.push({ ...entry, contents: Buffer.concat(await Array.fromAsync(contents)) });
  return found;
}

describe("an archive", () => {
  it("gives back what was put in, whatever the names and however it comes in pieces", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 8 }),
        fc.integer({ min: 1, max: 5_000 }),
        async (entries, size) => {
          const found = await read(written(entries), size);
          expect(found).toEqual(
            entries.map(({ path, directory, mode, modified, contents }) => ({
              ...{ path, kind: directory ? "directory" : "file", mode, modified },
              contents: directory ? Buffer.alloc(0) : contents,
            })),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("that is cut anywhere is told from a whole one", async () => {
    const whole = written([
      {
        path: Buffer.from("a"),
        directory: false,
        mode: 0o600,
        modified: 1,
        contents: Buffer.alloc(700, "x"),
      },
    ]);
    for (let length = 0; length < whole.length - 512; length += 97)
      await expect(read(whole.subarray(0, length))).rejects.toThrow(TarError);
  });

  it("with a header that somebody changed is refused", async () => {
    const changed = written([
      { path: Buffer.from("a"), directory: false, mode: 0o600, modified: 1, contents: Buffer.from("x") },
    ]);
    changed[0] = 0x62;
    await expect(read(changed)).rejects.toThrow("does not add up");
  });

  it("of more than eight gigabytes says so", () => {
    const head = tarHead({ path: Buffer.from("a"), kind: "file", mode: 0, modified: 0, bytes: 2 ** 40 });
    expect(head.readBigUInt64BE(124 + 4)).toBe(2n ** 40n);
    expect(head[124]).toBe(0x80);
  });
});
