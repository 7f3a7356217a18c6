import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildContext } from "../../../components/runtime-image/build-context.ts";

describe("the build context of the runtime image", () => {
  let repository: string;
  beforeEach(async () => {
    repository = await mkdtemp(join(tmpdir(), "repository-"));
    await write("package-lock.json", "{}");
    await write("sync-runtime/Dockerfile", "FROM scratch\n");
    await write("sync-runtime/protocol/word.ts", 'export const word: string = "hello";\n');
    const programs = [
      "agent/main",
      "agent/reader",
      "node/main",
      "restore/main",
      "restore/guard",
      "writer/main",
      "writer/row-writer",
      "adopt/main",
      "move/main",
      "drill/main",
      "drill/database",
      "backup/main",
      "backup/database-copier",
    ];
    for (const program of programs) {
      await write(
        `sync-runtime/${program}.ts`,
        'import { word } from "../protocol/word.ts";\nconsole.log(word);\n',
      );
    }
    await write("sync-runtime/backup/Dockerfile", "FROM scratch\n");
    await write("sync-runtime/database/queries/one.sql", "SELECT 1\n");
  });
  afterEach(() => rm(repository, { recursive: true }));

  async function write(path: string, text: string) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), text);
  }

  it("holds the bundles, the node's statements and the Dockerfile, and no source", async () => {
    const { directory } = await buildContext(repository);
    const files = readdirSync(join(repository, directory), { recursive: true }).sort();
    expect(files).toEqual([
      "Dockerfile",
      "adopt.mjs",
      "agent.mjs",
      "backup.Dockerfile",
      "backup.mjs",
      "database-copier.mjs",
      "drill-database.mjs",
      "drill.mjs",
      "guard.mjs",
      "move.mjs",
      "node.mjs",
      "queries",
      "queries/one.sql",
      "reader.mjs",
      "restore.mjs",
      "row-writer.mjs",
      "writer.mjs",
    ]);
    expect(await readFile(join(repository, directory, "node.mjs"), "utf8")).toContain('"hello"');
  });

  it("is the same for the same source, wherever the clone lies", async () => {
    const { digest, directory } = await buildContext(repository);
    const clone = `${repository}-elsewhere`;
    await cp(repository, clone, { recursive: true, filter: (path) => !path.includes(".build") });
    expect(await buildContext(clone)).toEqual({ digest, directory });
    await rm(clone, { recursive: true });
  });

  it("stays where it is when source changes that ends in no bundle", async () => {
    const { digest } = await buildContext(repository);
    await write("sync-runtime/protocol/README.md", "Words.\n");
    await write("sync-runtime/protocol/word.ts", '// A word.\nexport const word: string = "hello";\n');
    expect((await buildContext(repository)).digest).toBe(digest);
  });

  it.each([
    ["a program", "sync-runtime/protocol/word.ts", 'export const word = "bye";\n'],
    ["a statement", "sync-runtime/database/queries/one.sql", "SELECT 2\n"],
    ["the image", "sync-runtime/Dockerfile", "FROM debian\n"],
  ])("is another one when %s changes", async (_, path, text) => {
    const { digest } = await buildContext(repository);
    await write(path, text);
    expect((await buildContext(repository)).digest).not.toBe(digest);
  });

  it("leaves nothing behind when the source cannot be bundled", async () => {
    await write("sync-runtime/node/main.ts", 'import "./missing.ts";\n');
    await expect(buildContext(repository)).rejects.toThrow("missing.ts");
    expect(readdirSync(join(repository, ".build/sync-runtime"))).toEqual([]);
  });

  it("may be made by two runs at once", async () => {
    const [one, other] = await Promise.all([buildContext(repository), buildContext(repository)]);
    expect(one).toEqual(other);
    expect(existsSync(join(repository, one.directory, "agent.mjs"))).toBe(true);
  });
});
