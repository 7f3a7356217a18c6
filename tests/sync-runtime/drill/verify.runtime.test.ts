import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verify } from "../../../sync-runtime/drill/verify.ts";
import { BackupFolder } from "../../support/backup-folder.ts";

describe("a fetched backup", () => {
  let root: string;
  let backup: BackupFolder;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "backup-"));
    backup = new BackupFolder(join(root, "backup"), { odd: true }).seal();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const problems = async (tenant = "acme"): Promise<string[]> => {
    const verdict = await verify(backup.path, tenant);
    return "problems" in verdict ? verdict.problems : [];
  };
  const database = (sql: string) => {
    const open = new DatabaseSync(backup.at("webui.db"), { enableForeignKeyConstraints: false });
    open.exec(`PRAGMA journal_mode = DELETE; ${sql}`);
    open.close();
  };

  it("is verified when every row and every file is what its manifest says", async () => {
    const { files, database } = backup.manifest() as {
      files: { count: number };
      database: { tables: object };
    };
    expect(await verify(backup.path, "acme")).toEqual({
      verified: expect.objectContaining({
        ...{ tenant: "acme", openWebui: "v0.11.3", takenAt: "2026-11-22T06:00:00Z", files: files.count },
        tables: Object.keys(database.tables).length,
      }),
    });
  });

  it("of an older schema is verified too", async () => {
    backup = new BackupFolder(join(root, "old"), { schema: "v0.6.43-legacy", journal: "rollback" }).seal();
    expect(await problems()).toEqual([]);
  });

  it.each<[string, () => void, (string | RegExp)[]]>([
    ["without a manifest", () => rmSync(backup.at("manifest.json")), [/manifest.json is missing/]],
    [
      "with a manifest that was cut off",
      () => truncateSync(backup.at("manifest.json"), 100),
      [/manifest.json is no JSON/],
    ],
    ["of a later format", () => backup.seal({ format: 3 }), [/format 3.*later version/]],
    [
      "whose manifest lacks something",
      () => backup.seal({ files: {} }),
      [/does not say what a backup holds/],
    ],
    ["without its database", () => rmSync(backup.at("webui.db")), ["webui.db is missing"]],
    [
      "whose database is a link",
      () => {
        rmSync(backup.at("webui.db"));
        symlinkSync("/etc/passwd", backup.at("webui.db"));
      },
      ["webui.db is no regular file"],
    ],
    [
      "whose database was cut off",
      () => truncateSync(backup.at("webui.db"), 40_960),
      [/^webui.db has 40960 bytes instead of \d+$/, /^webui.db cannot be read: |^SQLite finds|^table/],
    ],
    [
      "whose database is none",
      () => writeFileSync(backup.at("webui.db"), "no database".repeat(1000)),
      [
        /^webui.db has 11000 bytes instead of \d+$/,
        /^webui.db cannot be read: Error: file is not a database/,
      ],
    ],
    [
      "with a row too few",
      () => database("DELETE FROM tag WHERE rowid = (SELECT min(rowid) FROM tag)"),
      [/^webui.db has/, "table tag has 4 rows instead of 5"],
    ],
    [
      "with a value that was changed",
      () => database("UPDATE chat SET title = 'other' WHERE id = 'real'"),
      [/^webui.db has/, /^table chat has \d+ rows of other content$/],
    ],
    [
      "with a table too few and one too many",
      () => database("DROP TABLE memory; CREATE TABLE planted (a)"),
      [/^webui.db has/, "table memory is missing, with its 5 rows", "table planted is not in the manifest"],
    ],
    [
      "with a file too few",
      () => rmSync(backup.at("data/vector_db/chroma.sqlite3")),
      [/^data and config hold 3 files of \d+ bytes instead of 4 of \d+$/],
    ],
    [
      "with a file of other content",
      () => backup.write("config/webui_secret_key", "kez"),
      [/4 files of \d+ bytes, as many as were backed up, and the content or the name of some is another$/],
    ],
    [
      "with a link where no file was",
      () => symlinkSync("/etc/shadow", backup.at("data/uploads/planted")),
      ["data/uploads/planted is neither a file nor a directory"],
    ],
  ])("%s is refused, and what differs is named", async (_, damage, expected) => {
    damage();
    const found = await problems();
    expect(found).toHaveLength(expected.length);
    for (const [index, is] of expected.entries())
      expect(found[index]).toEqual(typeof is === "string" ? is : expect.stringMatching(is));
  });

  it("of another tenant is refused", async () => {
    expect(await problems("globex")).toEqual(["it is a backup of acme, not of globex"]);
  });

  it("with a page that was overwritten in the middle is refused, whatever SQLite makes of it", async () => {
    const bytes = readFileSync(backup.at("webui.db"));
    bytes.fill(0xa5, 20 * 4096, 21 * 4096);
    writeFileSync(backup.at("webui.db"), bytes);
    expect((await problems())[0]).toBe("webui.db has other content than was backed up");
  });
});
