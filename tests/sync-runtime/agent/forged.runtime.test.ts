import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Message } from "../../../sync-runtime/protocol/message.ts";
import { AgentProcess } from "../../support/agent-process.ts";
import { contentsOfFile, contentsOfMessages } from "../../support/table-contents.ts";

/** Stands in every row of the neighbour, and nowhere else. */
const CANARY = "canary-of-the-neighbour";
const PAGE = 4096;
/** Types of b-tree pages: https://sqlite.org/fileformat2.html#b_tree_pages */
const INTERIOR = 5;
const LEAF = 13;

let agent: AgentProcess;
beforeAll(async () => {
  agent = await AgentProcess.start();
  make(
    join(agent.tenant("neighbour"), "webui.db"),
    `CREATE TABLE mine (a); INSERT INTO mine VALUES ('${CANARY}'), ('${CANARY}')`,
  );
});
afterAll(() => agent[Symbol.asyncDispose]());

let count = 0;
const newTenant = () => {
  const id = `forger-${++count}`;
  return { id, path: join(agent.tenant(id), "webui.db") };
};

function make(path: string, sql: string): void {
  using database = new DatabaseSync(path);
  database.exec(`PRAGMA synchronous = OFF; ${sql}`);
}

/** A table of several levels, whose rows go on to overflow pages here and there. */
const LARGE = `
  PRAGMA page_size = ${PAGE}; CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
  WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  INSERT INTO t SELECT i, hex(randomblob(30)), CASE WHEN i % 500 = 0 THEN randomblob(20000) END FROM n;
`;

/** Asks for the forger and, beside it, for its neighbour, who has to be served as ever. */
async function ask(tenant: string, committed: string | null = null): Promise<Message[]> {
  const [messages, neighbours] = await Promise.all([
    agent.changes(tenant, committed),
    agent.changes("neighbour"),
  ]);
  expect(neighbours.at(-1)?.type).toBe("manifest");
  for (const message of messages) {
    if (message.type === "rows") expect(message.bytes.includes(CANARY)).toBe(false);
    else expect(JSON.stringify(message)).not.toContain(CANARY);
  }
  expect((await agent.get("/health")).status).toBe(200);
  return messages;
}

/** Either an error, or exactly what SQLite itself reads out of the file; never something in between. */
function expectErrorOrTruth(messages: Message[], path: string): void {
  const last = messages.at(-1);
  if (last?.type === "error") {
    expect(last.error.code).toMatch(/^(database|contents|reader|wal)-/);
    return;
  }
  expect(last?.type).toBe("manifest");
  const { contents, manifest } = contentsOfMessages(messages);
  expect(last).toMatchObject({ manifest: { tables: manifest } });
  expect(contents).toEqual(contentsOfFile(path));
}

/** Page numbers of one type, from 1. */
function pagesOf(bytes: Buffer, type: number): number[] {
  const found: number[] = [];
  for (let at = PAGE; at < bytes.length; at += PAGE) if (bytes[at] === type) found.push(at / PAGE + 1);
  return found;
}
const at = (page: number) => (page - 1) * PAGE;
const cellOf = (bytes: Buffer, page: number, cell: number, head = 12) =>
  at(page) + bytes.readUInt16BE(at(page) + head + 2 * cell);
/** A page of a tree's inner part, and the leaves there are. */
function parts(bytes: Buffer) {
  const inner = pagesOf(bytes, INTERIOR).filter((page) => bytes.readUInt16BE(at(page) + 3) > 2);
  const leaves = pagesOf(bytes, LEAF);
  return { inner: inner.at(-1) as number, leaves };
}

