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

describe("a spool", () => {
  it("refuses what would leave less than 512 MB of the disk free, before it is written", async () => {
    const spool = new Spool(state, async () => 600 * 1024 * 1024);
    await spool.requireSpace(0);
    await spool.requireSpace(88 * 1024 * 1024);
    await expect(spool.requireSpace(89 * 1024 * 1024)).rejects.toMatchObject({
      code: "spool-full",
      message:
        "629 MB are free on the agent's disk, of which 537 MB stay free; 93 MB were needed for a copy of the database.",
      failure: { remedy: expect.stringContaining("Free disk space") },
    });
    const full = new Spool(state, async () => 0);
    await expect(full.requireSpace(0)).rejects.toMatchObject({ code: "spool-full" });
  });

  it("knows its size, and forgets a file with what SQLite left beside it", async () => {
    const spool = new Spool(state);
    await writeFile(file.path, Buffer.alloc(1000));
    await writeFile(`${file.path}-wal`, Buffer.alloc(200));
    expect(await spool.bytes()).toBe(1200);
    await file[Symbol.asyncDispose]();
    expect(await spool.bytes()).toBe(0);
    file = await spool.create("acme");
  });
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
