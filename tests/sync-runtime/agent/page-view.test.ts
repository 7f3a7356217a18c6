import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPageChanges } from "../../../sync-runtime/agent/reader/page-changes.ts";
import { PageView } from "../../../sync-runtime/agent/reader/page-view.ts";

let root: string;
let path: string;
let application: DatabaseSync;
let reader: DatabaseSync;
const descriptors: number[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pages-"));
  path = join(root, "webui.db");
  application = new DatabaseSync(path);
  application.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a, b)");
  write(300);
  application.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  write(20);
  reader = new DatabaseSync(path, { readOnly: true });
  reader.exec("BEGIN; SELECT * FROM t LIMIT 1");
});
afterEach(() => {
  for (const database of [reader, application]) if (database.isOpen) database.close();
  for (const fd of descriptors.splice(0)) closeSync(fd);
  rmSync(root, { recursive: true });
});

/** One commit of so many rows. */
const write = (rows: number) =>
  application.exec(
    `WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) INSERT INTO t SELECT i, randomblob(700) FROM n`,
  );

/** Descriptors of our own: nothing here counts on the locks that closing them ends. */
function files() {
  const [database, wal, shm] = ["", "-wal", "-shm"].map((suffix) => {
    const fd = openSync(path + suffix, "r");
    descriptors.push(fd);
    return fd;
  }) as [number, number, number];
  return { database, wal, shm };
}

const fix = (earlier?: PageView) => PageView.fix(reader, files(), earlier?.position);

/** All pages of a view. */
const pagesOf = (view: PageView) =>
  Buffer.concat(Array.from({ length: view.groups }, (_, group) => Buffer.from(view.readGroup(group))));

/** What the file would be if everything committed were in it. */
function checkpointed(): Buffer {
  const copy = join(root, "copy.db");
  for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, copy + suffix);
  const database = new DatabaseSync(copy);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  const bytes = readFileSync(copy);
  rmSync(copy);
  return bytes;
}

describe("the pages of a snapshot", () => {
  it("are those of the file with the -wal laid over it", () => {
    const view = fix();
    expect(view && pagesOf(view).equals(checkpointed())).toBe(true);
    expect(view && Buffer.from(view.read(2)).equals(checkpointed().subarray(4096, 8192))).toBe(true);
  });

  it("stay as they are while an application commits and checkpoints", () => {
    const view = fix() as PageView;
    const before = pagesOf(view);
    for (let round = 0; round < 3; round++) {
      write(50);
      application.exec("DELETE FROM t WHERE a = 7; PRAGMA wal_checkpoint(PASSIVE)");
    }
    expect(pagesOf(view).equals(before)).toBe(true);
    view.expectStill();
  });

  it("are the file's when all of the -wal was checkpointed, though the -wal is begun anew meanwhile", () => {
    application.exec("PRAGMA wal_checkpoint(PASSIVE)");
    const view = fix() as PageView;
    const before = pagesOf(view);
    write(100); // The -wal begins anew: nobody needs its frames.
    expect(pagesOf(view).equals(before)).toBe(true);
    view.expectStill();
    const rows = reader.prepare("SELECT count(*) AS n FROM t").get();
    expect(rows).toEqual({ n: 320 });
  });

  it("cannot be told when more was committed than the wal-index says, as after a kill in a commit", () => {
    const stale = readFileSync(`${path}-shm`);
    write(1);
    const killed = join(root, "killed.db");
    for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, killed + suffix);
    writeFileSync(`${killed}-shm`, stale);
    reader.close();
    application.close();
    path = killed;
    reader = new DatabaseSync(`file://${killed}?mode=ro&readonly_shm=1`, { readOnly: true });
    reader.exec("BEGIN; SELECT * FROM t LIMIT 1");
    expect(reader.prepare("SELECT count(*) AS n FROM t").get()).toEqual({ n: 321 });
    expect(fix()).toBeUndefined();
  });

  it("cannot be told when a frame's checksum does not follow from those before it", () => {
    reader.close();
    const wal = readFileSync(`${path}-wal`);
    wal[32 + 24 + 100] = (wal[32 + 24 + 100] as number) ^ 1;
    const shm = readFileSync(`${path}-shm`);
    const broken = join(root, "broken.db");
    copyFileSync(path, broken);
    writeFileSync(`${broken}-wal`, wal);
    writeFileSync(`${broken}-shm`, shm);
    path = broken;
    reader = new DatabaseSync(`file://${broken}?mode=ro&readonly_shm=1`, { readOnly: true });
    reader.exec("BEGIN");
    expect(fix()).toBeUndefined();
  });
});