describe("a forged b-tree is an error, or what SQLite reads, and ends:", () => {
  const FORGERIES: [string, (bytes: Buffer) => void][] = [
    [
      "an inner page that is its own child",
      (bytes) => {
        const { inner } = parts(bytes);
        bytes.writeUInt32BE(inner, cellOf(bytes, inner, 0));
      },
    ],
    [
      "a leaf in two places",
      (bytes) => {
        const { inner } = parts(bytes);
        bytes.writeUInt32BE(bytes.readUInt32BE(cellOf(bytes, inner, 1)), cellOf(bytes, inner, 0));
      },
    ],
    [
      "a child that does not exist",
      (bytes) => void bytes.writeUInt32BE(0x7ffffff0, cellOf(bytes, parts(bytes).inner, 1)),
    ],
    ["the child 0", (bytes) => void bytes.writeUInt32BE(0, at(parts(bytes).inner) + 8)],
    [
      "more cells than a page has room for",
      (bytes) => void bytes.writeUInt16BE(0xffff, at(parts(bytes).leaves[5] as number) + 3),
    ],
    ["no cells at all", (bytes) => void bytes.writeUInt16BE(0, at(parts(bytes).leaves[5] as number) + 3)],
    [
      "a cell that begins in the page's head",
      (bytes) => void bytes.writeUInt16BE(1, at(parts(bytes).leaves[5] as number) + 8),
    ],
    [
      "a cell at the page's end",
      (bytes) => void bytes.writeUInt16BE(PAGE - 1, at(parts(bytes).leaves[5] as number) + 8),
    ],
    [
      "a row that says it is 2 GB long",
      (bytes) => {
        const cell = cellOf(bytes, parts(bytes).leaves[5] as number, 0, 8);
        Buffer.from([0x87, 0xff, 0xff, 0xff, 0x7f]).copy(bytes, cell);
      },
    ],
    [
      "a leaf that says it is of an index",
      (bytes) => void bytes.writeUInt8(10, at(parts(bytes).leaves[5] as number)),
    ],
    ["overflow chains that run into each other", (bytes) => joinOverflow(bytes, (chains) => chains[1]?.[1])],
    ["an overflow chain that is a circle", (bytes) => joinOverflow(bytes, (chains) => chains[0]?.[0])],
    [
      "an overflow chain that leads into a leaf",
      (bytes) => joinOverflow(bytes, () => parts(bytes).leaves[3]),
    ],
    ["a page size of 3", (bytes) => void bytes.writeUInt16BE(3, 16)],
    ["no room left on any page", (bytes) => void bytes.writeUInt8(255, 20)],
    [
      "a page count of four billion",
      (bytes) => {
        bytes.writeUInt32BE(0xfffffffe, 28);
        bytes.copy(bytes, 92, 24, 28); // the count is believed when these two agree
      },
    ],
    ["a file of half its pages", (bytes) => void bytes.fill(0, Math.floor(bytes.length / 2 / PAGE) * PAGE)],
  ];

  it.each(FORGERIES)("%s, at the first sync and at a later one", async (_, forge) => {
    const { id, path } = newTenant();
    make(path, LARGE);
    const first = await ask(id);
    const header = first[0]?.type === "header" ? first[0].header : undefined;
    const bytes = readFileSync(path);
    forge(bytes);
    writeFileSync(path, bytes);
    const later = await ask(id, header?.sync);
    // A delta leaves out what it takes to be as it was; that SQLite can read the file at all is judged below.
    expect(later.at(-1)?.type).toMatch(/^(error|manifest)$/);
    expectErrorOrTruth(await ask(id), path);
  });
});

/** Makes the first overflow chain go on where `target` says. */
function joinOverflow(bytes: Buffer, target: (chains: number[][]) => number | undefined): void {
  const chains: number[][] = [];
  const heads = new Set(pagesOf(bytes, LEAF).concat(pagesOf(bytes, INTERIOR)));
  const pages = bytes.length / PAGE;
  const next = (page: number) => bytes.readUInt32BE(at(page));
  const pointedTo = new Set<number>();
  for (let page = 2; page <= pages; page++)
    if (!heads.has(page) && next(page) > 1 && next(page) <= pages) pointedTo.add(next(page));
  for (let page = 2; page <= pages; page++) {
    if (heads.has(page) || pointedTo.has(page) || next(page) === 0 || next(page) > pages) continue;
    const chain = [page];
    for (let follow = next(page); follow > 0 && follow <= pages && chain.length < 10; follow = next(follow))
      chain.push(follow);
    chains.push(chain);
  }
  const [first] = chains;
  const to = target(chains);
  if (!first || to === undefined) throw new Error("The database has no overflow chains to forge.");
  bytes.writeUInt32BE(to, at(first[1] as number));
}

