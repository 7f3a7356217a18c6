import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyTree, fullText, type Tree, verifyTree } from "../../../sync-runtime/adopt/tree-copy.ts";
import { readable, staysInside } from "../../../sync-runtime/host/tree.ts";

let bench: string;
let tree: Tree;
const source = (path: string) => join(bench, "source", path);
const copied = (path: string) => join(bench, "copy", path);

beforeEach(() => {
  bench = mkdtempSync(join(tmpdir(), "adopt-"));
  mkdirSync(source("uploads/deep"), { recursive: true });
  writeFileSync(source("uploads/a.txt"), "a");
  writeFileSync(source("uploads/deep/b.txt"), "bb");
  tree = {
    ...{ from: join(bench, "source"), to: join(bench, "copy"), ledger: join(bench, "ledger") },
    ...{ without: () => false, kept: () => false, staged: join(bench, "staged") },
  };
});
afterEach(() => rmSync(bench, { recursive: true, force: true }));

describe("a copy of a source's files", () => {
  it("holds all of them, and reads nothing twice that has not changed", async () => {
    expect(await copyTree(tree)).toMatchObject({
      files: 2,
      bytes: 3,
      read: { files: 2, bytes: 3 },
      moving: 0,
    });
    expect(readFileSync(copied("uploads/deep/b.txt"), "utf8")).toBe("bb");
    const again = await copyTree(tree);
    expect(again).toMatchObject({ files: 2, read: { files: 0 } });
    writeFileSync(source("uploads/a.txt"), "A");
    const changed = await copyTree(tree);
    expect(changed.read).toEqual({ files: 1, bytes: 1 });
    expect(changed.sha256).not.toBe(again.sha256);
    expect(readFileSync(copied("uploads/a.txt"), "utf8")).toBe("A");
  });

  it("notices a change that keeps size and time, as only root could hide that of the inode", async () => {
    const time = new Date("2026-01-01");
    utimesSync(source("uploads/a.txt"), time, time);
    await copyTree(tree);
    writeFileSync(source("uploads/a.txt"), "z");
    utimesSync(source("uploads/a.txt"), time, time);
    expect((await copyTree(tree)).read.files).toBe(1);
    expect(readFileSync(copied("uploads/a.txt"), "utf8")).toBe("z");
  });

  it("loses what its source lost, and follows what became something else", async () => {
    await copyTree(tree);
    rmSync(source("uploads/deep"), { recursive: true });
    rmSync(source("uploads/a.txt"));
    mkdirSync(source("uploads/a.txt"));
    writeFileSync(source("uploads/a.txt/inner"), "i");
    writeFileSync(source("uploads/deep"), "a file now");
    expect(await copyTree(tree)).toMatchObject({ files: 2 });
    expect(readFileSync(copied("uploads/deep"), "utf8")).toBe("a file now");
    expect(readFileSync(copied("uploads/a.txt/inner"), "utf8")).toBe("i");
  });

  it("makes what was removed from the copy, or cut short, anew", async () => {
    await copyTree(tree);
    rmSync(copied("uploads/a.txt"));
    truncateSync(copied("uploads/deep/b.txt"), 1);
    expect((await copyTree(tree)).read.files).toBe(2);
    await verifyTree(tree);
  });

  it("is read back: a copy that is not what was read is told", async () => {
    await copyTree(tree);
    writeFileSync(copied("uploads/deep/b.txt"), "bX");
    await expect(verifyTree(tree)).rejects.toThrow(/copy of uploads\/deep\/b\.txt is not what was read/);
  });

  it("begins anew where its ledger is damaged", async () => {
    await copyTree(tree);
    appendFileSync(tree.ledger, "{");
    expect((await copyTree(tree)).read.files).toBe(2);
  });

  it("keeps links that stay inside as links, and no other link, pipe, socket or device", async () => {
    symlinkSync("deep/b.txt", source("uploads/inside"));
    symlinkSync("/etc/passwd", source("uploads/absolute"));
    symlinkSync("../../../etc/passwd", source("uploads/outside"));
    symlinkSync("../uploads/../../copy", source("uploads/round-about"));
    execFileSync("mkfifo", [source("uploads/pipe")]);
    const pass = await copyTree(tree);
    expect(pass.files).toBe(2);
    expect(readlinkSync(copied("uploads/inside"))).toBe("deep/b.txt");
    for (const name of ["absolute", "outside", "round-about", "pipe"])
      expect(lstatSync(copied(`uploads/${name}`), { throwIfNoEntry: false })).toBeUndefined();
    expect(pass).toMatchObject({ leftOutCount: 4, leftOut: expect.arrayContaining(["uploads/pipe"]) });
  });

  it("never writes through a link that stands in the copy where a file is to be", async () => {
    const victim = join(bench, "victim");
    writeFileSync(victim, "untouched");
    mkdirSync(copied("uploads"), { recursive: true });
    symlinkSync(victim, copied("uploads/a.txt"));
    await copyTree(tree);
    expect(readFileSync(victim, "utf8")).toBe("untouched");
    expect(readFileSync(copied("uploads/a.txt"), "utf8")).toBe("a");
  });

  it("takes names with every byte that a name may hold", async () => {
    const names = ["new\nline", " ", "$(touch x)", "'\"`\\", "-rf", "\x1b[2J", "ünï-𐐷", "..."];
    for (const name of names) writeFileSync(source(name), name);
    const bytes = Buffer.concat([Buffer.from(`${bench}/source/`), Buffer.from([0xff, 0xfe, 0x80])]);
    writeFileSync(bytes, "no text");
    expect((await copyTree(tree)).files).toBe(2 + names.length + 1);
    for (const name of names) expect(readFileSync(copied(name), "utf8")).toBe(name);
    const copy = Buffer.concat([Buffer.from(`${bench}/copy/`), Buffer.from([0xff, 0xfe, 0x80])]);
    expect(readFileSync(copy, "utf8")).toBe("no text");
    await verifyTree(tree);
  });

  it("gives its files the modes of a tenant's: no set-user-id, nothing for others", async () => {
    chmodSync(source("uploads/a.txt"), 0o6777);
    linkSync(source("uploads/a.txt"), source("hard"));
    const before = process.umask(0o027);
    try {
      await copyTree(tree);
    } finally {
      process.umask(before);
    }
    expect(statSync(copied("uploads/a.txt")).mode & 0o7777).toBe(0o640);
    expect(statSync(copied("uploads")).mode & 0o7777).toBe(0o2750);
    // What was one file under two names could be changed through either.
    expect(statSync(copied("hard")).nlink).toBe(1);
  });

  it("refuses what is larger than the disk, before it writes any of it", async () => {
    writeFileSync(source("sparse"), "");
    truncateSync(source("sparse"), 2 ** 43);
    await expect(copyTree(tree)).rejects.toMatchObject({ problem: "no-space" });
    expect(existsSync(copied("sparse"))).toBe(false);
  });

  it("says how much room that takes, which is never none", () =>
    expect(fullText(300n, 200_999_999n)).toBe(
      "The copy takes 1 MB more, and the host's disk has 200 MB free, of which 268 MB stay free.",
    ));

  it("refuses folders without an end", async () => {
    mkdirSync(source(Array(70).fill("d").join("/")), { recursive: true });
    await expect(copyTree(tree)).rejects.toThrow(/deeper than 64 folders/);
  });

  it("leaves out what it is told to, and keeps what came from elsewhere", async () => {
    mkdirSync(join(bench, "copy"));
    writeFileSync(copied("webui.db"), "copied otherwise");
    writeFileSync(source("webui.db"), "live");
    const name = (path: string) => path === "webui.db";
    expect(await copyTree({ ...tree, without: name, kept: name })).toMatchObject({ files: 2 });
    expect(readFileSync(copied("webui.db"), "utf8")).toBe("copied otherwise");
  });
});

describe("a path of a source", () => {
  it.each([
    ["a/link", "b", true],
    ["a/link", "../b", true],
    ["a/link", "../../b", false],
    ["link", "..", false],
    ["a/b/link", "../../c/./d", true],
    ["a/link", "/a", false],
    ["a/link", "", false],
  ])("%s to %s stays inside: %s", (path, target, inside) => expect(staysInside(path, target)).toBe(inside));

  it("is shown without what moves a cursor", () => {
    expect(readable("a\x1b[2Jb")).toBe("a\\x1b[2Jb");
    expect(readable(Buffer.from("\u202egnp.exe").toString("latin1"))).toBe("\\x202egnp.exe");
    expect(readable(Buffer.from("ü").toString("latin1"))).toBe("ü");
  });
});