describe("the pages that changed since an earlier snapshot", () => {
  /** Page numbers that are said to have changed, and whether the file was read for it. */
  function changes(earlier: PageView, tags: Buffer, key: string) {
    const view = fix(earlier) as PageView;
    const { position, pageSize, usable, pages } = earlier;
    const found = findPageChanges(view, { position, pageSize, usable, pages, tags, key });
    const numbers = [...found.changed].flatMap((changed, page) => (changed ? page : []));
    return { view, found, numbers, byFrames: found.heads === undefined };
  }

  it("are those of the frames behind it, with the tags that all pages would have", () => {
    const earlier = fix() as PageView;
    const { tags, key } = findPageChanges(earlier, undefined);
    application.exec("UPDATE t SET a = -1 WHERE rowid = 100");
    const { numbers, byFrames, found, view } = changes(earlier, tags, key);
    expect(byFrames).toBe(true);
    expect(numbers.length).toBeLessThan(5);
    const all = findPageChanges(view, {
      ...earlierOf(earlier, tags, key),
      position: { database: "", wal: null },
    });
    expect(all.heads).toBeDefined();
    expect(found.tags.equals(all.tags)).toBe(true);
    expect([...all.changed].every((changed, page) => changed >= (found.changed[page] as number))).toBe(true);
  });

  const earlierOf = ({ position, pageSize, usable, pages }: PageView, tags: Buffer, key: string) => ({
    position,
    pageSize,
    usable,
    pages,
    tags,
    key,
  });

  it.each<[string, () => void]>([
    ["a checkpoint wrote to the file", () => application.exec("PRAGMA wal_checkpoint(PASSIVE)")],
    ["the -wal was begun anew", () => application.exec("PRAGMA wal_checkpoint(RESTART)")],
    ["the -wal was emptied", () => application.exec("PRAGMA wal_checkpoint(TRUNCATE)")],
    [
      "the journal's mode was switched",
      () =>
        application.exec(
          "PRAGMA journal_mode = DELETE; UPDATE t SET a = 8 WHERE rowid = 3; PRAGMA journal_mode = WAL",
        ),
    ],
  ])("are found by reading all when %s", (_, happen) => {
    const earlier = fix() as PageView;
    const { tags, key } = findPageChanges(earlier, undefined);
    const before = pagesOf(earlier);
    reader.close();
    happen();
    write(1);
    expect(existsSync(`${path}-wal`)).toBe(true);
    reader = new DatabaseSync(path, { readOnly: true });
    reader.exec("BEGIN; SELECT * FROM t LIMIT 1");
    const { byFrames, found, view } = changes(earlier, tags, key);
    expect(byFrames).toBe(false);
    const now = pagesOf(view);
    for (let page = 1; page <= view.pages; page++) {
      const at = (page - 1) * view.pageSize;
      const same = now.subarray(at, at + view.pageSize).equals(before.subarray(at, at + view.pageSize));
      if (!same) expect(found.changed[page]).toBe(1);
    }
  });

  it("are found by reading all when another file took the place of the database", () => {
    const earlier = fix() as PageView;
    const { tags, key } = findPageChanges(earlier, undefined);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes);
    expect(changes(earlier, tags, key).byFrames).toBe(false);
  });
});