describe("forged files beside a database in WAL mode are an error, or what SQLite reads:", () => {
  /** A live database's three files, with more in the -wal than in the file. */
  function makeLive(path: string): void {
    const own = `${path}.own`;
    using writer = new DatabaseSync(own);
    writer.exec(
      "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
    );
    for (let turn = 0; turn < 20; turn++)
      writer.exec("INSERT INTO t (a) SELECT hex(randomblob(500)) FROM (VALUES (1), (2), (3), (4), (5))");
    for (const ending of ["", "-wal", "-shm"]) copyFileSync(own + ending, path + ending);
  }
  const edit = (path: string, change: (bytes: Buffer) => void) => {
    const bytes = readFileSync(path);
    change(bytes);
    writeFileSync(path, bytes);
  };
  /** Changes both copies of the wal-index' header and makes their checksums right again. */
  const editIndex = (path: string, change: (header: Buffer) => void) =>
    edit(`${path}-shm`, (bytes) => {
      const header = bytes.subarray(0, 48);
      change(header);
      let [a, b] = [0, 0];
      for (let word = 0; word < 40; word += 8) {
        a = (a + header.readUInt32LE(word) + b) >>> 0;
        b = (b + header.readUInt32LE(word + 4) + a) >>> 0;
      }
      header.writeUInt32LE(a, 40);
      header.writeUInt32LE(b, 44);
      header.copy(bytes, 48);
    });

  it.each<[string, (path: string) => void]>([
    [
      "a frame whose contents are others",
      (path) => edit(`${path}-wal`, (bytes) => bytes.fill(7, 9000, 9100)),
    ],
    [
      "a frame of a page that does not exist",
      (path) => edit(`${path}-wal`, (bytes) => bytes.writeUInt32BE(0x7fffffff, 32)),
    ],
    ["a -wal of other salt", (path) => edit(`${path}-wal`, (bytes) => bytes.writeUInt32BE(1, 16))],
    [
      "a -wal cut in the middle of a frame",
      (path) => writeFileSync(`${path}-wal`, readFileSync(`${path}-wal`).subarray(0, 30_000)),
    ],
    ["an empty -wal", (path) => writeFileSync(`${path}-wal`, "")],
    ["a -wal of garbage", (path) => writeFileSync(`${path}-wal`, Buffer.alloc(100_000, "garbage"))],
    ["an -shm of garbage", (path) => writeFileSync(`${path}-shm`, Buffer.alloc(32_768, "garbage"))],
    ["an empty -shm", (path) => writeFileSync(`${path}-shm`, "")],
    [
      "an index of four billion frames",
      (path) => editIndex(path, (header) => header.writeUInt32LE(0xffffffff, 16)),
    ],
    [
      "an index of four billion pages",
      (path) => editIndex(path, (header) => header.writeUInt32LE(0xffffffff, 20)),
    ],
    [
      "an index of more frames than there are",
      (path) => editIndex(path, (header) => header.writeUInt32LE(header.readUInt32LE(16) + 9, 16)),
    ],
    ["an index of another page size", (path) => editIndex(path, (header) => header.writeUInt16LE(512, 14))],
    ["an index whose salt is another", (path) => editIndex(path, (header) => header.writeUInt32LE(1, 32))],
    [
      "a hash table of the index that leads nowhere",
      (path) => edit(`${path}-shm`, (bytes) => bytes.fill(0xff, 136, 32_768)),
    ],
  ])("%s", async (_, forge) => {
    const { id, path } = newTenant();
    makeLive(path);
    forge(path);
    const messages = await ask(id);
    const last = messages.at(-1);
    if (last?.type === "error") return;
    // What SQLite makes of it is looked at in a copy: it may repair what it opens.
    expect(last?.type).toBe("manifest");
    const { manifest } = contentsOfMessages(messages);
    expect(last).toMatchObject({ manifest: { tables: manifest } });
  });

  it("an index whose salts change again and again while it is read", async () => {
    const { id, path } = newTenant();
    makeLive(path);
    let asking = true;
    const changing = (async () => {
      for (let turn = 0; asking; turn++) {
        editIndex(path, (header) => header.writeUInt32LE(turn, 32));
        await pause(1);
      }
    })();
    for (let round = 0; round < 5; round++)
      expect((await ask(id)).at(-1)?.type).toMatch(/^(error|manifest)$/);
    asking = false;
    await changing;
  });

  it.each(
    ["-wal", "-shm", "-journal"].flatMap((ending) => [
      [ending, "pipe", (path: string) => execFileSync("mkfifo", [path])],
      [ending, "device", (path: string) => execFileSync("mknod", [path, "c", "1", "5"])],
      [ending, "directory", (path: string) => execFileSync("mkdir", [path])],
    ]) as [string, string, (path: string) => void][],
  )("a %s that is a %s", async (ending, _, put) => {
    const { id, path } = newTenant();
    if (ending === "-journal") make(path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    else makeLive(path);
    rmSync(path + ending, { force: true });
    put(path + ending);
    const messages = await ask(id);
    if (ending === "-journal" && messages.at(-1)?.type === "manifest")
      return expect(contentsOfMessages(messages).contents.t).toHaveLength(1);
    expect(messages.map(({ type }) => type)).toEqual(["error"]);
  });
});

describe("a database that is replaced while it is read", () => {
  it.each(["WAL", "DELETE"])("is the one or the other, never a mixture: %s", async (journal) => {
    const { id, path } = newTenant();
    const versions = ["one", "two"].map((word) => {
      const own = `${path}.${word}`;
      make(
        own,
        `PRAGMA journal_mode = ${journal}; CREATE TABLE t (a); WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT '${word} ' || i FROM n`,
      );
      return own;
    });
    const truths = versions.map((own) => JSON.stringify(contentsOfFile(own)));
    copyFileSync(versions[0] as string, path);
    let asking = true;
    const replacing = (async () => {
      for (let turn = 0; asking; turn++) {
        copyFileSync(versions[turn % 2] as string, `${path}.next`);
        renameSync(`${path}.next`, path);
        await pause(20);
      }
    })();
    for (let round = 0; round < 6; round++) {
      const messages = await ask(id);
      const last = messages.at(-1);
      if (last?.type === "error") expect(last.error.code).toMatch(/^(database|wal)-/);
      else expect(truths).toContain(JSON.stringify(contentsOfMessages(messages).contents));
    }
    asking = false;
    await replacing;
    expect(existsSync(path)).toBe(true);
  });
});
