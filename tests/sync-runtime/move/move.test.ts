import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { frameBytes } from "../../../sync-runtime/move/frame.ts";
import { have, haveText, readHave } from "../../../sync-runtime/move/have.ts";
import { PIECE_BYTES } from "../../../sync-runtime/move/pieces.ts";
import { receive } from "../../../sync-runtime/move/receive.ts";
import { send } from "../../../sync-runtime/move/send.ts";

async function* chunked(bytes: Buffer, size = 7_001): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("a tenant's data on its way to another host", () => {
  let bench: string;
  const source = (path = "") => join(bench, "source", path);
  const target = (path = "") => join(bench, "target", path);

  beforeEach(() => {
    bench = mkdtempSync(join(tmpdir(), "move-"));
    mkdirSync(source("uploads/deep"), { recursive: true });
    mkdirSync(target());
    writeFileSync(source("webui.db"), randomBytes(10 * PIECE_BYTES + 17));
    writeFileSync(source("empty"), "");
    writeFileSync(source("uploads/deep/a file\nwith 'every' $(character)"), "content");
    writeFileSync(Buffer.concat([Buffer.from(source("uploads/")), Buffer.from([0xff, 0xfe])]), "no text");
    symlinkSync("../webui.db", source("uploads/inside"));
    symlinkSync("/etc/passwd", source("uploads/outside"));
  });
  afterEach(() => rmSync(bench, { recursive: true }));

  /** What the source sends in one pass. */
  async function sent(reading?: (path: string) => Promise<void>): Promise<Buffer> {
    const there = readHave(haveText(await have(target(), join(bench, "target.ledger"))));
    const frames: Buffer[] = [];
    await send(
      {
        ...{ tree: source(), ledger: join(bench, "source.ledger"), there: there ?? new Map() },
        ...(reading ? { reading } : {}),
      },
      async (bytes) => void frames.push(bytes),
    );
    return Buffer.concat(frames);
  }
  const put = (bytes: Buffer, still = false) =>
    receive({ tree: target(), ledger: join(bench, "target.ledger"), still }, chunked(bytes));
  const pass = async (still = false) => put(await sent(), still);

  const same = () =>
    expect(execFileSync("diff", ["-r", "--no-dereference", source(), target()]).toString()).toBe("");

  it("comes over whole, names of any bytes, links as they are and modes with it", async () => {
    execFileSync("chmod", ["0751", source("empty")]);
    utimesSync(source("empty"), 1_000, 1_234.567);
    const received = await pass();
    same();
    expect(received).toMatchObject({ files: 4, moving: 0, special: 0 });
    expect(readlinkSync(target("uploads/outside"))).toBe("/etc/passwd");
    expect(statSync(target("empty")).mode & 0o7777).toBe(0o751);
    expect(statSync(target("empty")).mtimeMs).toBe(1_234_567);
    expect(statSync(target("uploads")).mode & 0o7770).toBe(0o2750);
  });

  it("sends again only the pieces that changed, and nothing where nothing did", async () => {
    await pass();
    const file = openSync(source("webui.db"), "r+");
    writeSync(file, "changed", 3 * PIECE_BYTES + 5);
    expect(await pass()).toMatchObject({ sent: PIECE_BYTES });
    same();
    expect(await pass(true)).toMatchObject({ sent: 0, files: 4 });
    same();
  });

  it("follows what grows, shrinks, goes, and becomes something else", async () => {
    await pass();
    appendFileSync(source("empty"), "not any more");
    writeFileSync(source("webui.db"), randomBytes(PIECE_BYTES));
    rmSync(source("uploads/deep"), { recursive: true });
    writeFileSync(source("uploads/deep"), "a file now");
    rmSync(source("uploads/inside"));
    mkdirSync(source("uploads/inside"));
    rmSync(source("uploads/outside"));
    symlinkSync("elsewhere", source("uploads/outside"));
    await pass();
    same();
    expect(lstatSync(target("uploads/inside")).isDirectory()).toBe(true);
  });

  it("brings back what something else changed at the target", async () => {
    await pass();
    writeFileSync(target("empty"), "a trial wrote here");
    writeFileSync(target("stranger"), "");
    appendFileSync(target("webui.db"), "more");
    expect(await pass()).toMatchObject({ sent: expect.any(Number) });
    same();
    expect(existsSync(target("stranger"))).toBe(false);
  });

  it("goes on where a pass was cut off", async () => {
    const bytes = await sent();
    await expect(put(bytes.subarray(0, bytes.length / 2))).rejects.toThrow("was cut off");
    await pass();
    same();
  });

  it("takes a file along that is written meanwhile, says so, and refuses it once nothing should run", async () => {
    const writing = async (path: string) => {
      if (path === "webui.db") appendFileSync(source(path), "by people");
    };
    expect(await put(await sent(writing))).toMatchObject({ moving: 1 });
    await expect(put(await sent(writing), true)).rejects.toThrow("1 files were written while they were read");
    expect(await pass(true)).toMatchObject({ moving: 0 });
    same();
  });

  it("leaves pipes behind, and counts them", async () => {
    execFileSync("mkfifo", [source("pipe")]);
    expect(await pass()).toMatchObject({ special: 1 });
    expect(existsSync(target("pipe"))).toBe(false);
  });

  it("notices a byte that changed on the way", async () => {
    const bytes = await sent();
    const at = bytes.indexOf("content");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await expect(put(bytes)).rejects.toThrow(/The copy of uploads\/deep\/a file.* is not what was read/);
  });

  const owner = { mode: 0o755, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  it.each([
    ["above the folder", [{ kind: "file", path: "../escaped", ...owner, modified: 0 }]],
    ["at an absolute path", [{ kind: "file", path: "/escaped", ...owner, modified: 0 }]],
    [
      "behind a link",
      [
        { kind: "link", path: "way", target: ".." },
        { kind: "file", path: "way/escaped", ...owner, modified: 0 },
      ],
    ],
  ] as const)("writes nothing %s", async (_, frames) => {
    const bytes = Buffer.concat(frames.map((frame) => frameBytes(frame)));
    await expect(put(bytes)).rejects.toThrow("cannot be there");
    expect(existsSync(join(bench, "escaped"))).toBe(false);
  });

  it("refuses a stream that is none", async () => {
    await expect(put(Buffer.from("sudo: a password is required"))).rejects.toThrow("makes no sense");
    await expect(put(Buffer.alloc(0))).rejects.toThrow("was cut off");
  });

  it("needs no ledger: a torn one only has it read everything again", async () => {
    await pass();
    writeFileSync(join(bench, "source.ledger"), readFileSync(join(bench, "source.ledger")).subarray(0, 40));
    rmSync(join(bench, "target.ledger"));
    expect(await pass(true)).toMatchObject({ sent: 0 });
    same();
  });
});
