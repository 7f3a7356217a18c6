import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Spool, type SpoolFile, SpoolTail } from "../../../sync-runtime/agent/spool.ts";

let state: string;
let file: SpoolFile;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "spool-"));
  const spool = new Spool(state);
  await spool.clear();
  file = await spool.create("acme");
});
afterEach(async () => {
  await file[Symbol.asyncDispose]();
  await rm(state, { recursive: true });
});

describe("the tail of a spool file", () => {
  it("gives what is there while more is written, and nothing that was not announced", async () => {
    const tail = new SpoolTail();
    const chunks = tail.read(file.fd);
    await writeFile(file.path, "abcdef");
    tail.grow(2);
    expect((await chunks.next()).value?.toString()).toBe("ab");
    const next = chunks.next();
    tail.grow(5);
    expect((await next).value?.toString()).toBe("cde");
    const last = chunks.next();
    tail.end();
    expect((await last).done).toBe(true);
  });

  it("gives everything announced before its end, in pieces", async () => {
    const bytes = Buffer.alloc(1_000_000, "frames");
    await writeFile(file.path, bytes);
    const tail = new SpoolTail();
    tail.grow(bytes.length);
    tail.end();
    const pieces = await Array.fromAsync(tail.read(file.fd));
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces)).toEqual(bytes);
  });

  it("does not wait for bytes that the file does not have", async () => {
    const tail = new SpoolTail();
    tail.grow(1);
    await expect(tail.read(file.fd).next()).rejects.toThrow("more were announced");
  });
});
