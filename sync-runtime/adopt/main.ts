/**
 * Looks at what another Open WebUI left, or copies it: `adopt.mjs survey` or `adopt.mjs copy`, with what is meant as JSON on
 * standard input; answers JSON. Run by fleet/on-host/adoption.sh in a container that sees nothing else.
 */
import { mkdir } from "node:fs/promises";
import { isAbsolute, join, normalize, relative } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";
import type { BytePath } from "../host/tree.ts";
import { TreeError } from "../host/tree-error.ts";
import { AdoptError } from "./adopt-error.ts";
import { copyLive, copySettled, type DatabaseCopy, databaseFiles } from "./database-copy.ts";
import { survey } from "./survey.ts";
import { copyTree, type TreePass, verifyTree } from "./tree-copy.ts";

const Absolute = z.string().refine((path) => isAbsolute(path) && normalize(path) === path);

/** What is adopted, as this program sees it. */
export const Asked = z.strictObject({
  database: Absolute,
  /** The folder that becomes the data; null: the database alone. */
  data: Absolute.nullable(),
  /** The folder that becomes its `uploads`, where it lies elsewhere. */
  uploads: Absolute.nullable(),
  /** Where the copy is made. */
  to: Absolute,
  /** Whether nobody writes to it any more: then a source that moves is refused. */
  still: z.boolean(),
});
export type Asked = z.infer<typeof Asked>;

/** What was copied. */
export interface Copy {
  database: DatabaseCopy;
  files: Pick<TreePass, "files" | "bytes" | "read" | "sha256" | "leftOut" | "leftOutCount" | "moving">;
  seconds: number;
}

/** A fleet's own mark: what was a tenant before gets the mark of the tenant that it becomes. */
const IDENTITY = ".owui-identity.json";

/** What of a source's data does not come with its files. */
export function notWithFiles({ database, data, uploads }: Asked): (path: BytePath) => boolean {
  const own = data === null ? [] : databaseFiles(database).map((file) => relative(data, file));
  // Whatever the database is called, it becomes webui.db: nothing else may stand there.
  const places = [...databaseFiles("webui.db"), IDENTITY];
  const names = new Set([...own, ...places].map((name) => Buffer.from(name).toString("latin1")));
  return (path) =>
    names.has(path) || (uploads !== null && (path === "uploads" || path.startsWith("uploads/")));
}

/** One pass: files first, the database last, so that it speaks of no file that is not there. */
export async function copy(asked: Asked): Promise<Copy> {
  const from = performance.now();
  const data = join(asked.to, "data");
  await mkdir(data, { recursive: true });
  const without = notWithFiles(asked);
  const kept = (path: BytePath) =>
    databaseFiles("webui.db").includes(path) || (asked.uploads !== null && path === "uploads");
  const passes: TreePass[] = [];
  const trees = [
    ...(asked.data === null ? [] : [{ from: asked.data, to: data, name: "files", without, kept }]),
    ...(asked.uploads === null
      ? []
      : [
          {
            from: asked.uploads,
            to: join(data, "uploads"),
            name: "uploads",
            without: () => false,
            kept: () => false,
          },
        ]),
  ];
  for (const { name, ...tree } of trees) {
    const one = { ...tree, ledger: join(asked.to, `${name}.ledger`), staged: join(asked.to, "staged-file") };
    const pass = await copyTree(one);
    passes.push(pass);
    // Users wait for the last pass: what earlier ones copied, they have read back.
    await verifyTree(one, asked.still ? pass.paths : undefined);
  }
  const moving = passes.reduce((sum, pass) => sum + pass.moving, 0);
  if (asked.still && moving > 0)
    throw new AdoptError(
      "source-changed",
      `${moving} files were written while they were copied: something still runs on them.`,
    );
  const target = { copy: join(data, "webui.db"), staging: join(asked.to, "staged-database") };
  const database = await (asked.still ? copySettled : copyLive)(asked.database, target);
  return { database, files: summed(passes), seconds: Math.round(performance.now() - from) / 1000 };
}

function summed(passes: TreePass[]): Copy["files"] {
  const sum = (of: (pass: TreePass) => number) => passes.reduce((total, pass) => total + of(pass), 0);
  return {
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    read: { files: sum(({ read }) => read.files), bytes: sum(({ read }) => read.bytes) },
    sha256: passes.map(({ sha256 }) => sha256).join("+"),
    leftOut: passes.flatMap(({ leftOut }) => leftOut).slice(0, 20),
    leftOutCount: sum(({ leftOutCount }) => leftOutCount),
    moving: sum(({ moving }) => moving),
  };
}

if (import.meta.main) {
  // Folders and files are a tenant's: nobody but root and the agent's group reads them.
  process.umask(0o027);
  try {
    const asked = Asked.parse(JSON.parse(await text(process.stdin)));
    const answer =
      process.argv[2] === "copy"
        ? await copy(asked)
        : await survey(asked.database, {
            tree: asked.data ?? undefined,
            uploads: asked.uploads ?? undefined,
            without: notWithFiles(asked),
            scratch: asked.to,
          });
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  } catch (error) {
    console.error(error instanceof AdoptError || error instanceof TreeError ? error.message : error);
    process.exitCode = 1;
  }
}
